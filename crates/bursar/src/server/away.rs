//! Requests that get nothing before the routes see them, or whatever the routes make of them.

use axum::response::Response;
use bursar_core::engine::issuer::AuthorizationServer;
use bursar_core::engine::issuer::refusal::Refusal;
use bursar_core::oauth::error::ErrorCode;
use http::header::{HOST, RETRY_AFTER};
use http::request::Parts;
use http::{HeaderValue, StatusCode, Version};

use super::request_body::Cut;
use crate::http::oauth::told;

/// Why a request is sent away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Away {
    /// It names no host, or several.
    Hosts,
    /// It came in the open, from elsewhere.
    Exposed,
    /// Its body does not end where it should.
    TooLarge,
    /// Its body does not come.
    TooSlow,
    /// It cannot be told now for whom it is.
    NotNow,
    /// The program that should answer has failed.
    Broken,
}

/// What is wrong with a request that can be seen from its head; `is_admitted`: its sender may come as it does.
pub(super) fn turned_away(head: &Parts, is_admitted: bool) -> Option<Away> {
    if !names_one_host(head) {
        Some(Away::Hosts)
    } else if !is_admitted {
        Some(Away::Exposed)
    } else {
        None
    }
}

/// RFC 9112 §3.2: a request of HTTP/1.1 without a host, or with two, is a mistake or an attempt at confusing somebody.
fn names_one_host(head: &Parts) -> bool {
    let hosts = head.headers.get_all(HOST).iter().count();
    match head.version {
        Version::HTTP_11 => hosts == 1,
        _ => hosts <= 1,
    }
}

impl Away {
    /// As it is told, with a name from whoever notes it.
    pub(super) fn answer(self, refusals: Option<&AuthorizationServer>) -> Response {
        let (status, refusal) = self.refusal();
        let mut response = told(refusals, status, &refusal);
        if status == StatusCode::SERVICE_UNAVAILABLE {
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("1"));
        }
        response
    }

    fn refusal(self) -> (StatusCode, Refusal) {
        let invalid = |description| Refusal::new(ErrorCode::InvalidRequest, description);
        match self {
            Self::Hosts => (StatusCode::BAD_REQUEST, invalid("the request names no host, or several")),
            Self::Exposed => {
                let code = ErrorCode::Extension("insecure_transport".to_owned());
                let description = "this server is reached through its proxy, or by HTTPS";
                (StatusCode::FORBIDDEN, Refusal::new(code, description))
            }
            Self::TooLarge => (StatusCode::PAYLOAD_TOO_LARGE, invalid("the request's body is too large")),
            Self::TooSlow => {
                (StatusCode::REQUEST_TIMEOUT, invalid("the request's body does not come in time"))
            }
            Self::NotNow => {
                let code = ErrorCode::TemporarilyUnavailable;
                let refusal = Refusal::new(code, "the server cannot answer now")
                    .because("the store did not say which sandboxes there are");
                (StatusCode::SERVICE_UNAVAILABLE, refusal)
            }
            Self::Broken => {
                let refusal = Refusal::new(ErrorCode::ServerError, "something went wrong")
                    .because("the program that answers has failed; the log tells where");
                (StatusCode::INTERNAL_SERVER_ERROR, refusal)
            }
        }
    }
}

impl From<Cut> for Away {
    fn from(cut: Cut) -> Self {
        match cut {
            Cut::TooLarge => Self::TooLarge,
            Cut::TooSlow => Self::TooSlow,
        }
    }
}

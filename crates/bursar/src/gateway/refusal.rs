//! What the gateway itself answers when it does not pass a request on: JSON with a code, words, and the next step.

use http::header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderValue, Response, StatusCode};
use serde::Serialize;

use super::answer::Answer;
use crate::exit::{Exit, Failure};

/// A request that is not passed on, or whose upstream gave no answer.
#[derive(Debug)]
pub(super) struct Refusal {
    status: StatusCode,
    code: &'static str,
    message: String,
    hint: Option<String>,
}

#[derive(Serialize)]
struct Document<'a> {
    error: &'a str,
    message: &'a str,
    hint: Option<&'a str>,
}

impl Refusal {
    pub(super) fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into(), hint: None }
    }

    pub(super) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    pub(super) fn into_answer(self) -> Response<Answer> {
        let document = Document { error: self.code, message: &self.message, hint: self.hint.as_deref() };
        let body = serde_json::to_vec(&document).unwrap_or_default();
        let mut answer = Response::new(Answer::whole(body));
        *answer.status_mut() = self.status;
        let headers = answer.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        match self.status {
            // Tools such as git send a password only after they were asked for one (RFC 9110 §11.6.1).
            StatusCode::UNAUTHORIZED => {
                headers.append(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"bursar gateway\""));
                headers.append(WWW_AUTHENTICATE, HeaderValue::from_static("Basic realm=\"bursar gateway\""));
            }
            StatusCode::SERVICE_UNAVAILABLE => {
                headers.insert(RETRY_AFTER, HeaderValue::from_static("5"));
            }
            _ => {}
        }
        answer
    }
}

impl From<Failure> for Refusal {
    /// No token could be had, or the route leads nowhere: nothing the caller did, so never a 401, which would make it
    /// doubt its own token.
    fn from(failure: Failure) -> Self {
        let (status, code) = match failure.exit {
            Exit::Denied => (StatusCode::FORBIDDEN, "denied"),
            Exit::LoginRequired => (StatusCode::SERVICE_UNAVAILABLE, "login_required"),
            Exit::NoSuchAccount => (StatusCode::SERVICE_UNAVAILABLE, "no_such_account"),
            Exit::VaultLocked => (StatusCode::SERVICE_UNAVAILABLE, "vault_locked"),
            Exit::Usage => (StatusCode::SERVICE_UNAVAILABLE, "route_unusable"),
            Exit::Ok
            | Exit::Error
            | Exit::Unavailable
            | Exit::Unreachable
            | Exit::Expiring
            | Exit::Code(_) => (StatusCode::SERVICE_UNAVAILABLE, "unavailable"),
        };
        let message = std::iter::once(failure.message).chain(failure.causes).collect::<Vec<_>>().join(": ");
        Self { status, code, message, hint: failure.hint }
    }
}

//! Refusals and troubles as answers to programs (RFC 6749 §5.2).

use axum::response::{IntoResponse as _, Response};
use bursar_core::engine::issuer::refusal::{IssueError, Refusal};
use bursar_core::oauth::error::ErrorCode;
use http::header::{
    CACHE_CONTROL, CONTENT_TYPE, EXPIRES, PRAGMA, RETRY_AFTER, WWW_AUTHENTICATE, X_CONTENT_TYPE_OPTIONS,
};
use http::{HeaderName, HeaderValue, StatusCode};
use serde::Serialize;

/// A failed request of a client; `by_header`: it had proven itself by the `Authorization` header, and is challenged there.
pub(super) fn failed(error: &IssueError, by_header: bool) -> Response {
    match error {
        IssueError::Refused(refusal) => refused(refusal, by_header),
        IssueError::TooMany { retry_after } => {
            let told = Told {
                error: "temporarily_unavailable",
                error_description: "too many requests from your network",
            };
            let mut response = json(StatusCode::TOO_MANY_REQUESTS, &told);
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(retry_after.as_secs().max(1)));
            response
        }
        IssueError::Store(_)
        | IssueError::Vault(_)
        | IssueError::Overloaded(_)
        | IssueError::Elsewhere(_)
        | IssueError::Signing => {
            tracing::warn!(%error, "a request could not be answered");
            // Never an error that says something about a grant: the client is to try again, and loses nothing.
            let told =
                Told { error: "temporarily_unavailable", error_description: "the server cannot answer now" };
            let mut response = json(StatusCode::SERVICE_UNAVAILABLE, &told);
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("1"));
            response
        }
    }
}

/// A refusal as it travels.
pub(super) fn refused(refusal: &Refusal, by_header: bool) -> Response {
    let status = match refusal.code {
        ErrorCode::InvalidClient => StatusCode::UNAUTHORIZED,
        _ => StatusCode::BAD_REQUEST,
    };
    let told = Told { error: refusal.code.as_str(), error_description: &refusal.description };
    let mut response = json(status, &told);
    if status == StatusCode::UNAUTHORIZED && by_header {
        // RFC 6749 §5.2.
        response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Basic realm=\"bursar\""));
    }
    response
}

#[derive(Serialize)]
struct Told<'a> {
    error: &'a str,
    error_description: &'a str,
}

/// A document that nobody may keep: it has tokens in it, or says something about them.
pub(super) fn json(status: StatusCode, document: &impl Serialize) -> Response {
    let mut text = Vec::with_capacity(USUAL_ANSWER);
    // A buffer takes everything, and our documents have no keys that JSON cannot have.
    let _always = serde_json::to_writer(&mut text, document);
    headed(status, text)
}

/// The same of a document that is written already.
pub(super) fn headed(status: StatusCode, text: Vec<u8>) -> Response {
    let mut response = (status, text).into_response();
    for (name, value) in HEADERS {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}

const HEADERS: [(HeaderName, &str); 5] = [
    (CONTENT_TYPE, "application/json"),
    (CACHE_CONTROL, "no-cache, no-store, must-revalidate"),
    (PRAGMA, "no-cache"),
    (EXPIRES, "0"),
    (X_CONTENT_TYPE_OPTIONS, "nosniff"),
];
const USUAL_ANSWER: usize = 2 * 1024;

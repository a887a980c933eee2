//! Refusals and troubles as answers to programs (RFC 6749 §5.2).

use axum::response::{IntoResponse as _, Response};
use bursar_core::engine::issuer::AuthorizationServer;
use bursar_core::engine::issuer::refusal::{IssueError, Refusal};
use bursar_core::oauth::error::ErrorCode;
use http::header::{
    CACHE_CONTROL, CONTENT_TYPE, EXPIRES, PRAGMA, RETRY_AFTER, WWW_AUTHENTICATE, X_CONTENT_TYPE_OPTIONS,
};
use http::{HeaderName, HeaderValue, StatusCode};
use serde::Serialize;

use super::Issuing;
use crate::http::cause::Cause;

/// A failed request of a client; `by_header`: it had proven itself by the `Authorization` header, and is challenged there.
pub(super) fn failed(issuing: &Issuing, error: &IssueError, by_header: bool) -> Response {
    let refusal = error.to_refusal();
    let (status, retry_after) = match error {
        IssueError::Refused(refusal) if refusal.code == ErrorCode::InvalidClient => {
            (StatusCode::UNAUTHORIZED, None)
        }
        IssueError::Refused(_) => (StatusCode::BAD_REQUEST, None),
        IssueError::TooMany { retry_after } => {
            (StatusCode::TOO_MANY_REQUESTS, Some(retry_after.as_secs().max(1)))
        }
        // Never an error that says something about a grant: the client is to try again, and loses nothing.
        IssueError::Store(_)
        | IssueError::Vault(_)
        | IssueError::Overloaded(_)
        | IssueError::Elsewhere(_)
        | IssueError::Signing => {
            tracing::warn!(%error, "a request could not be answered");
            (StatusCode::SERVICE_UNAVAILABLE, Some(1))
        }
    };
    let mut response = refused(issuing, status, &refusal);
    let headers = response.headers_mut();
    if let Some(seconds) = retry_after {
        headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    if status == StatusCode::UNAUTHORIZED && by_header {
        // RFC 6749 §5.2.
        headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Basic realm=\"bursar\""));
    }
    response
}

/// A refusal as it travels.
pub(super) fn refused(issuing: &Issuing, status: StatusCode, refusal: &Refusal) -> Response {
    told(Some(&issuing.server), status, refusal)
}

/// The same for whoever may have nobody that names it.
pub(crate) fn told(server: Option<&AuthorizationServer>, status: StatusCode, refusal: &Refusal) -> Response {
    let cause = Cause::of(refusal.clone());
    let cause = match server {
        Some(server) => cause.named(server),
        None => cause,
    };
    let description = refusal.description_with(cause.name());
    let told = Told { error: refusal.code.as_str(), error_description: &description };
    cause.on(json(status, &told))
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
    response.headers_mut().reserve(HEADERS.len() + ADDED_LATER);
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
/// What other origins may read, a nonce, and the length: room for them at once, because headers that grow are moved.
const ADDED_LATER: usize = 5;

//! Clients that register themselves (RFC 7591, RFC 7592).

use axum::body::Body;
use axum::extract::{Path, Request, State};
use axum::response::{IntoResponse as _, Response};
use bursar_core::engine::issuer::refusal::{IssueError, Refusal};
use bursar_core::engine::issuer::registration::Registration;
use bursar_core::oauth::error::ErrorCode;
use bursar_core::secret::Secret;
use http::header::{AUTHORIZATION, CONTENT_TYPE, WWW_AUTHENTICATE};
use http::{HeaderMap, HeaderValue, StatusCode};
use http_body_util::BodyExt as _;

use super::Issuing;
use super::failure::{failed, headed};
use super::source::From;
use crate::http::cause::{Cause, asked_by};

/// A client registers itself.
pub(super) async fn register(State(issuing): State<Issuing>, source: From, request: Request) -> Response {
    if !is_json(request.headers()) {
        let refusal = Refusal::new(
            ErrorCode::InvalidClientMetadata,
            "the body must be JSON: `Content-Type: application/json`",
        );
        return failed(&issuing, &refusal.into(), false);
    }
    let outcome = match read(request.into_body()).await {
        Ok(body) => issuing.server.register(&body, &source.0).await,
        Err(error) => Err(error),
    };
    answer(&issuing, StatusCode::CREATED, outcome)
}

/// A client looks at its registration.
pub(super) async fn show(
    State(issuing): State<Issuing>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Response {
    let Some(token) = bearer(&headers) else { return unauthorized(None) };
    managed(&issuing, &id, issuing.server.registration(&id, &token).await)
}

/// A client says what it is now.
pub(super) async fn change(
    State(issuing): State<Issuing>,
    Path(id): Path<String>,
    source: From,
    request: Request,
) -> Response {
    let Some(token) = bearer(request.headers()) else { return unauthorized(None) };
    match read(request.into_body()).await {
        Ok(body) => {
            let outcome = issuing.server.change_registration(&id, &token, &body, &source.0).await;
            managed(&issuing, &id, outcome)
        }
        Err(error) => failed(&issuing, &error, false),
    }
}

/// A client goes.
pub(super) async fn withdraw(
    State(issuing): State<Issuing>,
    Path(id): Path<String>,
    source: From,
    headers: HeaderMap,
) -> Response {
    let Some(token) = bearer(&headers) else { return unauthorized(None) };
    match issuing.server.withdraw_registration(&id, &token, &source.0).await {
        Ok(()) => StatusCode::NO_CONTENT.into_response(),
        Err(error) => refused_management(&issuing, &id, &error),
    }
}

async fn read(body: Body) -> Result<Vec<u8>, IssueError> {
    let unread = || Refusal::new(ErrorCode::InvalidClientMetadata, "the body could not be read");
    Ok(body.collect().await.map_err(|_| unread())?.to_bytes().to_vec())
}

fn managed(issuing: &Issuing, id: &str, outcome: Result<Registration, IssueError>) -> Response {
    match outcome {
        Ok(registration) => answer(issuing, StatusCode::OK, Ok(registration)),
        Err(error) => refused_management(issuing, id, &error),
    }
}

fn refused_management(issuing: &Issuing, id: &str, error: &IssueError) -> Response {
    let response = match error {
        IssueError::Refused(refusal) if refusal.code == ErrorCode::InvalidToken => {
            unauthorized(Some(refusal))
        }
        _ => failed(issuing, error, false),
    };
    asked_by(response, || Some(id.to_owned()))
}

fn answer(issuing: &Issuing, status: StatusCode, outcome: Result<Registration, IssueError>) -> Response {
    match outcome {
        Ok(registration) => headed(status, registration.to_body().expose().to_vec()),
        Err(error) => {
            let is_closed =
                matches!(&error, IssueError::Refused(refusal) if refusal.code == ErrorCode::AccessDenied);
            let mut response = failed(issuing, &error, false);
            if is_closed {
                *response.status_mut() = StatusCode::FORBIDDEN;
            }
            response
        }
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    let media_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    media_type.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case("application/json")
}

/// RFC 6750 §2.1.
fn bearer(headers: &HeaderMap) -> Option<Secret> {
    let (scheme, token) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| Secret::new(token.trim()))
}

/// The same for a token of another client, for none, and for a client that is not there.
fn unauthorized(refusal: Option<&Refusal>) -> Response {
    let mut response = headed(StatusCode::UNAUTHORIZED, br#"{"error":"invalid_token"}"#.to_vec());
    let challenge = HeaderValue::from_static("Bearer error=\"invalid_token\"");
    response.headers_mut().insert(WWW_AUTHENTICATE, challenge);
    match refusal {
        Some(refusal) => Cause::of(refusal.clone()).on(response),
        None => response,
    }
}

//! How requests are read: bodies and paths, with failures that repeat nothing of what was sent.

use std::error::Error;
use std::time::Duration;

use axum::extract::rejection::PathRejection;
use axum::extract::{FromRequest, FromRequestParts, Path, Query, Request};
use axum::response::{IntoResponse as _, Response};
use bursar_core::ports::clock::Clock as _;
use futures::future::{Either, select};
use http::StatusCode;
use http::request::Parts;
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use serde::de::DeserializeOwned;

use super::refusal::Refusal;
use crate::system::SystemClock;

/// A JSON body; no body at all means an empty object.
#[derive(Debug)]
pub(super) struct Body<T>(pub(super) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Body<T> {
    type Rejection = Response;

    async fn from_request(request: Request, _state: &S) -> Result<Self, Response> {
        let reading = Limited::new(request.into_body(), LARGEST_BODY).collect();
        let bytes = match select(reading, SystemClock.sleep(LONGEST_BODY)).await {
            Either::Left((read, _)) => read.map_err(|error| unread(&*error))?.to_bytes(),
            Either::Right(_) => return Err(refused(StatusCode::REQUEST_TIMEOUT, "the request does not end")),
        };
        let text: &[u8] = if bytes.is_empty() { b"{}" } else { &bytes };
        // The reader's words may repeat a token, so they are told to nobody.
        serde_json::from_slice(text).map(Self).map_err(|error| {
            let place = format!("line {}, column {}", error.line(), error.column());
            refused(StatusCode::BAD_REQUEST, &format!("the request's JSON is not as described, at {place}"))
        })
    }
}

/// One variable of the path.
#[derive(Debug)]
pub(super) struct Named(pub(super) String);

impl<S: Send + Sync> FromRequestParts<S> for Named {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Response> {
        let path: Result<Path<String>, PathRejection> = Path::from_request_parts(parts, state).await;
        match path {
            Ok(Path(name)) => Ok(Self(name)),
            Err(rejection) => Err(refused(rejection.status(), "the path cannot be understood")),
        }
    }
}

/// What stands behind the question mark.
#[derive(Debug)]
pub(super) struct Asked<T>(pub(super) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Asked<T> {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Response> {
        let asked = Query::try_from_uri(&parts.uri);
        asked
            .map(|Query(asked)| Self(asked))
            .map_err(|_| refused(StatusCode::BAD_REQUEST, "the address's query is not as described"))
    }
}

fn unread(error: &(dyn Error + Send + Sync + 'static)) -> Response {
    if error.is::<LengthLimitError>() {
        refused(StatusCode::PAYLOAD_TOO_LARGE, "the request is too large")
    } else {
        refused(StatusCode::BAD_REQUEST, "the request's body could not be read")
    }
}

fn refused(status: StatusCode, message: &str) -> Response {
    Refusal::new(status, "usage", message).hint("see /v1/openapi.json").into_response()
}

/// The largest legitimate request carries one refused token, and tokens end at some kilobytes.
const LARGEST_BODY: usize = 64 * 1024;
/// A body comes with its head or soon after; a caller who falls silent must not keep its place for ever.
const LONGEST_BODY: Duration = Duration::from_secs(30);

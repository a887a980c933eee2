//! What is said where there is nothing, or nothing for this method.

use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use bursar_core::engine::issuer::refusal::Refusal;
use bursar_core::oauth::error::ErrorCode;
use http::{StatusCode, Uri};

use super::Issuing;
use super::failure::refused;
use crate::http::refusal;

/// There is nothing at this path.
pub(super) async fn nothing_here(State(issuing): State<Issuing>, uri: Uri) -> Response {
    if uri.path() == ICON {
        return StatusCode::NOT_FOUND.into_response();
    }
    if uri.path().starts_with(&issuing.path(API)) {
        return refusal::unknown_route().await.into_response();
    }
    refused(&issuing, StatusCode::NOT_FOUND, &unknown("there is nothing at this path"))
}

/// This path takes other methods, which the router adds as `Allow`.
pub(super) async fn wrong_method(State(issuing): State<Issuing>) -> Response {
    refused(&issuing, StatusCode::METHOD_NOT_ALLOWED, &unknown("this path does not take this method"))
}

fn unknown(description: &str) -> Refusal {
    Refusal::new(ErrorCode::Extension("unknown_route".to_owned()), description)
}

/// Browsers ask for it by themselves, beside every page: nobody wonders why they got nothing.
const ICON: &str = "/favicon.ico";
const API: &str = "/v1/";

//! What is said where there is nothing, or nothing for this method.

use axum::response::{IntoResponse as _, Response};
use bursar_core::engine::issuer::refusal::Refusal;
use bursar_core::oauth::error::ErrorCode;
use http::header::ACCEPT;
use http::{HeaderMap, StatusCode, Uri};

use super::authorize::told;
use super::failure::refused;
use super::met::Met;
use super::{Issuing, account};
use crate::http::pages::Trouble;
use crate::http::refusal;

/// There is nothing at this path.
pub(super) async fn nothing_here(Met(issuing): Met, uri: Uri, headers: HeaderMap) -> Response {
    if uri.path() == ICON {
        return StatusCode::NOT_FOUND.into_response();
    }
    if uri.path().starts_with(&issuing.path(API)) {
        return refusal::unknown_route().await.into_response();
    }
    let refusal = unknown("there is nothing at this path");
    answer(&issuing, StatusCode::NOT_FOUND, refusal, &headers)
}

/// This path takes other methods, which the router adds as `Allow`.
pub(super) async fn wrong_method(Met(issuing): Met, headers: HeaderMap) -> Response {
    let refusal = unknown("this path does not take this method");
    answer(&issuing, StatusCode::METHOD_NOT_ALLOWED, refusal, &headers)
}

/// A page for a person, who has typed an address or gone on from one that takes forms only; a document for a program.
fn answer(issuing: &Issuing, status: StatusCode, refusal: Refusal, headers: &HeaderMap) -> Response {
    let accepted = headers.get(ACCEPT).and_then(|accepted| accepted.to_str().ok());
    if accepted.is_some_and(|accepted| accepted.contains("text/html")) {
        let account = issuing.path(account::PATH);
        told(issuing, Trouble::NoPage { status, account: &account }, refusal)
    } else {
        refused(issuing, status, &refusal)
    }
}

fn unknown(description: &str) -> Refusal {
    Refusal::new(ErrorCode::Extension("unknown_route".to_owned()), description)
}

/// Browsers ask for it by themselves, beside every page: nobody wonders why they got nothing.
const ICON: &str = "/favicon.ico";
const API: &str = "/v1/";

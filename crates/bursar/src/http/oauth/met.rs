//! The server as one browser meets it: in its language.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use http::header::ACCEPT_LANGUAGE;
use http::request::Parts;

use super::Issuing;
use crate::http::pages::Language;

/// What the endpoints work with, whose pages are in the language of the request.
#[derive(Debug)]
pub(super) struct Met(pub(super) Issuing);

impl FromRequestParts<Issuing> for Met {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &Issuing) -> Result<Self, Self::Rejection> {
        let accepted = parts.headers.get(ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
        Ok(Self(match Language::preferred(accepted.unwrap_or_default()) {
            Language::English => state.clone(),
            Language::German => Issuing { look: Arc::clone(&state.german), ..state.clone() },
        }))
    }
}

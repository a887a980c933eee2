//! The server as one browser meets it: in its language, and at one of its pages.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use bursar_core::oauth::server::server_metadata::Endpoint;
use http::header::ACCEPT_LANGUAGE;
use http::request::Parts;

use super::{Issuing, account, reset, set_up};
use crate::http::pages::Language;

/// What the endpoints work with, whose pages are in the language of the request and know where they began.
#[derive(Debug)]
pub(super) struct Met(pub(super) Issuing);

impl FromRequestParts<Issuing> for Met {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &Issuing) -> Result<Self, Self::Rejection> {
        let accepted = parts.headers.get(ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
        let look = match Language::preferred(accepted.unwrap_or_default()) {
            Language::English => &state.look,
            Language::German => &state.german,
        };
        let beginnings = [account::PATH, reset::PATH, set_up::PATH, Endpoint::DeviceVerification.path()];
        let beginning = beginnings.into_iter().find(|path| parts.uri.path().starts_with(path));
        Ok(Self(Issuing { look: Arc::clone(look), beginning, ..state.clone() }))
    }
}

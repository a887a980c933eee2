//! Where a request comes from, for the use cases.

use aws_lc_rs::digest::{SHA256, digest};
use axum::extract::FromRequestParts;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bursar_core::engine::issuer::exchange::Source;
use http::request::Parts;

use super::Issuing;
use crate::server;

/// The source of a request.
#[derive(Debug)]
pub(super) struct From(pub(super) Source);

impl FromRequestParts<Issuing> for From {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &Issuing) -> Result<Self, Self::Rejection> {
        let known = parts.extensions.get::<server::Source>();
        let browser = state.cookies.browser(&parts.headers);
        let address = known.map(|source| source.address);
        Ok(Self(Source {
            address,
            user_agent: known.and_then(server::Source::user_agent).map(str::to_owned),
            digest: short_digest(address.map(|address| address.to_string()).unwrap_or_default().as_bytes()),
            session: state.cookies.session(&parts.headers),
            browser: browser.map(|browser| short_digest(browser.expose().as_bytes())).unwrap_or_default(),
        }))
    }
}

/// 96 bits: enough to tell apart, too little to be anything else.
pub(super) fn short_digest(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(&digest(&SHA256, bytes).as_ref()[..12])
}

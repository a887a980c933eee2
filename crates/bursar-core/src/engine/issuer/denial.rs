//! A refusal on its way to a client, by the browser that brought the request (RFC 6749 §4.1.2.1).

use super::refusal::Refusal;
use crate::oauth::server::authorization_response::AuthorizationResponse;
use crate::oauth::server::redirect_uri::RedirectTarget;
use crate::oauth::url::Issuer;
use crate::secret::Secret;

/// A refusal that a client may hear, at an address that is its own.
#[derive(Debug)]
pub struct Denial {
    /// Why.
    pub refusal: Refusal,
    /// The client.
    pub client: String,
    pub(super) target: RedirectTarget,
    pub(super) issuer: Issuer,
    pub(super) state: Option<Secret>,
}

impl Denial {
    /// Where the browser goes with it; `reference` tells the client's author under which name the whole reason is found.
    /// As secret as the state.
    pub fn address(&self, reference: Option<&str>) -> Secret {
        let response =
            AuthorizationResponse { target: &self.target, issuer: &self.issuer, state: self.state.as_ref() };
        response.refusing(&self.refusal.code, Some(&self.refusal.description_with(reference)))
    }
}

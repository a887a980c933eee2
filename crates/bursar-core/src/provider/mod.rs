//! One provider, described by data: endpoints, client, and every quirk that decides how its tokens are kept.
//!
//! An entry states only what differs from the standards; nothing here sends anything. The embedded entries are in
//! `providers/*.toml`, [`Catalogue`] finds them, `docs/providers.md` explains every key.

mod api;
mod authorize;
mod catalogue;
mod check;
mod client;
mod consent;
mod device;
pub mod duration;
mod endpoint;
mod environment;
mod errors;
mod id;
mod identity;
mod issuer;
mod lifetimes;
pub mod nearest;
mod overlay;
mod refresh;
mod revoke;
mod token_request;
mod token_response;
mod variable;

use std::collections::BTreeMap;

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

use crate::oauth::url::EndpointUrl;

pub use self::api::Api;
pub use self::authorize::{Authorize, ProofKey};
pub use self::catalogue::Catalogue;
pub use self::client::{
    AssertionAudience, AuthenticationRule, ClientRules, Redirect, RedirectHost, Registration,
    SecretWithPublic,
};
pub use self::consent::Consent;
pub use self::device::Device;
pub use self::endpoint::{Endpoint, EndpointError, Endpoints};
pub use self::environment::{Environment, EnvironmentValue};
pub use self::errors::{ErrorClass, Errors};
pub use self::id::{ProviderId, ProviderIdError};
pub use self::identity::{Identity, IdentitySource};
pub use self::lifetimes::Lifetimes;
pub use self::overlay::{CatalogueError, OverlayFile};
pub use self::refresh::{
    KillsAccessToken, Omitted, RateLimit, Refresh, RetryAfterTimeout, Returns, Reuse, Rotation,
};
pub use self::revoke::{Revoke, RevokeForm, WhichToken};
pub use self::token_request::{BodyFormat, RequestMethod, TokenRequest};
pub use self::token_response::{AnswerFormat, Expiry, ExpiryUnit, FieldExpiry, TokenPaths, TokenResponse};
pub use self::variable::{Pattern, Variable, VariableError, VariableSource};

/// Somebody who issues tokens to us.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Provider {
    /// The name in account references.
    pub id: ProviderId,
    /// The name people know; empty means the id.
    #[serde(default)]
    pub name: String,
    /// Other names for the entry.
    #[serde(default)]
    pub aliases: Vec<String>,
    /// Groups for lists, such as `code` or `cloud`.
    #[serde(default)]
    pub categories: Vec<String>,
    /// Where the provider documents its OAuth.
    #[serde(default)]
    pub docs: Option<String>,
    /// How long before its end an access token is refreshed, if not by the general rule.
    #[serde(default, with = "duration::optional", skip_serializing_if = "Option::is_none")]
    pub refresh_before: Option<SignedDuration>,
    /// The age at which a refresh token is rotated even if no access token is needed.
    #[serde(default, with = "duration::optional", skip_serializing_if = "Option::is_none")]
    pub rotate_after: Option<SignedDuration>,
    /// What the provider's terms say about tools like this one; shown before a login.
    #[serde(default)]
    pub policy: Option<String>,
    /// Whether its endpoints are a stranger's idea, so that they must be on the public internet.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub guarded: bool,
    /// A proxy for this provider's calls; the empty text means none at all.
    #[serde(default)]
    pub proxy: Option<String>,
    /// The day the entry was last compared with the provider's documents, `YYYY-MM-DD`.
    #[serde(default)]
    pub verified_on: Option<jiff::civil::Date>,
    /// The documents the entry was compared with.
    #[serde(default)]
    pub sources: Vec<String>,
    /// What the provider's tools read from the environment.
    #[serde(default = "environment::generic")]
    pub environment: Environment,
    /// The URLs.
    #[serde(default)]
    pub endpoints: Endpoints,
    /// What stands between braces in the URLs.
    #[serde(default)]
    pub variables: BTreeMap<String, Variable>,
    /// Registration and authentication of clients.
    #[serde(default)]
    pub client: ClientRules,
    /// The authorization request.
    #[serde(default)]
    pub authorize: Authorize,
    /// The device authorization request.
    #[serde(default)]
    pub device: Device,
    /// The token request.
    #[serde(default)]
    pub token_request: TokenRequest,
    /// The token answer.
    #[serde(default)]
    pub token_response: TokenResponse,
    /// Refreshing.
    #[serde(default)]
    pub refresh: Refresh,
    /// Declared lifetimes.
    #[serde(default)]
    pub lifetimes: Lifetimes,
    /// The provider's own error words.
    #[serde(default)]
    pub errors: Errors,
    /// Revocation.
    #[serde(default)]
    pub revoke: Revoke,
    /// Whose login it is.
    #[serde(default)]
    pub identity: Identity,
    /// The API the tokens open.
    #[serde(default)]
    pub api: Api,
    /// Limits of the consent.
    #[serde(default)]
    pub consent: Consent,
}

impl Provider {
    /// Who an assertion of a client is for, in a request to `endpoint` (RFC 7523 §3).
    pub fn assertion_audience(&self, endpoint: &EndpointUrl) -> String {
        match (self.client.assertion_audience, &self.endpoints.issuer) {
            (AssertionAudience::Issuer, Some(issuer)) => issuer.as_str().to_owned(),
            _ => endpoint.to_string(),
        }
    }

    /// A provider that does everything as the standards say and has no endpoints yet.
    pub fn new(id: ProviderId) -> Self {
        Self {
            id,
            name: String::new(),
            aliases: Vec::new(),
            categories: Vec::new(),
            docs: None,
            refresh_before: None,
            rotate_after: None,
            policy: None,
            guarded: false,
            proxy: None,
            verified_on: None,
            sources: Vec::new(),
            environment: environment::generic(),
            endpoints: Endpoints::default(),
            variables: BTreeMap::new(),
            client: ClientRules::default(),
            authorize: Authorize::default(),
            device: Device::default(),
            token_request: TokenRequest::default(),
            token_response: TokenResponse::default(),
            refresh: Refresh::default(),
            lifetimes: Lifetimes::default(),
            errors: Errors::default(),
            revoke: Revoke::default(),
            identity: Identity::default(),
            api: Api::default(),
            consent: Consent::default(),
        }
    }

    /// The name to show.
    pub fn display_name(&self) -> &str {
        if self.name.is_empty() { self.id.as_str() } else { &self.name }
    }
}

#[cfg(test)]
mod tests;

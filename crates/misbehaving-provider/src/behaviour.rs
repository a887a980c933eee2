//! Every switch of the provider, as plain data.
//!
//! The default is a correct and strict authorization server. As JSON (`--behaviour`, `/control/behaviour`) durations are
//! seconds, fractions allowed, and enum values are written in `snake_case`.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::fault::{Endpoint, Fault};

pub(crate) mod device;
pub(crate) mod seconds;
pub(crate) mod token;

use device::DeviceBehaviour;
use token::TokenBehaviour;

/// Id of the public client that is registered by default; its redirect URIs are `/callback` on any loopback port.
pub const PUBLIC_CLIENT: &str = "bursar-cli";

/// Id of the confidential client that is registered by default.
pub const SERVICE_CLIENT: &str = "service";

/// Secret of [`SERVICE_CLIENT`]; long enough to be found when it leaks.
pub const SERVICE_SECRET: &str = "service-secret-4f1b6c0e9d2a7358-never-print-me";

/// All switches.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Behaviour {
    /// Refuse what a careful server refuses: repeated parameters, a secret sent by a public client, two ways of client
    /// authentication at once, PKCE verifiers of illegal length.
    pub strict: bool,
    /// Seconds by which the `Date` header is ahead of the provider's clock; negative is behind.
    pub date_skew_seconds: i64,
    /// The discovery documents.
    pub metadata: MetadataBehaviour,
    /// The authorization endpoint.
    pub authorize: AuthorizeBehaviour,
    /// The token endpoint.
    pub token: TokenBehaviour,
    /// The device flow.
    pub device: DeviceBehaviour,
    /// The revocation endpoint.
    pub revocation: RevocationBehaviour,
    /// Who is signed in, and so who consents next. Grants that exist keep the identity they were given.
    pub identity: Identity,
    /// How confidential clients must authenticate.
    pub client_authentication: ClientAuthentication,
    /// Whether `POST /register` registers clients (RFC 7591) or answers 404.
    pub registration: bool,
    /// The registered clients.
    pub clients: Vec<RegisteredClient>,
    /// Standing faults, applied to every call for which no injected fault is left. In a JSON merge patch set an entry to
    /// `null` before you give it another kind of fault.
    pub faults: BTreeMap<Endpoint, Fault>,
}

impl Default for Behaviour {
    fn default() -> Self {
        Self {
            strict: true,
            date_skew_seconds: 0,
            metadata: MetadataBehaviour::default(),
            authorize: AuthorizeBehaviour::default(),
            token: TokenBehaviour::default(),
            device: DeviceBehaviour::default(),
            revocation: RevocationBehaviour::default(),
            identity: Identity::default(),
            client_authentication: ClientAuthentication::default(),
            registration: true,
            clients: vec![
                RegisteredClient::public(PUBLIC_CLIENT),
                RegisteredClient {
                    secret: Some(SERVICE_SECRET.into()),
                    ..RegisteredClient::public(SERVICE_CLIENT)
                },
            ],
            faults: BTreeMap::new(),
        }
    }
}

/// A client the provider knows.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RegisteredClient {
    /// The client id.
    pub id: String,
    /// The secret; a client with neither secret nor key is public.
    pub secret: Option<String>,
    /// Public key (JWK, RFC 7517) for `private_key_jwt`: EC P-256 (ES256), OKP Ed25519 (`EdDSA`) or RSA (RS256).
    pub key: Option<Value>,
    /// Allowed redirect URIs, compared exactly, but with any port when the host is loopback (RFC 8252 §7.3).
    pub redirect_uris: Vec<String>,
}

impl RegisteredClient {
    /// A public client that may be sent back to `/callback` or `/` on any loopback address and port.
    #[must_use]
    pub fn public(id: &str) -> Self {
        let redirect_uris = ["127.0.0.1", "[::1]", "localhost"]
            .iter()
            .flat_map(|host| [format!("http://{host}/callback"), format!("http://{host}/")])
            .collect();
        Self { id: id.into(), secret: None, key: None, redirect_uris }
    }

    pub(crate) fn is_public(&self) -> bool {
        self.secret.is_none() && self.key.is_none()
    }
}

/// A person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Identity {
    /// The `sub` claim.
    pub sub: String,
    /// The `email` claim.
    pub email: String,
    /// The `name` claim.
    pub name: String,
}

impl Default for Identity {
    fn default() -> Self {
        Self { sub: "ada".into(), email: "ada@example.com".into(), name: "Ada Lovelace".into() }
    }
}

/// Which ways of client authentication a confidential client may use (RFC 6749 §2.3, RFC 7523 §2.2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClientAuthentication {
    /// Nobody has to authenticate: the client id is enough.
    None,
    /// Only HTTP Basic.
    Basic,
    /// Only `client_id` and `client_secret` in the body.
    Post,
    /// Only a signed assertion.
    PrivateKeyJwt,
    /// Whichever of the three the client uses.
    #[default]
    Any,
}

/// Switches of the discovery documents (RFC 8414, OIDC Discovery).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[expect(clippy::struct_excessive_bools, reason = "independent switches, each set by name")]
pub struct MetadataBehaviour {
    /// Under which well-known paths the document is found.
    pub location: MetadataLocation,
    /// Name somebody else as issuer.
    pub issuer_mismatch: bool,
    /// Leave out `code_challenge_methods_supported`.
    pub without_pkce_methods: bool,
    /// Leave out `authorization_response_iss_parameter_supported` (RFC 9207), and send no `iss` either.
    pub without_iss_parameter: bool,
    /// Endpoints that are served but not named.
    pub missing: BTreeSet<Endpoint>,
    /// Answer an HTML page instead of JSON.
    pub not_json: bool,
}

/// Where metadata is served; elsewhere the answer is 404.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MetadataLocation {
    /// Under both well-known paths.
    #[default]
    Both,
    /// Only `/.well-known/oauth-authorization-server`.
    OauthOnly,
    /// Only `/.well-known/openid-configuration`.
    OpenidOnly,
    /// Nowhere.
    Nowhere,
}

/// Switches of the authorization endpoint, which consents by itself and redirects at once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AuthorizeBehaviour {
    /// What the user, or an attacker, does with the request.
    pub consent: Consent,
    /// Refuse requests without an S256 challenge (RFC 7636). Without it a challenge is still honoured when sent.
    pub require_pkce: bool,
    /// Seconds a code lives.
    pub code_lifetime_seconds: u32,
    /// Scope that is granted whatever was asked; `None` grants what was asked.
    pub granted_scope: Option<String>,
}

impl Default for AuthorizeBehaviour {
    fn default() -> Self {
        Self { consent: Consent::Grant, require_pkce: true, code_lifetime_seconds: 60, granted_scope: None }
    }
}

/// How an authorization request ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Consent {
    /// A redirect with `code`, `state` and `iss`.
    #[default]
    Grant,
    /// A redirect with `error=access_denied`.
    Deny,
    /// A code with a foreign `state`: a cross-site forgery.
    WrongState,
    /// A code without `state`.
    OmitState,
    /// A code with somebody else's `iss`: a mix-up attack (RFC 9207).
    WrongIss,
    /// A code without `iss`, although the metadata promises one.
    OmitIss,
    /// A page that nobody ever answers: no redirect at all.
    Never,
}

/// Switches of revocation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RevocationBehaviour {
    /// How tokens are revoked here.
    pub style: RevocationStyle,
}

/// The dialects of revocation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RevocationStyle {
    /// `POST /revoke` (RFC 7009); a refresh token takes its whole family with it.
    #[default]
    Rfc7009,
    /// `DELETE /applications/{client_id}/token` or `/grant` with Basic authentication and `{"access_token": …}`; `/token`
    /// revokes that token, `/grant` its family.
    DeletePath,
    /// 503 and nothing revoked.
    Failing,
    /// 404, and not in the metadata.
    Unsupported,
}

//! How a client is registered at a provider, and how it proves who it is.

use serde::{Deserialize, Serialize};

use crate::oauth::client_authentication::{Client, ClientAuthentication, Method};
use crate::secret::Secret;

/// What a provider expects of clients.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ClientRules {
    /// A client id that anybody may use; most entries have none, users bring their own.
    pub id: Option<String>,
    /// How the client proves who it is (RFC 6749 §2.3).
    pub authentication: AuthenticationRule,
    /// Who an assertion of the client is for (RFC 7523 §3).
    pub assertion_audience: AssertionAudience,
    /// Whether clients without a secret exist.
    pub public: bool,
    /// What to do with a secret where `authentication` is `none`.
    pub secret_with_public: SecretWithPublic,
    /// How a client comes to be.
    pub registration: Registration,
    /// Which redirect URIs a native client may use (RFC 8252 §7).
    pub redirect: Redirect,
    /// The host of the loopback redirect, for providers that compare it literally.
    pub redirect_host: RedirectHost,
    /// The port of a `loopback_fixed` redirect.
    pub redirect_port: Option<u16>,
    /// The path of the loopback redirect, with its slash.
    pub redirect_path: String,
    /// The whole redirect URI of an `https_only` or `manual` login.
    pub redirect_uri: Option<String>,
    /// Whether `[::1]` works as a redirect host.
    pub ipv6: bool,
}

impl Default for ClientRules {
    fn default() -> Self {
        Self {
            id: None,
            authentication: AuthenticationRule::default(),
            assertion_audience: AssertionAudience::default(),
            public: true,
            secret_with_public: SecretWithPublic::default(),
            registration: Registration::default(),
            redirect: Redirect::default(),
            redirect_host: RedirectHost::default(),
            redirect_port: None,
            redirect_path: "/callback".to_owned(),
            redirect_uri: None,
            ipv6: false,
        }
    }
}

impl ClientRules {
    /// How a client that holds `credential` presents itself here.
    ///
    /// Without a credential the client is public, whatever the rule says: the provider answers `invalid_client` if that
    /// is not enough. A secret given against `secret_with_public = "forbid"` is kept, so that building the request
    /// tells.
    pub fn client(&self, id: impl Into<String>, credential: Option<Secret>) -> Client {
        let authentication = match (credential, self.authentication) {
            (None, _) => ClientAuthentication::None,
            (Some(secret), AuthenticationRule::Basic) => ClientAuthentication::Basic(secret),
            // Providers that name no method are met in the body by nearly all: it is what their own examples show.
            (Some(secret), _) => ClientAuthentication::Post(secret),
        };
        Client { id: id.into(), authentication }
    }
}

/// Who an assertion of a client is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AssertionAudience {
    /// The endpoint that it is sent to, as most providers document it.
    #[default]
    Endpoint,
    /// The issuer: an assertion for an endpoint would be good at whoever can make the client believe that the endpoint is
    /// theirs (draft-ietf-oauth-rfc7523bis).
    Issuer,
}

/// How a client proves who it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AuthenticationRule {
    /// In the body if there is a secret, not at all otherwise.
    #[default]
    Auto,
    /// Not at all; only the client id is sent.
    None,
    /// Id and secret in the body.
    Post,
    /// HTTP Basic.
    Basic,
    /// A signed assertion (RFC 7523 §2.2).
    PrivateKeyJwt,
    /// A client certificate (RFC 8705 §2).
    Tls,
}

impl From<Method> for AuthenticationRule {
    fn from(method: Method) -> Self {
        match method {
            Method::None => Self::None,
            Method::Basic => Self::Basic,
            Method::Post => Self::Post,
            Method::PrivateKeyJwt => Self::PrivateKeyJwt,
        }
    }
}

/// What to do with a secret where the provider wants none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SecretWithPublic {
    /// Send it in the body.
    #[default]
    Allow,
    /// Refuse to build the request: the provider would refuse it anyway.
    Forbid,
}

/// How a client comes to be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Registration {
    /// By hand, in the provider's console.
    #[default]
    Manual,
    /// By request (RFC 7591).
    Dynamic,
    /// By a URL that serves the client's metadata.
    MetadataDocument,
}

/// Which redirect URIs a native client may use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Redirect {
    /// Loopback with any port (RFC 8252 §7.3).
    #[default]
    LoopbackAnyPort,
    /// Loopback with the registered port only.
    LoopbackFixed,
    /// Only an `https` page that somebody else serves; the answer is pasted.
    HttpsOnly,
    /// A page that shows a code to paste.
    Manual,
}

/// How the loopback host is written in the redirect URI.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum RedirectHost {
    /// `127.0.0.1`, as RFC 8252 §8.3 advises.
    #[default]
    #[serde(rename = "127.0.0.1")]
    Literal,
    /// `localhost`, for providers that know no other.
    #[serde(rename = "localhost")]
    Localhost,
}

impl RedirectHost {
    /// The host as written in a URL.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Literal => "127.0.0.1",
            Self::Localhost => "localhost",
        }
    }
}

//! Token requests and answers (RFC 6749 §4, §5, §6; RFC 8628 §3.4; RFC 7523 §2.1).
//!
//! [`token_request`] writes a grant down the way the provider wants it, [`read_token_answer`] finds the tokens, or the
//! refusal, in whatever came back. Nothing is sent here, and nothing decides what a refusal means for a login.

mod answer;
mod document;
mod expiry;
pub(in crate::oauth) mod request;

use jiff::Timestamp;

pub use self::answer::read_token_answer;
pub(in crate::oauth) use self::document::read_document;
pub use self::request::{RequestError, token_request};
use crate::oauth::error::OAuthError;
use crate::oauth::pkce::Verifier;
use crate::oauth::scope::Scope;
use crate::secret::Secret;

/// What is given in exchange for tokens.
#[derive(Clone, Copy, Debug)]
pub enum Grant<'a> {
    /// RFC 6749 §4.1.3.
    AuthorizationCode {
        /// The code from the redirect.
        code: &'a Secret,
        /// The redirect URI of the authorization request.
        redirect_uri: &'a str,
        /// The verifier of its challenge (RFC 7636 §4.5).
        verifier: Option<&'a Verifier>,
        /// Its state, for providers that want it again.
        state: Option<&'a Secret>,
    },
    /// RFC 6749 §6.
    RefreshToken {
        /// The refresh token, spent by this.
        token: &'a Secret,
        /// The granted scopes, sent where the provider wants them again.
        scope: Option<&'a Scope>,
        /// The redirect URI of the login, sent where the provider wants it again.
        redirect_uri: Option<&'a str>,
    },
    /// RFC 6749 §4.4.
    ClientCredentials {
        /// What to ask for.
        scope: Option<&'a Scope>,
    },
    /// RFC 8628 §3.4.
    DeviceCode {
        /// The code from the device authorization answer.
        device_code: &'a Secret,
    },
    /// RFC 7523 §2.1.
    JwtBearer {
        /// The signed assertion.
        assertion: &'a Secret,
        /// What to ask for.
        scope: Option<&'a Scope>,
    },
}

impl<'a> Grant<'a> {
    /// Every secret that is sent with it, besides the client's.
    pub fn secrets(self) -> impl Iterator<Item = &'a Secret> {
        let (first, second, third) = match self {
            Self::AuthorizationCode { code, verifier, state, .. } => {
                (Some(code), verifier.map(Verifier::secret), state)
            }
            Self::RefreshToken { token, .. } => (Some(token), None, None),
            Self::ClientCredentials { .. } => (None, None, None),
            Self::DeviceCode { device_code } => (Some(device_code), None, None),
            Self::JwtBearer { assertion, .. } => (Some(assertion), None, None),
        };
        first.into_iter().chain(second).chain(third)
    }
}

/// The tokens of one answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenSet {
    /// Opens the API; never empty.
    pub access_token: Secret,
    /// How to use it; `Bearer` if the answer does not say.
    pub token_type: String,
    /// Brings the next access token; what its absence means says the provider's `refresh.omitted_refresh_token`.
    pub refresh_token: Option<Secret>,
    /// Who the user is (OIDC Core §2).
    pub id_token: Option<Secret>,
    /// What was granted; absent means what was asked for (RFC 6749 §5.1).
    pub scope: Option<Scope>,
    /// When the access token ends, by our own clock; absent means that nobody told.
    pub access_expires_at: Option<Timestamp>,
    /// When the refresh token ends, by our own clock; absent means that nobody told.
    pub refresh_expires_at: Option<Timestamp>,
    /// The fields that the provider's `token_response.keep` names; no secrets.
    pub kept: serde_json::Map<String, serde_json::Value>,
}

/// What a token answer says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TokenAnswer {
    /// Tokens.
    Issued(Box<TokenSet>),
    /// A refusal in the provider's own words.
    Refused(OAuthError),
    /// Neither: a web page, a cut answer, a gateway's error. Whether the grant was spent is unknown.
    Unreadable(&'static str),
}

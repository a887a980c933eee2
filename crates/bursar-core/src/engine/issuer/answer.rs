//! What the token endpoint answers (RFC 6749 §5.1).

use jiff::Timestamp;

use crate::oauth::scope::Scope;
use crate::secret::Secret;

/// Tokens on their way to a client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenAnswer {
    /// The access token.
    pub access_token: Secret,
    /// How it is presented.
    pub token_type: TokenType,
    /// When it ends.
    pub expires_at: Timestamp,
    /// The refresh token, if there is one.
    pub refresh_token: Option<Secret>,
    /// What the access token is good for.
    pub scope: Scope,
    /// Who signed in, if that was asked for (OIDC Core §3.1.3.3).
    pub id_token: Option<Secret>,
}

/// How an access token is presented.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenType {
    /// By whoever has it (RFC 6750).
    Bearer,
    /// With proof of a key (RFC 9449).
    Dpop,
}

impl TokenType {
    /// The value of `token_type`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Bearer => "Bearer",
            Self::Dpop => "DPoP",
        }
    }
}

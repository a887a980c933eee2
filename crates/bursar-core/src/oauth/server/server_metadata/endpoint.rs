//! The addresses of the server's endpoints.

use crate::oauth::url::Issuer;

/// An endpoint of the authorization server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Endpoint {
    /// Where logins begin (RFC 6749 §3.1).
    Authorization,
    /// Where tokens come from (RFC 6749 §3.2).
    Token,
    /// Where clients register themselves (RFC 7591 §3).
    Registration,
    /// Where tokens are examined (RFC 7662 §2).
    Introspection,
    /// Where tokens are revoked (RFC 7009 §2).
    Revocation,
    /// Where devices begin (RFC 8628 §3.1).
    DeviceAuthorization,
    /// Where users enter what the device shows (RFC 8628 §3.3).
    DeviceVerification,
    /// Where requests are pushed (RFC 9126 §2).
    PushedAuthorizationRequest,
    /// Where the user is described (OIDC Core §5.3).
    UserInfo,
    /// Where the public keys are (RFC 7517 §5).
    Keys,
    /// Where clients sign users out (OIDC RP-Initiated Logout §2).
    EndSession,
}

impl Endpoint {
    /// All of them.
    pub const ALL: [Self; 11] = [
        Self::Authorization,
        Self::Token,
        Self::Registration,
        Self::Introspection,
        Self::Revocation,
        Self::DeviceAuthorization,
        Self::DeviceVerification,
        Self::PushedAuthorizationRequest,
        Self::UserInfo,
        Self::Keys,
        Self::EndSession,
    ];

    /// The path beneath the issuer's.
    pub fn path(self) -> &'static str {
        match self {
            Self::Authorization => "/oauth/authorize",
            Self::Token => "/oauth/token",
            Self::Registration => "/oauth/register",
            Self::Introspection => "/oauth/introspect",
            Self::Revocation => "/oauth/revoke",
            Self::DeviceAuthorization => "/oauth/device_authorization",
            Self::DeviceVerification => "/oauth/device",
            Self::PushedAuthorizationRequest => "/oauth/par",
            Self::UserInfo => "/oauth/userinfo",
            Self::Keys => "/oauth/jwks",
            Self::EndSession => "/oauth/end_session",
        }
    }

    /// The path at the root where clients of the MCP authorization specification 2025-03-26 look without asking.
    pub fn fallback_path(self) -> Option<&'static str> {
        match self {
            Self::Authorization => Some("/authorize"),
            Self::Token => Some("/token"),
            Self::Registration => Some("/register"),
            _ => None,
        }
    }

    /// The address at the server that `issuer` names.
    pub fn url(self, issuer: &Issuer) -> String {
        format!("{}{}", issuer.as_str().trim_end_matches('/'), self.path())
    }
}

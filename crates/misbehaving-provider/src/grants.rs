//! The grants of the token endpoint, one file each, and what they have in common: issuing and refusing.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::json;

use crate::behaviour::Identity;
use crate::behaviour::token::{ExpiryStyle, IdentityTokenSignature, RefreshTokenIssue};
use crate::ledger::{FamilyId, Grant};
use crate::state::Exchange;
use crate::system;

pub(crate) mod authorization_code;
pub(crate) mod client_credentials;
pub(crate) mod device_code;
pub(crate) mod jwt_bearer;
pub(crate) mod refresh_token;

/// Tokens of a success, before they are written in a dialect.
#[derive(Debug)]
pub(crate) struct Issued {
    pub(crate) access_token: String,
    pub(crate) access_lifetime: Duration,
    pub(crate) access_expires_at: Timestamp,
    pub(crate) refresh_token: Option<String>,
    pub(crate) scope: String,
    pub(crate) id_token: Option<String>,
}

/// An OAuth error (RFC 6749 §5.2), before it is written in a dialect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) status: u16,
    pub(crate) code: &'static str,
    pub(crate) description: &'static str,
}

impl Refusal {
    pub(crate) fn new(code: &'static str, description: &'static str) -> Self {
        Self { status: 400, code, description }
    }

    pub(crate) fn invalid_request(description: &'static str) -> Self {
        Self::new("invalid_request", description)
    }

    pub(crate) fn invalid_grant(description: &'static str) -> Self {
        Self::new("invalid_grant", description)
    }

    pub(crate) fn invalid_client(description: &'static str) -> Self {
        Self { status: 401, code: "invalid_client", description }
    }
}

/// Opens a family for the grant and issues its first tokens.
pub(crate) fn issue_first(exchange: &mut Exchange<'_>, grant: Grant) -> (FamilyId, Issued) {
    let scope = grant.scope.clone();
    let with_refresh = grant.identity.is_some()
        && match exchange.state.behaviour.token.refresh_token_issue {
            RefreshTokenIssue::Always => true,
            RefreshTokenIssue::OfflineAccess => has_scope(&scope, "offline_access"),
            RefreshTokenIssue::Never => false,
        };
    let family = exchange.state.ledger.open(grant);
    let refresh_token = with_refresh.then(|| new_refresh_token(exchange, family, None));
    let identity = exchange.state.ledger.grant(family).identity.clone();
    (family, issue(exchange, family, scope, refresh_token, identity))
}

/// A refresh token on record; `predecessor` is the one it replaces.
fn new_refresh_token(exchange: &mut Exchange<'_>, family: FamilyId, predecessor: Option<String>) -> String {
    let token = exchange.state.mint("refresh");
    let expires_at = exchange.state.behaviour.token.refresh_lifetime.map(|lifetime| exchange.now + lifetime);
    exchange.state.ledger.add_refresh(family, token.clone(), predecessor, expires_at);
    token
}

/// A new access token, and an identity token that speaks of `identity`.
fn issue(
    exchange: &mut Exchange<'_>,
    family: FamilyId,
    scope: String,
    refresh_token: Option<String>,
    identity: Option<Identity>,
) -> Issued {
    let behaviour = exchange.state.behaviour.token.clone();
    let access_expires_at = exchange.now + behaviour.access_lifetime;
    let grant = exchange.state.ledger.grant(family).clone();
    let access_token = if behaviour.expiry == ExpiryStyle::JwtExp {
        access_jwt(exchange, &grant, &scope, access_expires_at)
    } else {
        exchange.state.mint("access")
    };
    exchange.state.ledger.add_access(family, access_token.clone(), refresh_token.clone(), access_expires_at);
    let wants_identity = behaviour.id_token && has_scope(&scope, "openid");
    let id_token = identity.filter(|_| wants_identity).map(|identity| {
        identity_token(exchange, &grant, &identity, behaviour.id_token_signature, access_expires_at)
    });
    let access_lifetime = behaviour.access_lifetime;
    Issued { access_token, access_lifetime, access_expires_at, refresh_token, scope, id_token }
}

/// RFC 9068 §2.
fn access_jwt(exchange: &mut Exchange<'_>, grant: &Grant, scope: &str, expires_at: Timestamp) -> String {
    let subject = grant.identity.as_ref().map_or(&grant.client, |identity| &identity.sub);
    let claims = json!({
        "iss": exchange.issuer,
        "sub": subject,
        "aud": grant.resource.as_deref().unwrap_or(exchange.issuer),
        "client_id": grant.client,
        "scope": scope,
        "iat": exchange.now.as_second(),
        "exp": expires_at.as_second(),
        "jti": system::random_text(),
    });
    let token = exchange.keys.sign(IdentityTokenSignature::Es256, "at+jwt", &claims);
    exchange.state.remember_secret(&token);
    token
}

/// OIDC Core §2.
fn identity_token(
    exchange: &mut Exchange<'_>,
    grant: &Grant,
    identity: &Identity,
    signature: IdentityTokenSignature,
    expires_at: Timestamp,
) -> String {
    let mut claims = json!({
        "iss": exchange.issuer,
        "sub": identity.sub,
        "aud": grant.client,
        "iat": exchange.now.as_second(),
        "exp": expires_at.as_second(),
        "email": identity.email,
        "email_verified": true,
        "name": identity.name,
    });
    if let Some(nonce) = &grant.nonce {
        claims["nonce"] = json!(nonce);
    }
    let token = exchange.keys.sign(signature, "JWT", &claims);
    exchange.state.remember_secret(&token);
    token
}

pub(crate) fn has_scope(scope: &str, wanted: &str) -> bool {
    scope.split(' ').any(|scope| scope == wanted)
}

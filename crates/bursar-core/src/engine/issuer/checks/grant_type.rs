//! Whether the client may use the grant it uses (RFC 6749 §5.2, `unauthorized_client`).

use super::Inquiry;
use crate::engine::issuer::AuthorizationServer;
use crate::engine::issuer::refusal::{IssueError, Refusal};
use crate::oauth::error::ErrorCode;
use crate::oauth::server::client_metadata::GrantType;
use crate::oauth::server::server_metadata::Endpoint;

/// Compares the grant with those the client is registered for.
#[expect(clippy::unused_async, reason = "every check of the table has one form")]
pub(super) async fn check(
    _server: &AuthorizationServer,
    inquiry: &mut Inquiry<'_>,
) -> Result<(), IssueError> {
    let Some(client) = &inquiry.client else { return Ok(()) };
    let grant = match inquiry.endpoint {
        Endpoint::Authorization | Endpoint::PushedAuthorizationRequest => GrantType::AuthorizationCode,
        Endpoint::DeviceAuthorization => GrantType::DeviceCode,
        Endpoint::Token => requested(inquiry)?,
        _ => return Ok(()),
    };
    // Whoever was given a refresh token may use it: it is part of the grant it came with.
    if grant == GrantType::RefreshToken || client.document.may_use(grant) {
        return Ok(());
    }
    let description = format!("the client is not registered for the grant type `{}`", grant.as_str());
    Err(Refusal::new(ErrorCode::UnauthorizedClient, description).into())
}

fn requested(inquiry: &Inquiry<'_>) -> Result<GrantType, Refusal> {
    let name = inquiry.parameters.value("grant_type").filter(|name| !name.is_empty());
    let name =
        name.ok_or_else(|| Refusal::new(ErrorCode::InvalidRequest, "the parameter `grant_type` is missing"))?;
    GrantType::from_name(name).filter(|grant| OFFERED_GRANTS.contains(grant)).ok_or_else(|| {
        Refusal::new(ErrorCode::UnsupportedGrantType, "this server does not know the grant type")
            .because(format!("the grant type is `{}`", name.escape_debug()))
    })
}

/// What this server does; what it does not do is unknown to it, whoever asks.
const OFFERED_GRANTS: [GrantType; 4] = [
    GrantType::AuthorizationCode,
    GrantType::RefreshToken,
    GrantType::ClientCredentials,
    GrantType::DeviceCode,
];

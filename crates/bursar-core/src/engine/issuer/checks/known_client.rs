//! Whether there is such a client (RFC 6749 §3.1).

use super::Inquiry;
use crate::engine::issuer::AuthorizationServer;
use crate::engine::issuer::refusal::{IssueError, Refusal};
use crate::oauth::error::ErrorCode;
use crate::oauth::server::authorization_request::WhoAndWhere;

/// Finds the client that the request names.
pub(super) async fn check(server: &AuthorizationServer, inquiry: &mut Inquiry<'_>) -> Result<(), IssueError> {
    let asks = WhoAndWhere::read(inquiry.parameters)
        .map_err(|error| Refusal::new(ErrorCode::InvalidRequest, error.to_string()))?;
    inquiry.client = Some(server.client_of(&asks.client_id).await?);
    Ok(())
}

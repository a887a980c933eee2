//! Whether the request came the way the client has promised (RFC 9126 §5, §6).

use super::Inquiry;
use crate::engine::issuer::AuthorizationServer;
use crate::engine::issuer::refusal::{IssueError, Refusal};
use crate::oauth::error::ErrorCode;

/// Refuses a request that travelled through a browser where the client pushes all of its own.
#[expect(clippy::unused_async, reason = "every check of the table has one form")]
pub(super) async fn check(
    _server: &AuthorizationServer,
    inquiry: &mut Inquiry<'_>,
) -> Result<(), IssueError> {
    let Some(client) = &inquiry.client else { return Ok(()) };
    if inquiry.pushed || !client.document.metadata.require_pushed_authorization_requests {
        return Ok(());
    }
    let description = "the client is registered to push its requests, and this one was not pushed";
    Err(Refusal::new(ErrorCode::InvalidRequest, description).into())
}

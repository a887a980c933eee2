//! Whether the answer would go to an address of the client (RFC 6749 §3.1.2, RFC 9700 §4.1). Until it is known to, nothing
//! is redirected anywhere.

use super::Inquiry;
use crate::engine::issuer::AuthorizationServer;
use crate::engine::issuer::refusal::{Fault, IssueError, Refusal};
use crate::oauth::error::ErrorCode;
use crate::oauth::server::redirect_uri::RedirectTarget;

/// Chooses the address among those the client has registered.
#[expect(clippy::unused_async, reason = "every check of the table has one form")]
pub(super) async fn check(
    _server: &AuthorizationServer,
    inquiry: &mut Inquiry<'_>,
) -> Result<(), IssueError> {
    let Some(client) = &inquiry.client else { return Ok(()) };
    let registered = &client.document.metadata.redirect_uris;
    let target =
        RedirectTarget::choose(registered, inquiry.parameters.value("redirect_uri")).map_err(|error| {
            Refusal::new(ErrorCode::InvalidRequest, error.to_string()).with_fault(Fault::Address)
        })?;
    inquiry.target = Some(target);
    Ok(())
}

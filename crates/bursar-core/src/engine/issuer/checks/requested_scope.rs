//! Whether what is asked for can be granted at all (RFC 6749 §3.3, RFC 8707 §2).

use super::Inquiry;
use crate::engine::issuer::AuthorizationServer;
use crate::engine::issuer::refusal::IssueError;

/// Narrows the scope to what there is at the resources, each of which must be known.
pub(super) async fn check(server: &AuthorizationServer, inquiry: &mut Inquiry<'_>) -> Result<(), IssueError> {
    let (Some(client), Some(request)) = (&inquiry.client, &inquiry.request) else { return Ok(()) };
    let offered = server.offered_scope(&client.document, &request.resources, request.scope.as_ref()).await?;
    inquiry.scope = Some(offered);
    Ok(())
}

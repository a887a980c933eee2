//! Whom the client expects to be there (`id_token_hint`, OIDC Core §3.1.2.1).

use super::Inquiry;
use crate::engine::issuer::AuthorizationServer;
use crate::engine::issuer::refusal::{IssueError, Refusal};
use crate::oauth::error::ErrorCode;

/// Reads the hint, if there is one. It must be an ID token that this client was given, however old: with one of another
/// client's it could find out who is signed in here.
pub(super) async fn check(server: &AuthorizationServer, inquiry: &mut Inquiry<'_>) -> Result<(), IssueError> {
    let shown = inquiry.request.as_ref().and_then(|request| request.id_token_hint.as_ref());
    let (Some(shown), Some(client)) = (shown, &inquiry.client) else { return Ok(()) };
    let refusal =
        || Refusal::new(ErrorCode::InvalidRequest, "`id_token_hint` is no ID token for this client");
    let hint = server.hinted(shown).await?;
    let hint = hint.ok_or_else(|| refusal().because("`id_token_hint` is no ID token of this server"))?;
    if hint.client_id != client.document.id {
        let reason = format!("`id_token_hint` was made for the client {}", hint.client_id);
        return Err(refusal().because(reason).into());
    }
    inquiry.expected_user = Some(hint.subject);
    Ok(())
}

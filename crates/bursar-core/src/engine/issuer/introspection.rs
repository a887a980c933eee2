//! What a resource learns of a token that somebody shows it (RFC 7662).

use super::AuthorizationServer;
use super::records::client::Client;
use super::refusal::IssueError;
use crate::oauth::server::access_token::AccessToken;
use crate::secret::Secret;

impl AuthorizationServer {
    /// The token, if it is good and `asker` may know: the client it was issued to, or one that a resource in its audience
    /// has named. Everybody else learns the same as of a token that never was.
    pub(super) async fn introspect(
        &self,
        asker: &Client,
        shown: &Secret,
    ) -> Result<Option<AccessToken>, IssueError> {
        let Some(token) = self.valid_access_token(shown).await? else { return Ok(None) };
        let asker = &asker.id;
        if token.client_id == *asker {
            return Ok(Some(token));
        }
        for audience in &token.audience {
            let resource = self.within.known.resource(audience).await?;
            if resource.is_some_and(|resource| resource.document.introspectors.contains(asker)) {
                return Ok(Some(token));
            }
        }
        Ok(None)
    }
}

//! ID tokens of ours that clients bring back to say whom they mean (OIDC Core §3.1.2.1, RP-Initiated Logout §2).

use super::AuthorizationServer;
use super::refusal::IssueError;
use crate::oauth::jose::CompactToken;
use crate::oauth::server::id_token::{Hint, read_hint};
use crate::secret::Secret;

impl AuthorizationServer {
    /// Whom a hint is about; `None`: it is no ID token of ours, or was signed with a key that is gone.
    pub(super) async fn hinted(&self, shown: &Secret) -> Result<Option<Hint>, IssueError> {
        let Ok(token) = CompactToken::parse(shown.expose()) else { return Ok(None) };
        let ring = self.ring().await?;
        let header = token.header();
        let key = ring.public().find(header.key_id.as_deref(), header.algorithm);
        Ok(key.and_then(|key| read_hint(&token, key, self.rules().issuer.as_str()).ok()))
    }
}

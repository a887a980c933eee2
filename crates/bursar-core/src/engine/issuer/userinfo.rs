//! What a client learns of the user who signed in (OIDC Core §5.3).

use serde_json::{Map, Value};

use super::AuthorizationServer;
use super::presented::{PresentedToken, not_valid};
use super::refusal::{IssueError, Refusal};
use crate::oauth::error::ErrorCode;

impl AuthorizationServer {
    /// The claims about the user that the presented token's scope lets its client have.
    ///
    /// # Errors
    /// As of [`AuthorizationServer::presented_access_token`], and `insufficient_scope` (status 403) without `openid`.
    pub async fn userinfo(&self, presented: &PresentedToken<'_>) -> Result<Map<String, Value>, IssueError> {
        let token = self.presented_access_token(presented).await?;
        if !token.scope.contains("openid") {
            let refusal =
                Refusal::new(ErrorCode::InsufficientScope, "the access token has no scope `openid`");
            return Err(refusal.into());
        }
        if token.family.is_none() {
            return Err(not_valid("it is a client's own, and no user's").into());
        }
        let user = self.within.known.user(&token.subject).await?;
        let user = user
            .filter(|user| !user.document.disabled)
            .ok_or_else(|| not_valid("its user is gone or disabled"))?;
        let mut claims = user.document.claims_for(&token.scope).as_map().clone();
        claims.insert("sub".to_owned(), token.subject.into());
        Ok(claims)
    }
}

//! Who may look after this server over the network: whoever has an access token of ours with a scope of administration.

use crate::engine::issuer::AuthorizationServer;
use crate::engine::issuer::presented::{PresentedToken, not_valid};
use crate::engine::issuer::records::client::ClientOrigin;
use crate::engine::issuer::refusal::{IssueError, Refusal};
use crate::engine::issuer::scopes::{ADMINISTRATION_SCOPES, SANDBOXES_SCOPE};
use crate::oauth::error::ErrorCode;
use crate::oauth::server::access_token::AccessToken;

/// What somebody wants to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Look at things.
    Read,
    /// Change things.
    Change,
    /// Look after sandboxes.
    Sandboxes,
}

/// Somebody who may.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Administrator {
    /// The user, or the client if it acts in its own name.
    pub id: String,
}

impl Access {
    /// The scope that is asked for.
    pub fn scope(self) -> &'static str {
        let [read, change] = ADMINISTRATION_SCOPES;
        match self {
            Self::Read => read,
            Self::Change => change,
            Self::Sandboxes => SANDBOXES_SCOPE,
        }
    }

    /// Who may change things may look at them.
    fn is_covered_by<'a>(self, scopes: impl IntoIterator<Item = &'a str>) -> bool {
        let [_, change] = ADMINISTRATION_SCOPES;
        scopes.into_iter().any(|scope| scope == self.scope() || (self != Self::Sandboxes && scope == change))
    }

    fn insufficient(self, whose: &str) -> IssueError {
        let refusal = Refusal::new(ErrorCode::InsufficientScope, "the access token does not allow this");
        refusal.because(format!("{whose} does not have the scope `{}`", self.scope())).into()
    }
}

impl AuthorizationServer {
    /// Who presents this token, if they may do this. Client and user are asked again: what an administrator has taken from
    /// them is gone at once, and not when the token ends.
    ///
    /// # Errors
    /// As of [`AuthorizationServer::presented_access_token`], and `insufficient_scope` (status 403).
    pub async fn administrator(
        &self,
        presented: &PresentedToken<'_>,
        access: Access,
    ) -> Result<Administrator, IssueError> {
        let token = self.presented_access_token(presented).await?;
        self.administrator_by(&token, access).await
    }

    /// Whose token this is, if they may do this now.
    ///
    /// # Errors
    /// `insufficient_scope` (status 403), or that client or user are gone.
    pub async fn administrator_by(
        &self,
        token: &AccessToken,
        access: Access,
    ) -> Result<Administrator, IssueError> {
        if !access.is_covered_by(token.scope.iter()) {
            return Err(access.insufficient("the access token"));
        }
        let client = self.within.known.client(&token.client_id).await?;
        let client = client.ok_or_else(|| not_valid("its client is gone"))?.document;
        // Its users could not know whose program it is.
        if client.origin != ClientOrigin::Administrator {
            return Err(access.insufficient("its client"));
        }
        // Its own scopes of administration a client has by name only; in a user's name no limit is none.
        let of_client = client.scope.as_ref().map(|scope| access.is_covered_by(scope.iter()));
        if token.family.is_none() {
            return match of_client {
                Some(true) => Ok(Administrator { id: token.client_id.clone() }),
                _ => Err(access.insufficient("its client")),
            };
        }
        let user = self.within.known.user(&token.subject).await?;
        let user = user.filter(|user| !user.document.disabled);
        let user = user.ok_or_else(|| not_valid("its user is gone or disabled"))?;
        if !access.is_covered_by(user.document.scopes.iter().map(String::as_str)) {
            return Err(access.insufficient("its user"));
        }
        if of_client == Some(false) {
            return Err(access.insufficient("its client"));
        }
        Ok(Administrator { id: token.subject.clone() })
    }
}

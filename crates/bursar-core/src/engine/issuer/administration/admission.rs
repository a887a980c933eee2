//! Who may look after this server over the network: whoever has an access token of ours with a scope of administration.

use crate::engine::issuer::AuthorizationServer;
use crate::engine::issuer::refusal::IssueError;
use crate::engine::issuer::scopes::ADMINISTRATION_SCOPES;
use crate::secret::Secret;

/// What somebody wants to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Look at things.
    Read,
    /// Change things.
    Change,
}

/// Somebody who may.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Administrator {
    /// The user, or the client if it acts in its own name.
    pub id: String,
}

/// Why somebody may not.
#[derive(Debug, thiserror::Error)]
pub enum AdmissionError {
    /// The token is not good, is for another place, or is bound to a key, of which nothing is proven here.
    #[error("the access token is not good here")]
    InvalidToken,
    /// The token, its client or its user does not have the scope.
    #[error("the access token does not have the scope `{scope}`")]
    InsufficientScope {
        /// What is needed.
        scope: &'static str,
    },
    /// It cannot be decided now.
    #[error(transparent)]
    Issue(#[from] IssueError),
}

impl Access {
    /// The scope that is asked for.
    pub fn scope(self) -> &'static str {
        let [read, change] = ADMINISTRATION_SCOPES;
        match self {
            Self::Read => read,
            Self::Change => change,
        }
    }

    /// Who may change things may look at them.
    fn is_covered_by<'a>(self, scopes: impl IntoIterator<Item = &'a str>) -> bool {
        let [_, change] = ADMINISTRATION_SCOPES;
        scopes.into_iter().any(|scope| scope == self.scope() || scope == change)
    }
}

impl AuthorizationServer {
    /// Who shows this token, if they may do this. Client and user are asked again: what an administrator has taken from them
    /// is gone at once, and not when the token ends.
    pub async fn administrator(
        &self,
        shown: &Secret,
        access: Access,
    ) -> Result<Administrator, AdmissionError> {
        let token = self.valid_access_token(shown).await?.ok_or(AdmissionError::InvalidToken)?;
        if !token.is_for(self.rules().issuer.as_str()) || token.key.is_some() {
            return Err(AdmissionError::InvalidToken);
        }
        let insufficient = || AdmissionError::InsufficientScope { scope: access.scope() };
        if !access.is_covered_by(token.scope.iter()) {
            return Err(insufficient());
        }
        let client = self.within.known.client(&token.client_id).await.map_err(IssueError::Store)?;
        let client = client.ok_or(AdmissionError::InvalidToken)?.document;
        // Its own scopes of administration a client has by name only; in a user's name no limit is none.
        let of_client = client.scope.as_ref().map(|scope| access.is_covered_by(scope.iter()));
        if token.family.is_none() {
            return match of_client {
                Some(true) => Ok(Administrator { id: token.client_id }),
                _ => Err(insufficient()),
            };
        }
        let user = self.within.known.user(&token.subject).await.map_err(IssueError::Store)?;
        let user = user.filter(|user| !user.document.disabled).ok_or(AdmissionError::InvalidToken)?;
        let of_user = access.is_covered_by(user.document.scopes.iter().map(String::as_str));
        if of_user && of_client.unwrap_or(true) {
            Ok(Administrator { id: token.subject })
        } else {
            Err(insufficient())
        }
    }
}

//! Commits that hand something out.

use super::AuthorizationServer;
use super::records::client::CLIENT;
use super::refusal::IssueError;
use crate::ports::store::{Batch, Commit, StoreError, Version};

impl AuthorizationServer {
    /// Commits what a client is about to be given, and tells the version of what was written. `None`: something it stands
    /// on has changed, so it has to be decided again.
    ///
    /// # Errors
    /// The client itself has changed since it proved who it is. Nothing was decided, and it may try again: what it has
    /// proven may not be enough any more, and most proofs cannot be looked at twice.
    pub(super) async fn is_committed(&self, batch: Batch) -> Result<Option<Version>, IssueError> {
        let answer = match self.store().commit(batch.clone()).await {
            // Under the same name it happens once, and answers what came of it. Otherwise a client would be told to try
            // again with a code that it has just used up, and doing so would end its login (RFC 6749 §4.1.2).
            Err(StoreError::UnknownOutcome(_)) => self.store().commit(batch).await?,
            answer => answer?,
        };
        let (kind, key) = match answer.value {
            Commit::Done(version) => return Ok(Some(version)),
            Commit::Conflict { kind, key } => (kind, key),
        };
        self.within.known.doubt(kind, &key);
        if kind == CLIENT.name {
            return Err(StoreError::Unavailable("the client has just been changed".to_owned()).into());
        }
        Ok(None)
    }
}

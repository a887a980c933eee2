//! Using something once.

use super::AuthorizationServer;
use super::records::spent::Spent;
use super::refusal::IssueError;
use crate::ports::document;
use crate::ports::store::{Commit, Expected};
use jiff::Timestamp;

impl AuthorizationServer {
    /// Uses `name` up. `false`: it was used before.
    pub(super) async fn spend(&self, name: &str, until: Timestamp) -> Result<bool, IssueError> {
        let spent = Spent { key: name.to_owned(), until };
        let batch = document::put(self.engine().batch(), &spent, Expected::Absent)?;
        Ok(matches!(self.store().commit(batch).await?.value, Commit::Done(_)))
    }
}

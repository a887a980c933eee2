//! How often strangers may leave something here from one place.

use std::time::Duration;

use super::AuthorizationServer;
use super::exchange::TokenRequest;
use super::refusal::IssueError;

impl AuthorizationServer {
    /// Counts one more record that a client without a secret leaves here under `counter`, which may be `most` in ten
    /// minutes from one place. Clients that prove who they are answer for themselves.
    ///
    /// # Errors
    /// [`IssueError::TooMany`].
    pub(super) async fn admit(
        &self,
        request: &TokenRequest<'_>,
        counter: &str,
        most: u64,
    ) -> Result<(), IssueError> {
        if request.client().is_confidential() {
            return Ok(());
        }
        let counter = format!("{counter}:{}", request.source.network());
        let count = self.store().count(self.space(), &counter, 1, WINDOW).await?;
        if count.value.value <= most {
            return Ok(());
        }
        let wait = count.value.resets_at.duration_since(count.time);
        Err(IssueError::TooMany { retry_after: wait.try_into().unwrap_or(WINDOW) })
    }
}

const WINDOW: Duration = Duration::from_mins(10);

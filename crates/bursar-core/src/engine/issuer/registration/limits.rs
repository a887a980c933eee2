//! How much one network may register. Programs that many people use behind one address are never counted twice: only
//! what has not been seen from there counts.

use std::time::Duration;

use crate::engine::issuer::AuthorizationServer;
use crate::engine::issuer::exchange::Source;
use crate::engine::issuer::refusal::IssueError;
use crate::ports::store::Count;

impl AuthorizationServer {
    /// Counts a registration of software with this fingerprint.
    ///
    /// # Errors
    /// Too many different ones came from the same network.
    pub(super) async fn admit_software(&self, fingerprint: &str, source: &Source) -> Result<(), IssueError> {
        let network = source.network();
        let software = format!("registration:{network}:{fingerprint}");
        if self.counted(&software, 0, HOUR).await?.value > 0 {
            return Ok(());
        }
        let most = self.rules().registration_limits.different;
        self.admit_up_to(most, &format!("registrations:{network}")).await?;
        self.counted(&software, 1, HOUR).await?;
        Ok(())
    }

    /// Counts a registration that has to be stored.
    ///
    /// # Errors
    /// Too many came from the same network.
    pub(super) async fn admit_record(&self, source: &Source) -> Result<(), IssueError> {
        let most = self.rules().registration_limits.stored;
        self.admit_up_to(most, &format!("registrations-stored:{}", source.network())).await
    }

    async fn admit_up_to(&self, most: u64, counter: &str) -> Result<(), IssueError> {
        let count = self.counted(counter, 1, HOUR).await?;
        if count.value <= most {
            return Ok(());
        }
        let wait = count.resets_at.duration_since(self.now());
        Err(IssueError::TooMany {
            retry_after: Duration::try_from(wait).unwrap_or_default().max(SHORTEST_WAIT),
        })
    }

    async fn counted(&self, counter: &str, by: u64, window: Duration) -> Result<Count, IssueError> {
        Ok(self.store().count(self.space(), counter, by, window).await?.value)
    }
}

const HOUR: Duration = Duration::from_hours(1);
const SHORTEST_WAIT: Duration = Duration::from_secs(1);

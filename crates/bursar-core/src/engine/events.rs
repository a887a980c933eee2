//! Reading the log of events.

use super::Engine;
use crate::ports::store::{EventQuery, StoreError};

impl Engine {
    /// The number of the newest event; 0 if there is none. For readers who want only what happens from now on.
    pub async fn last_event(&self) -> Result<u64, StoreError> {
        // Events are only found by what comes after a number, so the end is found by halving.
        let (mut known, mut beyond) = (0, 1);
        while let Some(later) = self.first_event_after(beyond).await? {
            known = later;
            beyond = later.saturating_mul(2);
        }
        while known + 1 < beyond {
            let middle = known + (beyond - known) / 2;
            match self.first_event_after(middle).await? {
                Some(later) => known = later,
                None => beyond = middle,
            }
        }
        Ok(self.first_event_after(known).await?.unwrap_or(known))
    }

    async fn first_event_after(&self, after: u64) -> Result<Option<u64>, StoreError> {
        let query = EventQuery { after, subject: None, limit: 1 };
        let events = self.ports.store.events(&self.space, query).await?.value;
        Ok(events.first().map(|stored| stored.id))
    }
}

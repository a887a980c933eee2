//! Clears up after sandboxes that have ended: a bounded number of records at a time, by whoever comes by, from wherever
//! the last one stopped.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::Sandboxes;
use super::records::{REMAINS, Remains, SANDBOX, Sandbox};
use crate::engine::records::KINDS;
use crate::ports::document::{self, Stored};
use crate::ports::store::{Batch, Commit, Expected, Kind, Page, Scope, Space, StoreError};

/// What a round of clearing up has done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cleared {
    /// Sandboxes whose time was over.
    pub ended: u64,
    /// Records that are gone.
    pub records: u64,
    /// Sandboxes of which nothing is left.
    pub spaces: u64,
    /// Something may be left, because the time was over before the work was done.
    pub unfinished: bool,
}

impl Sandboxes {
    /// Ends sandboxes whose time is over, and removes what is left of ended ones: as much as fits into a few seconds.
    ///
    /// # Errors
    /// The store cannot be used; what was done stays done.
    pub async fn clear_up(&self) -> Result<Cleared, StoreError> {
        let (store, clock) = (&*self.engine.ports.store, &*self.engine.ports.clock);
        let end = clock.stopwatch().saturating_add(LONGEST_ROUND);
        let mut cleared = Cleared::default();
        loop {
            let due = store.due(&Space::System, &SANDBOX, self.engine.now(), BATCH).await?.value.records;
            for record in &due {
                if self.end(&document::decode::<Sandbox>(record)?, "sandbox.expired").await? {
                    cleared.ended += 1;
                }
            }
            if due.len() < BATCH {
                break;
            }
        }
        loop {
            let due = store.due(&Space::System, &REMAINS, self.engine.now(), BATCH).await?.value.records;
            for record in &due {
                let remains = document::decode::<Remains>(record)?;
                if !self.clear(&remains, end, &mut cleared).await? {
                    cleared.unfinished = true;
                    return Ok(cleared);
                }
            }
            if due.len() < BATCH {
                return Ok(cleared);
            }
        }
    }

    /// Removes what is left of one sandbox; `false`: the time was over before.
    async fn clear(
        &self,
        remains: &Stored<Remains>,
        end: Duration,
        cleared: &mut Cleared,
    ) -> Result<bool, StoreError> {
        let (store, clock) = (&*self.engine.ports.store, &*self.engine.ports.clock);
        let space = Space::Sandbox(remains.document.space.clone());
        let began = cleared.records;
        for kind in KINDS.iter().copied().filter(|kind| kind.scope == Scope::Sandbox) {
            while let gone @ 1.. = self.clear_some(&space, kind).await? {
                cleared.records += gone;
                if clock.stopwatch() > end {
                    return Ok(false);
                }
            }
        }
        while store.forget_events(&space, Timestamp::MAX, BATCH).await? == BATCH {
            if clock.stopwatch() > end {
                return Ok(false);
            }
        }
        let now = self.engine.now();
        let last_look = remains.document.since.saturating_add(LAST_WRITERS).unwrap_or(Timestamp::MAX);
        let batch = Batch::new(Space::System, self.engine.commit_id());
        let is_over = last_look <= now && cleared.records == began;
        let batch = if is_over {
            batch.delete(&REMAINS, remains.document.space.as_str(), remains.version)
        } else {
            // A second look, after everybody who had not heard of the end has.
            let later = Remains { next_look: last_look.max(now + SECOND_LOOK), ..remains.document.clone() };
            document::put(batch, &later, Expected::Version(remains.version))?
        };
        if matches!(store.commit(batch).await?.value, Commit::Done(_)) && is_over {
            cleared.spaces += 1;
        }
        Ok(true)
    }

    /// How many records of a kind are gone; none if nothing was there.
    async fn clear_some(&self, space: &Space, kind: &'static Kind) -> Result<u64, StoreError> {
        let store = &*self.engine.ports.store;
        let mut gone = store.expire(space, kind, BATCH).await?;
        let records = store.list(space, kind, Page::first(BATCH)).await?.value;
        if !records.is_empty() {
            let empty = Batch::new(space.clone(), self.engine.commit_id());
            let batch = records
                .iter()
                .fold(empty, |batch, record| batch.delete(kind, record.key.clone(), record.version));
            // Whoever changes one of them in this moment is met again at the next step.
            store.commit(batch).await?;
            gone += records.len();
        }
        Ok(u64::try_from(gone).unwrap_or(u64::MAX))
    }
}

/// A third of the time between two rounds.
const LONGEST_ROUND: Duration = Duration::from_secs(10);
/// Short enough a transaction that nobody else notices.
const BATCH: usize = 256;
/// Far longer than any process takes to hear of an end, and any request to be answered.
const LAST_WRITERS: SignedDuration = SignedDuration::from_mins(10);
const SECOND_LOOK: SignedDuration = SignedDuration::from_mins(1);

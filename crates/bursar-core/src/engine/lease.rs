//! The refresh lock across machines: a lease record whose deadline the store's clock judges.
//!
//! A lease outlives every call made under it. One that was overslept is no permit any more; the account's generation
//! then fences off the late writer.

use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use jiff::SignedDuration;

use super::records::RefreshLease;
use crate::ports::clock::Clock;
use crate::ports::document::{self, Document as _};
use crate::ports::random::{Random, unguessable};
use crate::ports::refresh_lock::{LockError, RefreshLock, RefreshPermit};
use crate::ports::store::{Batch, Commit, CommitId, Expected, Space, Store, StoreError, Version};
use crate::ports::tasks::Tasks;

/// Leases in a store that several machines share.
#[derive(Clone, Debug)]
pub struct LeaseLock {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    tasks: Arc<dyn Tasks>,
}

impl LeaseLock {
    /// Leases in `store`, each in the space of its account.
    pub fn new(
        store: Arc<dyn Store>,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
        tasks: Arc<dyn Tasks>,
    ) -> Self {
        Self { store, clock, random, tasks }
    }

    async fn try_once(&self, space: &Space, account: &str) -> Result<Option<Lease>, StoreError> {
        // Taken before the store is asked: what is left of the lease is then never overestimated.
        let started = self.clock.stopwatch();
        let answer = document::get::<RefreshLease>(&*self.store, space, account).await?;
        if answer.value.is_some() {
            return Ok(None);
        }
        let lease = RefreshLease {
            account: account.to_owned(),
            holder: unguessable(&*self.random).expose().to_owned(),
            until: answer.time.saturating_add(LEASE_LIFE).unwrap_or(jiff::Timestamp::MAX),
        };
        let batch = Batch::new(space.clone(), self.commit_id());
        let batch = document::put(batch, &lease, Expected::Absent)?;
        match self.store.commit(batch).await?.value {
            Commit::Done(version) => {
                let (lock, space, account) = (self.clone(), space.clone(), account.to_owned());
                Ok(Some(Lease { lock, space, account, version, started }))
            }
            Commit::Conflict { .. } => Ok(None),
        }
    }

    fn commit_id(&self) -> CommitId {
        CommitId::new(self.clock.now(), &*self.random)
    }
}

impl RefreshLock for LeaseLock {
    fn acquire<'a>(
        &'a self,
        space: &'a Space,
        account: &'a str,
        wait: Duration,
    ) -> BoxFuture<'a, Result<Option<Box<dyn RefreshPermit>>, LockError>> {
        Box::pin(async move {
            let deadline = self.clock.stopwatch() + wait;
            loop {
                let attempt = self.try_once(space, account).await;
                match attempt.map_err(|error| LockError { detail: error.to_string() })? {
                    Some(lease) => return Ok(Some(Box::new(lease) as Box<dyn RefreshPermit>)),
                    None if self.clock.stopwatch() >= deadline => return Ok(None),
                    None => self.clock.sleep(POLL).await,
                }
            }
        })
    }
}

/// A lease that is held.
#[derive(Debug)]
struct Lease {
    lock: LeaseLock,
    space: Space,
    account: String,
    version: Version,
    started: Duration,
}

impl RefreshPermit for Lease {
    fn remaining(&self) -> Option<Duration> {
        let spent = self.lock.clock.stopwatch().saturating_sub(self.started);
        Some(LEASE_LIFE.unsigned_abs().saturating_sub(spent))
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        // Only this holder's version is removed: whoever took over after the deadline keeps theirs.
        let (store, version) = (self.lock.store.clone(), self.version);
        let batch = Batch::new(self.space.clone(), self.lock.commit_id());
        let batch = batch.delete(RefreshLease::KIND, &self.account, version);
        self.lock.tasks.spawn(Box::pin(async move {
            // If this fails the lease ends by itself.
            if let Err(error) = store.commit(batch).await {
                tracing::debug!(%error, "a refresh lease could not be released");
            }
        }));
    }
}

/// The longest call (30 s), saving its answer, and a margin for slow clocks.
const LEASE_LIFE: SignedDuration = SignedDuration::from_secs(60);
/// Short against a token call, long against a store round trip.
const POLL: Duration = Duration::from_millis(25);

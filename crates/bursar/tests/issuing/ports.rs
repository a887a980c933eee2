//! Ports for one process: a key that is simply there, no lock, quick passwords, and a store that can be made to fail.

use std::io::{BufRead, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bursar_core::ports::event::Event;
use bursar_core::ports::key_source::{CreatedKey, KeyError, KeySources, MasterKey};
use bursar_core::ports::passwords::{Overloaded, Passwords};
use bursar_core::ports::refresh_lock::{LockError, RefreshLock, RefreshPermit};
use bursar_core::ports::store::{
    Answer, Batch, Changes, Commit, CommitId, Count, Due, EventQuery, Health, Incarnation, Kind, Page,
    Record, Sequence, Space, Store, StoreError, StoredEvent, Tally,
};
use bursar_core::secret::Secret;
use futures::future::BoxFuture;
use jiff::Timestamp;
use tokio::sync::watch;

/// Always the same key.
#[derive(Debug)]
pub(super) struct FixedKey;

impl KeySources for FixedKey {
    fn existing<'a>(&'a self, _recorded: &'a str) -> BoxFuture<'a, Result<MasterKey, KeyError>> {
        Box::pin(async { Ok(MasterKey::new([7; 32])) })
    }

    fn create(&self) -> BoxFuture<'_, Result<CreatedKey, KeyError>> {
        Box::pin(async { Ok(CreatedKey { key: MasterKey::new([7; 32]), recorded: "fixed".into() }) })
    }
}

/// Nothing is refreshed here that somebody else issued.
#[derive(Debug)]
pub(super) struct NoLock;

impl RefreshLock for NoLock {
    fn acquire<'a>(
        &'a self,
        _space: &'a Space,
        _account: &'a str,
        _wait: Duration,
    ) -> BoxFuture<'a, Result<Option<Box<dyn RefreshPermit>>, LockError>> {
        Box::pin(async { Ok(None) })
    }
}

/// Hashes by writing backwards: what a slow hash is worth is shown elsewhere.
#[derive(Debug)]
pub(super) struct Backwards;

impl Passwords for Backwards {
    fn hash(&self, password: Secret) -> BoxFuture<'_, Result<String, Overloaded>> {
        Box::pin(async move { Ok(password.expose().chars().rev().collect()) })
    }

    fn verifies<'a>(
        &'a self,
        password: Secret,
        hash: Option<&'a str>,
    ) -> BoxFuture<'a, Result<bool, Overloaded>> {
        Box::pin(async move { Ok(hash.is_some_and(|hash| hash.chars().rev().eq(password.expose().chars()))) })
    }
}

/// A store that fails as far as that is wanted.
#[derive(Debug)]
pub(super) struct FailingStore {
    pub(super) real: Arc<dyn Store>,
    pub(super) faults: Arc<Faults>,
}

/// How a store fails.
#[derive(Debug)]
pub(super) struct Faults {
    /// How many commits do not fail yet.
    pub(super) commits: AtomicU64,
    /// Where nothing becomes due, is tidied or changed.
    pub(super) broken: Mutex<Option<Space>>,
}

impl Default for Faults {
    fn default() -> Self {
        Self { commits: AtomicU64::new(u64::MAX), broken: Mutex::default() }
    }
}

impl Faults {
    fn fails<T>(&self, space: &Space) -> Option<Result<T, StoreError>> {
        let is_broken = self.broken.lock().unwrap().as_ref() == Some(space);
        is_broken.then(|| Err(StoreError::Unavailable("a planned failure".into())))
    }

    fn fails_commit<T>(&self, space: &Space) -> Option<Result<T, StoreError>> {
        let one_less = |left: u64| left.checked_sub(1);
        let is_over = self.commits.fetch_update(Ordering::SeqCst, Ordering::SeqCst, one_less).is_err();
        let planned = || Err(StoreError::Unavailable("a planned failure".into()));
        self.fails(space).or_else(|| is_over.then(planned))
    }
}

impl Store for FailingStore {
    fn get<'a>(
        &'a self,
        space: &'a Space,
        kind: &'static Kind,
        key: &'a str,
    ) -> BoxFuture<'a, Result<Answer<Option<Record>>, StoreError>> {
        self.real.get(space, kind, key)
    }

    fn find<'a>(
        &'a self,
        space: &'a Space,
        kind: &'static Kind,
        index: &'static str,
        value: &'a str,
        page: Page,
    ) -> BoxFuture<'a, Result<Answer<Vec<Record>>, StoreError>> {
        self.real.find(space, kind, index, value, page)
    }

    fn list<'a>(
        &'a self,
        space: &'a Space,
        kind: &'static Kind,
        page: Page,
    ) -> BoxFuture<'a, Result<Answer<Vec<Record>>, StoreError>> {
        self.real.list(space, kind, page)
    }

    fn due<'a>(
        &'a self,
        space: &'a Space,
        kind: &'static Kind,
        until: Timestamp,
        limit: usize,
    ) -> BoxFuture<'a, Result<Answer<Due>, StoreError>> {
        match self.faults.fails(space) {
            Some(failure) => Box::pin(async { failure }),
            None => self.real.due(space, kind, until, limit),
        }
    }

    fn commit(&self, batch: Batch) -> BoxFuture<'_, Result<Answer<Commit>, StoreError>> {
        match self.faults.fails_commit(batch.space()) {
            Some(failure) => Box::pin(async { failure }),
            None => self.real.commit(batch),
        }
    }

    fn outcome<'a>(
        &'a self,
        space: &'a Space,
        id: &'a CommitId,
    ) -> BoxFuture<'a, Result<Answer<Option<Sequence>>, StoreError>> {
        self.real.outcome(space, id)
    }

    fn expire<'a>(
        &'a self,
        space: &'a Space,
        kind: &'static Kind,
        limit: usize,
    ) -> BoxFuture<'a, Result<usize, StoreError>> {
        match self.faults.fails(space) {
            Some(failure) => Box::pin(async { failure }),
            None => self.real.expire(space, kind, limit),
        }
    }

    fn tally<'a>(
        &'a self,
        space: &'a Space,
        kind: &'static Kind,
    ) -> BoxFuture<'a, Result<Answer<Tally>, StoreError>> {
        self.real.tally(space, kind)
    }

    fn count<'a>(
        &'a self,
        space: &'a Space,
        counter: &'a str,
        by: u64,
        window: Duration,
    ) -> BoxFuture<'a, Result<Answer<Count>, StoreError>> {
        self.real.count(space, counter, by, window)
    }

    fn changes<'a>(
        &'a self,
        space: &'a Space,
        after: Sequence,
        limit: usize,
    ) -> BoxFuture<'a, Result<Answer<Changes>, StoreError>> {
        self.real.changes(space, after, limit)
    }

    fn watch(&self) -> watch::Receiver<u64> {
        self.real.watch()
    }

    fn append<'a>(&'a self, space: &'a Space, events: Vec<Event>) -> BoxFuture<'a, Result<(), StoreError>> {
        self.real.append(space, events)
    }

    fn events<'a>(
        &'a self,
        space: &'a Space,
        query: EventQuery,
    ) -> BoxFuture<'a, Result<Answer<Vec<StoredEvent>>, StoreError>> {
        self.real.events(space, query)
    }

    fn health(&self) -> BoxFuture<'_, Result<Health, StoreError>> {
        self.real.health()
    }

    fn forget_events<'a>(
        &'a self,
        space: &'a Space,
        before: Timestamp,
        limit: usize,
    ) -> BoxFuture<'a, Result<usize, StoreError>> {
        self.real.forget_events(space, before, limit)
    }

    fn backup<'a>(&'a self, sink: &'a mut (dyn Write + Send)) -> BoxFuture<'a, Result<(), StoreError>> {
        self.real.backup(sink)
    }

    fn restore<'a>(
        &'a self,
        source: &'a mut (dyn BufRead + Send),
        incarnation: Incarnation,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        self.real.restore(source, incarnation)
    }
}

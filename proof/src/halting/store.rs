//! A store that can stand still before, inside and after the commits of a refresh, and otherwise only passes on.

use std::io::{BufRead, Write};
use std::sync::Arc;
use std::time::Duration;

use bursar_core::ports::event::Event;
use bursar_core::ports::store::{
    Answer, Batch, Changes, Commit, CommitId, Count, Due, EventQuery, Health, Incarnation, Kind, Page,
    Record, Sequence, Space, Store, StoreError, StoredEvent, Tally,
};
use futures::future::BoxFuture;
use jiff::Timestamp;
use tokio::sync::watch;

use super::checkpoint::Checkpoint;
use super::commits::{Commits, RefreshCommit};

/// Passes everything on to another store.
#[derive(Debug)]
pub(super) struct HaltingStore {
    inner: Arc<dyn Store>,
    commits: Arc<Commits>,
    checkpoint: Arc<Checkpoint>,
}

impl HaltingStore {
    pub(super) fn new(inner: Arc<dyn Store>, commits: Arc<Commits>, checkpoint: Arc<Checkpoint>) -> Self {
        Self { inner, commits, checkpoint }
    }
}

impl Store for HaltingStore {
    fn commit(&self, batch: Batch) -> BoxFuture<'_, Result<Answer<Commit>, StoreError>> {
        Box::pin(async move {
            let commit = RefreshCommit::of(&batch);
            if let Some(before) = commit.and_then(RefreshCommit::before) {
                self.checkpoint.pass(before).await;
            }
            self.commits.begin(commit);
            let answer = self.inner.commit(batch).await;
            self.commits.begin(None);
            if let Some(commit) = commit {
                self.checkpoint.pass(commit.after()).await;
            }
            answer
        })
    }

    fn health(&self) -> BoxFuture<'_, Result<Health, StoreError>> {
        self.inner.health()
    }

    fn get<'a>(
        &'a self,
        space: &'a Space,
        kind: &'static Kind,
        key: &'a str,
    ) -> BoxFuture<'a, Result<Answer<Option<Record>>, StoreError>> {
        self.inner.get(space, kind, key)
    }

    fn find<'a>(
        &'a self,
        space: &'a Space,
        kind: &'static Kind,
        index: &'static str,
        value: &'a str,
        page: Page,
    ) -> BoxFuture<'a, Result<Answer<Vec<Record>>, StoreError>> {
        self.inner.find(space, kind, index, value, page)
    }

    fn list<'a>(
        &'a self,
        space: &'a Space,
        kind: &'static Kind,
        page: Page,
    ) -> BoxFuture<'a, Result<Answer<Vec<Record>>, StoreError>> {
        self.inner.list(space, kind, page)
    }

    fn due<'a>(
        &'a self,
        space: &'a Space,
        kind: &'static Kind,
        until: Timestamp,
        limit: usize,
    ) -> BoxFuture<'a, Result<Answer<Due>, StoreError>> {
        self.inner.due(space, kind, until, limit)
    }

    fn outcome<'a>(
        &'a self,
        space: &'a Space,
        id: &'a CommitId,
    ) -> BoxFuture<'a, Result<Answer<Option<Sequence>>, StoreError>> {
        self.inner.outcome(space, id)
    }

    fn expire<'a>(
        &'a self,
        space: &'a Space,
        kind: &'static Kind,
        limit: usize,
    ) -> BoxFuture<'a, Result<usize, StoreError>> {
        self.inner.expire(space, kind, limit)
    }

    fn tally<'a>(
        &'a self,
        space: &'a Space,
        kind: &'static Kind,
    ) -> BoxFuture<'a, Result<Answer<Tally>, StoreError>> {
        self.inner.tally(space, kind)
    }

    fn count<'a>(
        &'a self,
        space: &'a Space,
        counter: &'a str,
        by: u64,
        window: Duration,
    ) -> BoxFuture<'a, Result<Answer<Count>, StoreError>> {
        self.inner.count(space, counter, by, window)
    }

    fn changes<'a>(
        &'a self,
        space: &'a Space,
        after: Sequence,
        limit: usize,
    ) -> BoxFuture<'a, Result<Answer<Changes>, StoreError>> {
        self.inner.changes(space, after, limit)
    }

    fn watch(&self) -> watch::Receiver<u64> {
        self.inner.watch()
    }

    fn append<'a>(&'a self, space: &'a Space, events: Vec<Event>) -> BoxFuture<'a, Result<(), StoreError>> {
        self.inner.append(space, events)
    }

    fn events<'a>(
        &'a self,
        space: &'a Space,
        query: EventQuery,
    ) -> BoxFuture<'a, Result<Answer<Vec<StoredEvent>>, StoreError>> {
        self.inner.events(space, query)
    }

    fn forget_events<'a>(
        &'a self,
        space: &'a Space,
        before: Timestamp,
        limit: usize,
    ) -> BoxFuture<'a, Result<usize, StoreError>> {
        self.inner.forget_events(space, before, limit)
    }

    fn backup<'a>(&'a self, sink: &'a mut (dyn Write + Send)) -> BoxFuture<'a, Result<(), StoreError>> {
        self.inner.backup(sink)
    }

    fn restore<'a>(
        &'a self,
        source: &'a mut (dyn BufRead + Send),
        incarnation: Incarnation,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        self.inner.restore(source, incarnation)
    }
}

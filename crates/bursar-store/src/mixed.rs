//! Two stores as one: durable kinds in a database, short-lived ones in a store that forgets more easily.
//!
//! It routes by the group of a kind, which no batch spans. What is told of the whole (changes, events, lives) is the
//! database's; counters live beside the short-lived kinds. Both sides judge by the database's clock.

use std::io::{BufRead, Write};
use std::sync::Arc;
use std::time::Duration;

use bursar_core::ports::event::Event;
use bursar_core::ports::store::{
    Answer, Batch, Changes, Commit, CommitId, Count, Due, EventQuery, Group, Health, Incarnation, Kind, Page,
    Record, Sequence, Space, Store, StoreError, StoredEvent, Tally,
};
use futures::future::BoxFuture;
use jiff::Timestamp;
use tokio::sync::watch;

/// A store for each group of kinds.
#[derive(Debug)]
pub struct MixedStore {
    durable: Arc<dyn Store>,
    ephemeral: Arc<dyn Store>,
}

impl MixedStore {
    /// Keeps durable kinds in one store and ephemeral ones in the other; both must know every kind they are given.
    ///
    /// The ephemeral one must have no clock of its own but go by the durable one's ([`SharedClock`]): what must not be used
    /// twice is remembered until a moment by that clock, and would be forgotten early by one that is ahead.
    ///
    /// [`SharedClock`]: crate::shared_clock::SharedClock
    pub fn new(durable: Arc<dyn Store>, ephemeral: Arc<dyn Store>) -> Self {
        debug_assert!(ephemeral.now().is_none(), "two clocks in one store");
        Self { durable, ephemeral }
    }

    fn side(&self, group: Group) -> &dyn Store {
        match group {
            Group::Durable => &*self.durable,
            Group::Ephemeral => &*self.ephemeral,
        }
    }
}

/// Where a batch belongs; one that names no record can only carry events, which are durable.
fn group_of(batch: &Batch) -> Group {
    let write = batch.writes().first().map(|(write, _)| write.target().0);
    let kind = write.or_else(|| batch.guards().first().map(|guard| guard.kind));
    kind.map_or(Group::Durable, |kind| kind.group)
}

impl Store for MixedStore {
    fn get<'a>(
        &'a self,
        space: &'a Space,
        kind: &'static Kind,
        key: &'a str,
    ) -> BoxFuture<'a, Result<Answer<Option<Record>>, StoreError>> {
        self.side(kind.group).get(space, kind, key)
    }

    fn find<'a>(
        &'a self,
        space: &'a Space,
        kind: &'static Kind,
        index: &'static str,
        value: &'a str,
        page: Page,
    ) -> BoxFuture<'a, Result<Answer<Vec<Record>>, StoreError>> {
        self.side(kind.group).find(space, kind, index, value, page)
    }

    fn list<'a>(
        &'a self,
        space: &'a Space,
        kind: &'static Kind,
        page: Page,
    ) -> BoxFuture<'a, Result<Answer<Vec<Record>>, StoreError>> {
        self.side(kind.group).list(space, kind, page)
    }

    fn due<'a>(
        &'a self,
        space: &'a Space,
        kind: &'static Kind,
        until: Timestamp,
        limit: usize,
    ) -> BoxFuture<'a, Result<Answer<Due>, StoreError>> {
        self.side(kind.group).due(space, kind, until, limit)
    }

    fn commit(&self, batch: Batch) -> BoxFuture<'_, Result<Answer<Commit>, StoreError>> {
        // One that spans both groups is refused by either side, whichever its first write chooses.
        self.side(group_of(&batch)).commit(batch)
    }

    fn outcome<'a>(
        &'a self,
        space: &'a Space,
        id: &'a CommitId,
    ) -> BoxFuture<'a, Result<Answer<Option<Sequence>>, StoreError>> {
        Box::pin(async move {
            // An id does not tell where it was sent. Unguessable as it is, it was sent to one side only.
            let durable = self.durable.outcome(space, id).await?;
            if durable.value.is_some() { Ok(durable) } else { self.ephemeral.outcome(space, id).await }
        })
    }

    fn expire<'a>(
        &'a self,
        space: &'a Space,
        kind: &'static Kind,
        limit: usize,
    ) -> BoxFuture<'a, Result<usize, StoreError>> {
        self.side(kind.group).expire(space, kind, limit)
    }

    fn tally<'a>(
        &'a self,
        space: &'a Space,
        kind: &'static Kind,
    ) -> BoxFuture<'a, Result<Answer<Tally>, StoreError>> {
        self.side(kind.group).tally(space, kind)
    }

    fn count<'a>(
        &'a self,
        space: &'a Space,
        counter: &'a str,
        by: u64,
        window: Duration,
    ) -> BoxFuture<'a, Result<Answer<Count>, StoreError>> {
        self.ephemeral.count(space, counter, by, window)
    }

    /// Of durable kinds; nobody follows those that may be lost.
    fn changes<'a>(
        &'a self,
        space: &'a Space,
        after: Sequence,
        limit: usize,
    ) -> BoxFuture<'a, Result<Answer<Changes>, StoreError>> {
        self.durable.changes(space, after, limit)
    }

    fn watch(&self) -> watch::Receiver<u64> {
        self.durable.watch()
    }

    fn is_deaf(&self) -> bool {
        self.durable.is_deaf()
    }

    fn now(&self) -> Option<Timestamp> {
        self.durable.now()
    }

    fn append<'a>(&'a self, space: &'a Space, events: Vec<Event>) -> BoxFuture<'a, Result<(), StoreError>> {
        self.durable.append(space, events)
    }

    fn events<'a>(
        &'a self,
        space: &'a Space,
        query: EventQuery,
    ) -> BoxFuture<'a, Result<Answer<Vec<StoredEvent>>, StoreError>> {
        self.durable.events(space, query)
    }

    fn forget_events<'a>(
        &'a self,
        space: &'a Space,
        before: Timestamp,
        limit: usize,
    ) -> BoxFuture<'a, Result<usize, StoreError>> {
        self.durable.forget_events(space, before, limit)
    }

    /// Both sides must be well; the life and the name are the database's.
    fn health(&self) -> BoxFuture<'_, Result<Health, StoreError>> {
        Box::pin(async move {
            let (durable, ephemeral) =
                futures::future::try_join(self.durable.health(), self.ephemeral.health()).await?;
            Ok(Health { backend: "mixed", shared: durable.shared && ephemeral.shared, ..durable })
        })
    }

    fn backup<'a>(&'a self, sink: &'a mut (dyn Write + Send)) -> BoxFuture<'a, Result<(), StoreError>> {
        self.durable.backup(sink)
    }

    fn restore<'a>(
        &'a self,
        source: &'a mut (dyn BufRead + Send),
        incarnation: Incarnation,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        self.durable.restore(source, incarnation)
    }

    /// The database alone: nothing of what is kept beside it counts without it.
    fn seal<'a>(&'a self, moved_to: &'a str) -> BoxFuture<'a, Result<(), StoreError>> {
        self.durable.seal(moved_to)
    }

    fn unseal(&self) -> BoxFuture<'_, Result<(), StoreError>> {
        self.durable.unseal()
    }
}

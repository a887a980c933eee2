//! The store port over maps and one lock.

use std::io::{BufRead, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::{BoxFuture, ready};
use jiff::Timestamp;
use tokio::sync::watch;

use super::commit::{Announce, State};
use super::restore::{back_up, incarnation, restore, write_incarnation};
use super::table::Table;
use crate::ports::clock::Clock;
use crate::ports::event::Event;
use crate::ports::store::{
    Answer, Batch, Changes, Commit, CommitId, Count, Due, EventQuery, Health, Incarnation, Kind, Origin,
    Page, Record, Sequence, Space, Store, StoreError, StoredEvent, Tally,
};

/// A store that ends with its process.
///
/// It keeps the last 100,000 events of each space; everything else is bounded as in the other stores.
#[derive(Debug)]
pub struct MemoryStore {
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
    hint: watch::Sender<u64>,
}

impl MemoryStore {
    /// An empty store whose first incarnation is named `incarnation`.
    pub fn new(clock: Arc<dyn Clock>, incarnation: impl Into<String>) -> Self {
        let mut state = State::default();
        write_incarnation(&mut state, &Incarnation { id: incarnation.into(), origin: Origin::Fresh });
        let hint = watch::Sender::new(0);
        Self { clock, state: Mutex::new(state), hint }
    }

    /// Nothing in here panics half-way through a change, so a poisoned lock still guards whole data.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn read<T>(
        &self,
        space: &Space,
        kind: &'static Kind,
        read: impl FnOnce(&Table, Timestamp) -> T,
    ) -> Result<Answer<T>, StoreError> {
        kind.check_space(space)?;
        let time = self.clock.now();
        let state = self.state();
        let value = match state.table(space, kind) {
            Some(table) => read(table, time),
            None => read(&Table::default(), time),
        };
        Ok(Answer { value, time })
    }

    fn commit_now(&self, batch: &Batch) -> Result<Answer<Commit>, StoreError> {
        batch.check()?;
        let mut state = self.state();
        if !state.was_done(batch) {
            state.writable()?;
        }
        // The clock is read under the lock, so that commits and their times have the same order.
        let time = self.clock.now();
        let (value, announce) = state.commit(batch, time);
        if announce == Announce::Change {
            self.hint.send_modify(|hints| *hints += 1);
        }
        Ok(Answer { value, time })
    }
}

impl Store for MemoryStore {
    fn get<'a>(
        &'a self,
        space: &'a Space,
        kind: &'static Kind,
        key: &'a str,
    ) -> BoxFuture<'a, Result<Answer<Option<Record>>, StoreError>> {
        async move { self.read(space, kind, |table, now| table.live(key, now).cloned()) }.boxed()
    }

    fn find<'a>(
        &'a self,
        space: &'a Space,
        kind: &'static Kind,
        index: &'static str,
        value: &'a str,
        page: Page,
    ) -> BoxFuture<'a, Result<Answer<Vec<Record>>, StoreError>> {
        async move {
            kind.check_index(index)?;
            self.read(space, kind, |table, now| table.find(index, value, &page, now))
        }
        .boxed()
    }

    fn list<'a>(
        &'a self,
        space: &'a Space,
        kind: &'static Kind,
        page: Page,
    ) -> BoxFuture<'a, Result<Answer<Vec<Record>>, StoreError>> {
        async move { self.read(space, kind, |table, now| table.list(&page, now)) }.boxed()
    }

    fn due<'a>(
        &'a self,
        space: &'a Space,
        kind: &'static Kind,
        until: Timestamp,
        limit: usize,
    ) -> BoxFuture<'a, Result<Answer<Due>, StoreError>> {
        async move { self.read(space, kind, |table, now| table.due(until, limit, now)) }.boxed()
    }

    fn commit(&self, batch: Batch) -> BoxFuture<'_, Result<Answer<Commit>, StoreError>> {
        async move { self.commit_now(&batch) }.boxed()
    }

    fn outcome<'a>(
        &'a self,
        space: &'a Space,
        id: &'a CommitId,
    ) -> BoxFuture<'a, Result<Answer<Option<Sequence>>, StoreError>> {
        async move {
            let value = self.state().spaces.get(space).and_then(|space| space.log.outcome(id));
            Ok(Answer { value, time: self.clock.now() })
        }
        .boxed()
    }

    fn expire<'a>(
        &'a self,
        space: &'a Space,
        kind: &'static Kind,
        limit: usize,
    ) -> BoxFuture<'a, Result<usize, StoreError>> {
        async move {
            kind.check_space(space)?;
            let now = self.clock.now();
            let mut state = self.state();
            state.writable()?;
            Ok(state.space(space).table(kind).expire(limit, now))
        }
        .boxed()
    }

    fn tally<'a>(
        &'a self,
        space: &'a Space,
        kind: &'static Kind,
    ) -> BoxFuture<'a, Result<Answer<Tally>, StoreError>> {
        async move {
            kind.check_space(space)?;
            let time = self.clock.now();
            Ok(Answer { value: self.state().space(space).table(kind).tally(time), time })
        }
        .boxed()
    }

    fn count<'a>(
        &'a self,
        space: &'a Space,
        counter: &'a str,
        by: u64,
        window: Duration,
    ) -> BoxFuture<'a, Result<Answer<Count>, StoreError>> {
        async move {
            let mut state = self.state();
            state.writable()?;
            let time = self.clock.now();
            let value = state.space(space).log.count(counter, by, window, time)?;
            Ok(Answer { value, time })
        }
        .boxed()
    }

    fn changes<'a>(
        &'a self,
        space: &'a Space,
        after: Sequence,
        limit: usize,
    ) -> BoxFuture<'a, Result<Answer<Changes>, StoreError>> {
        async move {
            let state = self.state();
            let changes = state.spaces.get(space).map(|space| space.log.changes(after, limit));
            let value = Changes::found(changes.unwrap_or_default(), limit, state.sequence);
            Ok(Answer { value, time: self.clock.now() })
        }
        .boxed()
    }

    fn watch(&self) -> watch::Receiver<u64> {
        self.hint.subscribe()
    }

    fn append<'a>(&'a self, space: &'a Space, events: Vec<Event>) -> BoxFuture<'a, Result<(), StoreError>> {
        async move {
            let mut state = self.state();
            state.writable()?;
            state.append(space, &events);
            Ok(())
        }
        .boxed()
    }

    fn events<'a>(
        &'a self,
        space: &'a Space,
        query: EventQuery,
    ) -> BoxFuture<'a, Result<Answer<Vec<StoredEvent>>, StoreError>> {
        async move {
            let events = self.state().spaces.get(space).map(|space| space.log.events(&query));
            Ok(Answer { value: events.unwrap_or_default(), time: self.clock.now() })
        }
        .boxed()
    }

    fn forget_events<'a>(
        &'a self,
        space: &'a Space,
        before: Timestamp,
        limit: usize,
    ) -> BoxFuture<'a, Result<usize, StoreError>> {
        async move {
            let mut state = self.state();
            state.writable()?;
            Ok(state.space(space).log.forget_events(before, limit))
        }
        .boxed()
    }

    fn health(&self) -> BoxFuture<'_, Result<Health, StoreError>> {
        let time = self.clock.now();
        let state = self.state();
        let health = state.writable().and_then(|()| incarnation(&state)).map(|incarnation| Health {
            backend: "memory",
            incarnation,
            shared: false,
            time,
        });
        ready(health).boxed()
    }

    fn backup<'a>(&'a self, sink: &'a mut (dyn Write + Send)) -> BoxFuture<'a, Result<(), StoreError>> {
        async move { back_up(&self.state(), sink, self.clock.now()) }.boxed()
    }

    fn restore<'a>(
        &'a self,
        source: &'a mut (dyn BufRead + Send),
        wanted: Incarnation,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        async move {
            let now = self.clock.now();
            // The lock is held while reading: nobody may write to a store that is being filled.
            let mut state = self.state();
            state.writable()?;
            *state = restore(&state, source, wanted, now)?;
            self.hint.send_modify(|hints| *hints += 1);
            Ok(())
        }
        .boxed()
    }

    fn seal<'a>(&'a self, moved_to: &'a str) -> BoxFuture<'a, Result<(), StoreError>> {
        async move {
            self.state().set_moved_to(Some(moved_to.to_owned()));
            Ok(())
        }
        .boxed()
    }

    fn unseal(&self) -> BoxFuture<'_, Result<(), StoreError>> {
        async move {
            self.state().set_moved_to(None);
            Ok(())
        }
        .boxed()
    }
}

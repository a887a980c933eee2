//! A store between the server and the real one: everybody may be interrupted before and after every operation, commits
//! fail or lose their answers as planned, and rules of a correct store can be broken to see whether anybody notices.

use std::collections::{BTreeSet, VecDeque};
use std::io::{BufRead, Write};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bursar_core::ports::event::Event;
use bursar_core::ports::store::{
    Answer, Batch, Changes, Commit, CommitId, Count, Due, EventQuery, Expected, Health, Incarnation, Kind,
    Page, Record, Sequence, Space, Store, StoreError, StoredEvent, Tally, Version, WriteOperation,
};
use futures::executor::block_on;
use futures::future::BoxFuture;
use jiff::Timestamp;
use tokio::sync::watch;

use super::schedule::pause;

/// What becomes of a commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// It never reaches the store.
    Unsent,
    /// It is done, and nobody hears of it.
    AnswerLost,
    /// It is done, nobody hears of it, and asking again fails too.
    OutOfReach,
}

/// A rule of the store that is broken all the time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Broken {
    /// The version that a write expects is not looked at.
    Expectations,
    /// Marks that end tokens are not written.
    Marks,
    /// Nobody is told what others have changed.
    Changes,
    /// Every tenth change of a login is acknowledged and forgotten.
    Durability,
}

/// What is planned, and what was done.
#[derive(Debug, Default)]
pub(super) struct Plan {
    faults: Mutex<VecDeque<Fault>>,
    broken: Option<Broken>,
    acting: Mutex<usize>,
    spenders: Mutex<BTreeSet<usize>>,
    changes: Mutex<u32>,
}

impl Plan {
    pub(super) fn new(broken: Option<Broken>) -> Self {
        Self { broken, ..Self::default() }
    }

    /// The next commit fails like this.
    pub(super) fn arm(&self, fault: Fault) {
        self.faults.lock().unwrap().push_back(fault);
    }

    /// From now on nothing fails.
    pub(super) fn disarm(&self) {
        self.faults.lock().unwrap().clear();
    }

    /// What is done from now on is done by this attempt.
    pub(super) fn acts(&self, attempt: usize) {
        *self.acting.lock().unwrap() = attempt;
    }

    /// Whether an attempt has changed a code in the store, whatever it heard of that.
    pub(super) fn has_spent(&self, attempt: usize) -> bool {
        self.spenders.lock().unwrap().contains(&attempt)
    }

    fn note(&self, batch: &Batch, commit: &Commit) {
        if matches!(commit, Commit::Done(_)) && writes(batch, "code") {
            self.spenders.lock().unwrap().insert(*self.acting.lock().unwrap());
        }
    }

    fn next_is_forgotten(&self) -> bool {
        let mut changes = self.changes.lock().unwrap();
        *changes += 1;
        changes.is_multiple_of(10)
    }
}

/// The store of one server.
#[derive(Debug)]
pub(super) struct InterruptedStore {
    pub(super) real: Arc<dyn Store>,
    pub(super) plan: Arc<Plan>,
}

impl InterruptedStore {
    /// An operation, which happens in one moment between two pauses.
    fn between<'a, T: Send + 'a>(operation: BoxFuture<'a, T>) -> BoxFuture<'a, T> {
        Box::pin(async move {
            pause().await;
            let answer = block_on(operation);
            pause().await;
            answer
        })
    }

    fn commit_now(&self, batch: &Batch) -> Result<Answer<Commit>, StoreError> {
        let fault = self.plan.faults.lock().unwrap().pop_front();
        if fault == Some(Fault::Unsent) {
            return Err(StoreError::Unavailable("a planned failure".into()));
        }
        let answer = match self.plan.broken {
            None => block_on(self.real.commit(batch.clone()))?,
            Some(broken) => self.commit_wrongly(batch, broken)?,
        };
        self.plan.note(batch, &answer.value);
        match fault {
            Some(Fault::AnswerLost) => Err(StoreError::UnknownOutcome("a planned loss".into())),
            Some(Fault::OutOfReach) => {
                self.plan.faults.lock().unwrap().push_front(Fault::Unsent);
                Err(StoreError::UnknownOutcome("a planned loss".into()))
            }
            _ => Ok(answer),
        }
    }

    fn commit_wrongly(&self, batch: &Batch, broken: Broken) -> Result<Answer<Commit>, StoreError> {
        if broken == Broken::Durability && writes(batch, "family") && self.plan.next_is_forgotten() {
            let time = block_on(self.real.health())?.time;
            return Ok(Answer { value: Commit::Done(Version(u64::MAX)), time });
        }
        let mut wrong = Batch::new(batch.space().clone(), batch.id().clone());
        for (write, expected) in batch.writes() {
            let (kind, key) = write.target();
            if broken == Broken::Marks && kind.name == "revoked" {
                continue;
            }
            let expected = if broken == Broken::Expectations {
                let known = block_on(self.real.get(batch.space(), kind, key))?.value;
                known.map_or(Expected::Absent, |known| Expected::Version(known.version))
            } else {
                *expected
            };
            wrong = match (write, expected) {
                (WriteOperation::Put(record), expected) => wrong.put(record.clone(), expected),
                (WriteOperation::Delete { kind, key }, Expected::Version(version)) => {
                    wrong.delete(kind, key.clone(), version)
                }
                (WriteOperation::Delete { .. }, Expected::Absent) => wrong,
            };
        }
        let guards = batch.guards().iter();
        let wrong = guards.fold(wrong, |wrong, it| wrong.guard(it.kind, it.key.clone(), it.expected));
        let wrong = batch.events().iter().fold(wrong, |wrong, event| wrong.event(event.clone()));
        block_on(self.real.commit(wrong))
    }
}

fn writes(batch: &Batch, kind: &str) -> bool {
    batch.writes().iter().any(|(write, _)| write.target().0.name == kind)
}

impl Store for InterruptedStore {
    fn get<'a>(
        &'a self,
        space: &'a Space,
        kind: &'static Kind,
        key: &'a str,
    ) -> BoxFuture<'a, Result<Answer<Option<Record>>, StoreError>> {
        Self::between(self.real.get(space, kind, key))
    }

    fn find<'a>(
        &'a self,
        space: &'a Space,
        kind: &'static Kind,
        index: &'static str,
        value: &'a str,
        page: Page,
    ) -> BoxFuture<'a, Result<Answer<Vec<Record>>, StoreError>> {
        Self::between(self.real.find(space, kind, index, value, page))
    }

    fn list<'a>(
        &'a self,
        space: &'a Space,
        kind: &'static Kind,
        page: Page,
    ) -> BoxFuture<'a, Result<Answer<Vec<Record>>, StoreError>> {
        Self::between(self.real.list(space, kind, page))
    }

    fn due<'a>(
        &'a self,
        space: &'a Space,
        kind: &'static Kind,
        until: Timestamp,
        limit: usize,
    ) -> BoxFuture<'a, Result<Answer<Due>, StoreError>> {
        Self::between(self.real.due(space, kind, until, limit))
    }

    fn commit(&self, batch: Batch) -> BoxFuture<'_, Result<Answer<Commit>, StoreError>> {
        Box::pin(async move {
            pause().await;
            let answer = self.commit_now(&batch);
            pause().await;
            answer
        })
    }

    fn outcome<'a>(
        &'a self,
        space: &'a Space,
        id: &'a CommitId,
    ) -> BoxFuture<'a, Result<Answer<Option<Sequence>>, StoreError>> {
        Self::between(self.real.outcome(space, id))
    }

    fn expire<'a>(
        &'a self,
        space: &'a Space,
        kind: &'static Kind,
        limit: usize,
    ) -> BoxFuture<'a, Result<usize, StoreError>> {
        Self::between(self.real.expire(space, kind, limit))
    }

    fn tally<'a>(
        &'a self,
        space: &'a Space,
        kind: &'static Kind,
    ) -> BoxFuture<'a, Result<Answer<Tally>, StoreError>> {
        Self::between(self.real.tally(space, kind))
    }

    fn count<'a>(
        &'a self,
        space: &'a Space,
        counter: &'a str,
        by: u64,
        window: Duration,
    ) -> BoxFuture<'a, Result<Answer<Count>, StoreError>> {
        Self::between(self.real.count(space, counter, by, window))
    }

    fn changes<'a>(
        &'a self,
        space: &'a Space,
        after: Sequence,
        limit: usize,
    ) -> BoxFuture<'a, Result<Answer<Changes>, StoreError>> {
        let after = if self.plan.broken == Some(Broken::Changes) { Sequence::MAX } else { after };
        Self::between(self.real.changes(space, after, limit))
    }

    fn watch(&self) -> watch::Receiver<u64> {
        self.real.watch()
    }

    fn append<'a>(&'a self, space: &'a Space, events: Vec<Event>) -> BoxFuture<'a, Result<(), StoreError>> {
        Self::between(self.real.append(space, events))
    }

    fn events<'a>(
        &'a self,
        space: &'a Space,
        query: EventQuery,
    ) -> BoxFuture<'a, Result<Answer<Vec<StoredEvent>>, StoreError>> {
        Self::between(self.real.events(space, query))
    }

    fn forget_events<'a>(
        &'a self,
        space: &'a Space,
        before: Timestamp,
        limit: usize,
    ) -> BoxFuture<'a, Result<usize, StoreError>> {
        Self::between(self.real.forget_events(space, before, limit))
    }

    fn health(&self) -> BoxFuture<'_, Result<Health, StoreError>> {
        Self::between(self.real.health())
    }

    fn backup<'a>(&'a self, sink: &'a mut (dyn Write + Send)) -> BoxFuture<'a, Result<(), StoreError>> {
        Self::between(self.real.backup(sink))
    }

    fn restore<'a>(
        &'a self,
        source: &'a mut (dyn BufRead + Send),
        incarnation: Incarnation,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        Self::between(self.real.restore(source, incarnation))
    }
}

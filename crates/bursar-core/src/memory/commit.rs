//! The state of the memory store, and how a batch changes it.

use std::collections::{BTreeMap, HashMap};

use jiff::Timestamp;

use super::log::Log;
use super::table::{Row, Table};
use crate::ports::event::Event;
use crate::ports::store::{
    Batch, Change, Commit, Expected, Group, Kind, NewRecord, Record, Sequence, Space, StoreError, Version,
    WriteOperation,
};
use crate::ports::store_time::to_millisecond;

/// Everything the memory store holds.
#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) sequence: Sequence,
    pub(super) spaces: BTreeMap<Space, SpaceState>,
    last_event: u64,
    /// Where everything has gone.
    moved_to: Option<String>,
}

/// What belongs to one space.
#[derive(Debug, Default)]
pub(super) struct SpaceState {
    /// By name of the kind.
    pub(super) durable: BTreeMap<String, Table>,
    ephemeral: HashMap<&'static str, Table>,
    pub(super) log: Log,
}

impl State {
    /// Refuses to write to a sealed store.
    pub(super) fn writable(&self) -> Result<(), StoreError> {
        self.moved_to.clone().map_or(Ok(()), |to| Err(StoreError::Moved(to)))
    }

    /// Whether this very commit was done before.
    pub(super) fn was_done(&self, batch: &Batch) -> bool {
        self.spaces.get(batch.space()).is_some_and(|space| space.log.outcome(batch.id()).is_some())
    }

    /// Seals the store, or lifts the seal.
    pub(super) fn set_moved_to(&mut self, to: Option<String>) {
        self.moved_to = to;
    }

    /// The table of a kind, if anything was ever written to it.
    pub(super) fn table(&self, space: &Space, kind: &'static Kind) -> Option<&Table> {
        let space = self.spaces.get(space)?;
        match kind.group {
            Group::Durable => space.durable.get(kind.name),
            Group::Ephemeral => space.ephemeral.get(kind.name),
        }
    }

    /// The space, made on first use.
    pub(super) fn space(&mut self, space: &Space) -> &mut SpaceState {
        // A lookup first: cloning the name is only needed once in its life.
        if !self.spaces.contains_key(space) {
            self.spaces.insert(space.clone(), SpaceState::default());
        }
        self.spaces.entry(space.clone()).or_default()
    }

    /// Applies a checked batch if every expectation holds, and tells whether watchers should hear of it.
    pub(super) fn commit(&mut self, batch: &Batch, now: Timestamp) -> (Commit, Announce) {
        if let Some(first) = self.spaces.get(batch.space()).and_then(|space| space.log.outcome(batch.id())) {
            return (Commit::Done(Version(first)), Announce::Nothing);
        }
        if let Some((kind, key)) = self.conflict(batch, now) {
            return (Commit::Conflict { kind: kind.name, key: key.to_owned() }, Announce::Nothing);
        }
        self.sequence += 1;
        let sequence = self.sequence;
        let space = self.space(batch.space());
        space.log.record_commit(batch.id().clone(), sequence, now);
        let mut announce = Announce::Nothing;
        for (write, _) in batch.writes() {
            let (kind, key) = write.target();
            space.apply(write, Version(sequence));
            if kind.watched {
                let change = Change { sequence, kind: kind.name.to_owned(), key: key.to_owned() };
                space.log.record_change(change, now);
                announce = Announce::Change;
            }
        }
        self.append(batch.space(), batch.events());
        (Commit::Done(Version(sequence)), announce)
    }

    /// Adds events to a space's log.
    pub(super) fn append(&mut self, space: &Space, events: &[Event]) {
        for event in events {
            self.last_event += 1;
            let id = self.last_event;
            self.space(space).log.record_event(id, event.clone());
        }
    }

    fn conflict<'a>(&self, batch: &'a Batch, now: Timestamp) -> Option<(&'static Kind, &'a str)> {
        let writes = batch.writes().iter().map(|(write, expected)| (write.target(), *expected));
        let guards = batch.guards().iter().map(|guard| ((guard.kind, guard.key.as_str()), guard.expected));
        let mut expectations = writes.chain(guards);
        let broken = expectations.find(|((kind, key), expected)| {
            let found = self.table(batch.space(), kind).and_then(|table| table.live(key, now));
            match expected {
                Expected::Absent => found.is_some(),
                Expected::Version(version) => found.is_none_or(|record| record.version != *version),
            }
        });
        broken.map(|(target, _)| target)
    }
}

impl SpaceState {
    /// The table of a kind, made on first use.
    pub(super) fn table(&mut self, kind: &'static Kind) -> &mut Table {
        match kind.group {
            Group::Durable => self.durable.entry(kind.name.to_owned()).or_default(),
            Group::Ephemeral => self.ephemeral.entry(kind.name).or_default(),
        }
    }

    fn apply(&mut self, write: &WriteOperation, version: Version) {
        match write {
            WriteOperation::Put(record) => self.table(record.kind).put(row(record, version)),
            WriteOperation::Delete { kind, key } => self.table(kind).remove(key),
        }
    }
}

/// Whether a commit touched anything that is watched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Announce {
    Nothing,
    Change,
}

fn row(record: &NewRecord, version: Version) -> Row {
    let indexes = record.indexes.iter().map(|(index, value)| ((*index).to_owned(), value.clone())).collect();
    let record = Record {
        key: record.key.clone(),
        version,
        body: record.body.clone(),
        due_at: record.due_at.map(to_millisecond),
        expires_at: record.expires_at.map(to_millisecond),
    };
    Row { record, indexes }
}

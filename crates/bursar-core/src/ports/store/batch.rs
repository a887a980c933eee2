//! Conditional writes that happen together or not at all.

use std::collections::HashSet;
use std::sync::Arc;

use jiff::Timestamp;

use super::error::StoreError;
use super::kind::{Group, Kind};
use super::record::{NewRecord, Version};
use super::space::Space;
use crate::identifier::Identifier;
use crate::ports::event::Event;
use crate::ports::random::Random;

/// What a write or guard insists on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expected {
    /// No live record under this key.
    Absent,
    /// Exactly this version.
    Version(Version),
}

/// One change of a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WriteOperation {
    /// Creates or replaces.
    Put(NewRecord),
    /// Removes.
    Delete {
        /// Kind of the record.
        kind: &'static Kind,
        /// Its key.
        key: String,
    },
}

impl WriteOperation {
    /// Kind and key it touches.
    pub fn target(&self) -> (&'static Kind, &str) {
        match self {
            Self::Put(record) => (record.kind, &record.key),
            Self::Delete { kind, key } => (kind, key),
        }
    }
}

/// A record, or its absence, that must still be as it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Guard {
    /// Kind of the record.
    pub kind: &'static Kind,
    /// Its key.
    pub key: String,
    /// What was read.
    pub expected: Expected,
}

/// Names a commit, so that its outcome can be asked for: chosen by the caller, and by nobody else. In the order of their
/// making, so that a store that keeps them in order adds at one end and forgets at the other; a few that are not are only
/// remembered for longer, or keep others from being forgotten for a day.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CommitId(pub String);

impl CommitId {
    /// A new name.
    pub fn new(now: Timestamp, random: &dyn Random) -> Self {
        Self(Identifier::new(now, random).to_string())
    }
}

/// Writes that happen together, in one space, if every expectation holds. A copy costs nothing: whoever commits one keeps
/// another, for when the outcome is unknown.
#[derive(Clone, Debug)]
pub struct Batch(Arc<Parts>);

#[derive(Clone, Debug)]
struct Parts {
    id: CommitId,
    space: Space,
    writes: Vec<(WriteOperation, Expected)>,
    guards: Vec<Guard>,
    events: Vec<Event>,
}

impl Batch {
    /// An empty batch for one space.
    pub fn new(space: Space, id: CommitId) -> Self {
        Self(Arc::new(Parts { id, space, writes: Vec::new(), guards: Vec::new(), events: Vec::new() }))
    }

    /// Creates or replaces a record.
    #[must_use]
    pub fn put(mut self, record: NewRecord, expected: Expected) -> Self {
        self.parts().writes.push((WriteOperation::Put(record), expected));
        self
    }

    /// Removes a record.
    #[must_use]
    pub fn delete(mut self, kind: &'static Kind, key: impl Into<String>, version: Version) -> Self {
        self.parts()
            .writes
            .push((WriteOperation::Delete { kind, key: key.into() }, Expected::Version(version)));
        self
    }

    /// Insists on a record the batch does not write.
    #[must_use]
    pub fn guard(mut self, kind: &'static Kind, key: impl Into<String>, expected: Expected) -> Self {
        self.parts().guards.push(Guard { kind, key: key.into(), expected });
        self
    }

    /// Appends an event in the same commit.
    #[must_use]
    pub fn event(mut self, event: Event) -> Self {
        self.parts().events.push(event);
        self
    }

    /// Its name.
    pub fn id(&self) -> &CommitId {
        &self.0.id
    }

    /// The space it writes to.
    pub fn space(&self) -> &Space {
        &self.0.space
    }

    /// Writes with what they expect, in the order they were added.
    pub fn writes(&self) -> &[(WriteOperation, Expected)] {
        &self.0.writes
    }

    /// Guards, in the order they were added.
    pub fn guards(&self) -> &[Guard] {
        &self.0.guards
    }

    /// Events, in the order they were added.
    pub fn events(&self) -> &[Event] {
        &self.0.events
    }

    /// Checks what no backend can do: mixed groups, a kind outside its scope, a key written twice, an undeclared
    /// index. Every backend calls this first and answers [`StoreError::Misuse`].
    pub fn check(&self) -> Result<(), StoreError> {
        let mut group = None;
        let mut seen = HashSet::new();
        let touched = self.0.writes.iter().map(|(write, _)| write.target());
        for (kind, key) in touched {
            if self.0.writes.len() > 1 && !seen.insert((kind.name, key)) {
                return Err(StoreError::Misuse("a batch writes one record twice"));
            }
            check_kind(&self.0.space, kind, &mut group)?;
        }
        for guard in &self.0.guards {
            check_kind(&self.0.space, guard.kind, &mut group)?;
        }
        for (write, _) in &self.0.writes {
            if let WriteOperation::Put(record) = write
                && record.indexes.iter().any(|(index, _)| !record.kind.indexes.contains(index))
            {
                return Err(StoreError::Misuse("a record carries an index its kind does not declare"));
            }
        }
        if group == Some(Group::Ephemeral) && !self.0.events.is_empty() {
            return Err(StoreError::Misuse("events are durable and need a durable batch"));
        }
        Ok(())
    }

    fn parts(&mut self) -> &mut Parts {
        Arc::make_mut(&mut self.0)
    }
}

fn check_kind(space: &Space, kind: &'static Kind, group: &mut Option<Group>) -> Result<(), StoreError> {
    kind.check_space(space)?;
    if *group.get_or_insert(kind.group) != kind.group {
        return Err(StoreError::Misuse("a batch spans durable and ephemeral kinds"));
    }
    Ok(())
}

//! What a store answers.

use jiff::Timestamp;

use super::record::{Record, Sequence, Version};
use crate::ports::event::Event;

/// What became of a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Commit {
    /// All of it is stored; every written record now has this version.
    Done(Version),
    /// None of it is stored: the named record is not as expected.
    Conflict {
        /// Name of the kind.
        kind: &'static str,
        /// Key of the record.
        key: String,
    },
}

/// An answer with the store's clock at the time it was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer<T> {
    /// The answer.
    pub value: T,
    /// The store's clock; expiry and leases are judged by it.
    pub time: Timestamp,
}

/// Which part of a long list is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// Only keys after this one.
    pub after: Option<String>,
    /// At most so many.
    pub limit: usize,
}

impl Page {
    /// The first `limit` records.
    pub fn first(limit: usize) -> Self {
        Self { after: None, limit }
    }
}

/// Records that are due.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Due {
    /// The most overdue first.
    pub records: Vec<Record>,
    /// When the first record not returned falls due, if there is one.
    pub next: Option<Timestamp>,
}

/// How many records there are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Those that can be read.
    pub alive: u64,
    /// Those whose time is over and that nobody has collected yet. A store that collects them by itself may have none.
    pub expired: u64,
}

/// A counter's value in its current window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Count {
    /// Including what was just added.
    pub value: u64,
    /// When it starts again from nothing.
    pub resets_at: Timestamp,
}

/// One line of the change sequence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The commit.
    pub sequence: Sequence,
    /// Name of the kind.
    pub kind: String,
    /// Key of the record that was written or removed.
    pub key: String,
}

/// Part of what has changed in a space.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Changes {
    /// In commit order.
    pub list: Vec<Change>,
    /// Whoever asks next asks after this: nothing up to it is left out, and nothing new can come there any more. Less than
    /// what commits were answered with and hints told of, as long as a commit with a smaller number is under way.
    pub until: Sequence,
    /// There is nothing more to be told at the moment.
    pub is_all: bool,
}

impl Changes {
    /// What was found with this limit in a log that is settled up to there.
    pub fn found(list: Vec<Change>, limit: usize, settled: Sequence) -> Self {
        let is_all = list.len() < limit.max(1);
        let told = list.last().map(|change| change.sequence);
        let until = told.map_or(settled, |told| if is_all { told.max(settled) } else { told });
        Self { list, until, is_all }
    }
}

/// Which events are wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventQuery {
    /// Only events after this id.
    pub after: u64,
    /// Only about this subject.
    pub subject: Option<String>,
    /// At most so many.
    pub limit: usize,
}

/// An event with its place in the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredEvent {
    /// Larger is later.
    pub id: u64,
    /// The event.
    pub event: Event,
}

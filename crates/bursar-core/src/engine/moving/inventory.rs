//! What a store holds, in a form that two stores can be compared by: a count and a digest for each kind and space.

use std::collections::BTreeMap;
use std::fmt;
use std::io::{self, Write};

use aws_lc_rs::digest::{SHA256, digest};
use jiff::Timestamp;
use serde::Deserialize;

use crate::ports::store::{Store, StoreError};

/// What a store holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Inventory(BTreeMap<Shelf, Pile>);

/// Records that leave together: of one space and kind, and of one hour in which they expire.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Shelf {
    space: String,
    /// Events have none.
    kind: Option<String>,
    /// Of the Unix epoch; `None`: they stay.
    hour: Option<i64>,
}

/// How many there are, and what they are, in whatever order they came.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Pile {
    count: u64,
    sum: [u64; 4],
}

/// Two stores do not hold the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// Empty: of the installation itself.
    pub space: String,
    /// `event`, or the name of a kind.
    pub kind: String,
    /// How many the first store holds.
    pub here: u64,
    /// How many the other one holds; the same number: they are not the same ones.
    pub there: u64,
}

impl Inventory {
    /// Of everything durable in a store.
    pub(super) async fn of(store: &dyn Store) -> Result<Self, StoreError> {
        let mut taking = Taking::default();
        store.backup(&mut taking).await?;
        Ok(taking.inventory)
    }

    /// How many records and events there are of each kind, by its name.
    pub(super) fn counts(&self) -> BTreeMap<String, u64> {
        let mut counts = BTreeMap::new();
        for (shelf, pile) in &self.0 {
            *counts.entry(shelf.name().to_owned()).or_default() += pile.count;
        }
        counts
    }

    /// The first difference to what `other` holds, apart from what may have expired by `now`.
    pub(super) fn difference(&self, other: &Self, now: Timestamp) -> Option<Difference> {
        let alive = |shelf: &&Shelf| shelf.hour.is_none_or(|hour| hour > hour_of(now));
        let shelves = self.0.keys().chain(other.0.keys()).filter(alive);
        let pile = |inventory: &Self, shelf: &Shelf| inventory.0.get(shelf).copied().unwrap_or_default();
        shelves.map(|shelf| (shelf, pile(self, shelf), pile(other, shelf))).find_map(
            |(shelf, here, there)| {
                (here != there).then(|| Difference {
                    space: shelf.space.clone(),
                    kind: shelf.name().to_owned(),
                    here: here.count,
                    there: there.count,
                })
            },
        )
    }

    fn take(&mut self, line: &[u8]) -> io::Result<()> {
        let read: Line = serde_json::from_slice(line).map_err(io::Error::other)?;
        let place = match read {
            Line { record: Some(record), .. } => {
                Shelf { space: record.space, kind: Some(record.kind), hour: record.expires_at.map(hour_of) }
            }
            Line { event: Some(event), .. } => Shelf { space: event.space, kind: None, hour: None },
            // Header and end.
            _ => return Ok(()),
        };
        let pile = self.0.entry(place).or_default();
        pile.count += 1;
        let digest = digest(&SHA256, line);
        for (sum, part) in pile.sum.iter_mut().zip(digest.as_ref().chunks_exact(8)) {
            let part = part.try_into().map(u64::from_be_bytes).unwrap_or_default();
            *sum = sum.wrapping_add(part);
        }
        Ok(())
    }
}

impl Shelf {
    fn name(&self) -> &str {
        self.kind.as_deref().unwrap_or("event")
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { space, kind, here, there } = self;
        let place = if space.is_empty() { "the installation" } else { space };
        if here == there {
            write!(formatter, "{here} records of kind {kind} in {place}, but others")
        } else {
            write!(formatter, "{there} records of kind {kind} in {place} instead of {here}")
        }
    }
}

/// Takes an inventory of a backup that is written to it.
#[derive(Default)]
struct Taking {
    inventory: Inventory,
    line: Vec<u8>,
}

impl Write for Taking {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        for part in bytes.split_inclusive(|byte| *byte == b'\n') {
            self.line.extend_from_slice(part);
            if part.ends_with(b"\n") {
                self.inventory.take(&self.line)?;
                self.line.clear();
            }
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// As much of a line of the format of [`crate::ports::backup`] as says where it belongs.
#[derive(Deserialize)]
struct Line {
    record: Option<RecordLine>,
    event: Option<EventLine>,
}

#[derive(Deserialize)]
struct RecordLine {
    space: String,
    kind: String,
    expires_at: Option<Timestamp>,
}

#[derive(Deserialize)]
struct EventLine {
    space: String,
}

fn hour_of(time: Timestamp) -> i64 {
    time.as_second().div_euclid(3600)
}

//! What the writer knows of records without looking: everything but their content.
//!
//! Known as long as nobody else writes: a commit of another process changes the number of the last commit, and whoever
//! finds it changed forgets everything. Only expiry happens without a commit, and is judged by the record's own time.

use std::collections::HashMap;

use bursar_core::ports::store::{Kind, Space, Version};
use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, params};

use super::reader::number;
use super::schema::Statements;

/// Everything of a record that an index or an expectation is about. Times in milliseconds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) version: Version,
    pub(super) due_at: Option<i64>,
    pub(super) expires_at: Option<i64>,
    /// In the order of their declaration.
    pub(super) indexes: Vec<Option<String>>,
}

/// The heads of records that were written or asked for lately.
#[derive(Debug, Default)]
pub(super) struct Heads {
    known: HashMap<&'static str, HashMap<String, Head>>,
    count: usize,
    name: String,
}

impl Head {
    /// Whether the record exists at `now`.
    pub(super) fn is_live(&self, now: Timestamp) -> bool {
        self.expires_at.is_none_or(|expires_at| expires_at > now.as_millisecond())
    }
}

impl Heads {
    /// Forgets everything.
    pub(super) fn clear(&mut self) {
        self.known.clear();
        self.count = 0;
    }

    /// The head of a record, expired or not.
    pub(super) fn find(
        &mut self,
        connection: &Connection,
        statements: &Statements,
        kind: &'static Kind,
        space: &Space,
        key: &str,
    ) -> Result<Option<&Head>, rusqlite::Error> {
        self.name(space, key);
        // Looked up twice where it is known: once for whether, once for what; anything else borrows for too long.
        let is_known = self.known.get(kind.name).is_some_and(|heads| heads.contains_key(&self.name));
        if !is_known {
            let mut statement = connection.prepare_cached(&statements.head)?;
            let head = statement.query_one(params![space.as_str(), key], |row| {
                let index = |position| row.get(FIXED + position);
                Ok(Head {
                    version: Version(number(row, 0)?),
                    due_at: row.get(1)?,
                    expires_at: row.get(2)?,
                    indexes: (0..kind.indexes.len()).map(index).collect::<Result<_, _>>()?,
                })
            });
            let Some(head) = head.optional()? else { return Ok(None) };
            self.keep(kind, space, key, head);
            self.name(space, key);
        }
        Ok(self.known.get(kind.name).and_then(|heads| heads.get(&self.name)))
    }

    /// Notes what was written.
    pub(super) fn keep(&mut self, kind: &'static Kind, space: &Space, key: &str, head: Head) {
        if self.count >= MOST_KEPT {
            self.clear();
        }
        self.name(space, key);
        let heads = self.known.entry(kind.name).or_default();
        if let Some(known) = heads.get_mut(&self.name) {
            *known = head;
        } else {
            heads.insert(self.name.clone(), head);
            self.count += 1;
        }
    }

    /// Notes what was removed.
    pub(super) fn lose(&mut self, kind: &'static Kind, space: &Space, key: &str) {
        self.name(space, key);
        let lost = self.known.get_mut(kind.name).and_then(|heads| heads.remove(&self.name));
        self.count -= usize::from(lost.is_some());
    }

    fn name(&mut self, space: &Space, key: &str) {
        self.name.clear();
        self.name.push_str(space.as_str());
        // In no space's name.
        self.name.push('\0');
        self.name.push_str(key);
    }
}

/// Columns of a head before its indexes.
const FIXED: usize = 3;

/// Some hundred bytes each.
const MOST_KEPT: usize = 10_000;

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
    known: HashMap<String, Head>,
    /// Of whichever is looked for: one buffer for all of them.
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
        self.name(kind, space, key);
        // Looked up twice where it is known: once for whether, once for what; anything else borrows for too long.
        if !self.known.contains_key(&self.name) {
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
            self.keep_named(head);
        }
        Ok(self.known.get(&self.name))
    }

    /// Notes what was written.
    pub(super) fn keep(&mut self, kind: &'static Kind, space: &Space, key: &str, head: Head) {
        self.name(kind, space, key);
        self.keep_named(head);
    }

    /// Notes what was removed.
    pub(super) fn lose(&mut self, kind: &'static Kind, space: &Space, key: &str) {
        self.name(kind, space, key);
        self.known.remove(&self.name);
    }

    fn keep_named(&mut self, head: Head) {
        if let Some(known) = self.known.get_mut(&self.name) {
            *known = head;
            return;
        }
        if self.known.len() >= MOST_KEPT {
            self.clear();
        }
        self.known.insert(self.name.clone(), head);
    }

    fn name(&mut self, kind: &'static Kind, space: &Space, key: &str) {
        self.name.clear();
        // The zero bytes are in no kind's name and in no space's.
        for part in [kind.name, "\0", space.as_str(), "\0", key] {
            self.name.push_str(part);
        }
    }
}

/// Columns of a head before its indexes.
const FIXED: usize = 3;

/// Some hundred bytes each.
const MOST_KEPT: usize = 10_000;

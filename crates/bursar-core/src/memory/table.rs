//! One kind's records in one space, with the orders they are read in.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

use jiff::Timestamp;

use crate::ports::store::{Due, Page, Record, Tally};

/// Records by key, and by everything else they are looked for.
#[derive(Debug, Default)]
pub(super) struct Table {
    rows: BTreeMap<String, Row>,
    /// Index name to (value, key).
    by_index: BTreeMap<String, BTreeSet<(String, String)>>,
    by_due: BTreeSet<(Timestamp, String)>,
    by_expiry: BTreeSet<(Timestamp, String)>,
}

/// A record with the values it is indexed under.
#[derive(Clone, Debug)]
pub(super) struct Row {
    pub(super) record: Record,
    pub(super) indexes: BTreeMap<String, String>,
}

impl Row {
    /// Whether the record still exists at `now`.
    pub(super) fn is_live(&self, now: Timestamp) -> bool {
        self.record.expires_at.is_none_or(|expires_at| expires_at > now)
    }
}

impl Table {
    /// The record under `key`, unless it has expired.
    pub(super) fn live(&self, key: &str, now: Timestamp) -> Option<&Record> {
        self.rows.get(key).filter(|row| row.is_live(now)).map(|row| &row.record)
    }

    /// Live rows in key order.
    pub(super) fn rows(&self, now: Timestamp) -> impl Iterator<Item = &Row> {
        self.rows.values().filter(move |row| row.is_live(now))
    }

    /// A page of all live records.
    pub(super) fn list(&self, page: &Page, now: Timestamp) -> Vec<Record> {
        let start = page.after.as_deref().map_or(Bound::Unbounded, Bound::Excluded);
        let rows = self.rows.range::<str, _>((start, Bound::Unbounded)).map(|(_, row)| row);
        rows.filter(|row| row.is_live(now)).take(page.limit).map(|row| row.record.clone()).collect()
    }

    /// A page of the live records whose `index` is `value`.
    pub(super) fn find(&self, index: &str, value: &str, page: &Page, now: Timestamp) -> Vec<Record> {
        let Some(entries) = self.by_index.get(index) else { return Vec::new() };
        let after = (value.to_owned(), page.after.clone().unwrap_or_default());
        // Without `after`, the empty key itself is the first that may appear.
        let start = if page.after.is_some() { Bound::Excluded(after) } else { Bound::Included(after) };
        let keys = entries.range((start, Bound::Unbounded)).take_while(|(found, _)| found == value);
        keys.filter_map(|(_, key)| self.live(key, now)).take(page.limit).cloned().collect()
    }

    /// What is due by `until`, and when the first record beyond that falls due.
    pub(super) fn due(&self, until: Timestamp, limit: usize, now: Timestamp) -> Due {
        let mut records = Vec::new();
        for (due_at, key) in &self.by_due {
            let Some(record) = self.live(key, now) else { continue };
            if *due_at > until || records.len() == limit {
                return Due { records, next: Some(*due_at) };
            }
            records.push(record.clone());
        }
        Due { records, next: None }
    }

    /// Replaces whatever is under the record's key.
    pub(super) fn put(&mut self, row: Row) {
        let key = row.record.key.clone();
        self.remove(&key);
        for (index, value) in &row.indexes {
            self.by_index.entry(index.clone()).or_default().insert((value.clone(), key.clone()));
        }
        if let Some(due_at) = row.record.due_at {
            self.by_due.insert((due_at, key.clone()));
        }
        if let Some(expires_at) = row.record.expires_at {
            self.by_expiry.insert((expires_at, key.clone()));
        }
        self.rows.insert(key, row);
    }

    /// Removes whatever is under `key`.
    pub(super) fn remove(&mut self, key: &str) {
        let Some(row) = self.rows.remove(key) else { return };
        for (index, value) in row.indexes {
            if let Some(entries) = self.by_index.get_mut(&index) {
                entries.remove(&(value, key.to_owned()));
            }
        }
        if let Some(due_at) = row.record.due_at {
            self.by_due.remove(&(due_at, key.to_owned()));
        }
        if let Some(expires_at) = row.record.expires_at {
            self.by_expiry.remove(&(expires_at, key.to_owned()));
        }
    }

    /// How many records are alive at `now`, and how many are not.
    pub(super) fn tally(&self, now: Timestamp) -> Tally {
        let expired = self.by_expiry.iter().take_while(|(expires_at, _)| *expires_at <= now).count();
        let size = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
        Tally { alive: size(self.rows.len().saturating_sub(expired)), expired: size(expired) }
    }

    /// Removes at most `limit` records that expired by `now`.
    pub(super) fn expire(&mut self, limit: usize, now: Timestamp) -> usize {
        let expired = self.by_expiry.iter().take_while(|(expires_at, _)| *expires_at <= now).take(limit);
        let keys: Vec<String> = expired.map(|(_, key)| key.clone()).collect();
        for key in &keys {
            self.remove(key);
        }
        keys.len()
    }
}

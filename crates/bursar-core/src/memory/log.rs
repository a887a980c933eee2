//! What a space remembers besides its records: commits, changes, events and counters, each within bounds.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::ports::event::Event;
use crate::ports::store::{Change, CommitId, Count, EventQuery, Sequence, StoreError, StoredEvent};
use crate::ports::store_time::{to_millisecond, window_end};

/// The logs of one space.
#[derive(Debug, Default)]
pub(super) struct Log {
    commits: HashMap<CommitId, Sequence>,
    commit_order: VecDeque<(Timestamp, CommitId)>,
    changes: VecDeque<(Timestamp, Change)>,
    events: VecDeque<StoredEvent>,
    counters: HashMap<String, Counter>,
    counter_ends: BTreeSet<(Timestamp, String)>,
}

#[derive(Debug)]
struct Counter {
    window: Duration,
    ends_at: Timestamp,
    value: u64,
}

impl Log {
    /// Remembers that `id` was committed.
    pub(super) fn record_commit(&mut self, id: CommitId, sequence: Sequence, now: Timestamp) {
        let forgotten = now.saturating_sub(REMEMBERED).unwrap_or(Timestamp::MIN);
        for _ in 0..TIDIED_AT_ONCE {
            if self.commit_order.front().is_some_and(|(at, _)| *at < forgotten)
                && let Some((_, old)) = self.commit_order.pop_front()
            {
                self.commits.remove(&old);
            }
            if self.changes.front().is_some_and(|(at, _)| *at < forgotten) {
                self.changes.pop_front();
            }
        }
        self.commit_order.push_back((now, id.clone()));
        self.commits.insert(id, sequence);
    }

    /// The sequence `id` was committed at.
    pub(super) fn outcome(&self, id: &CommitId) -> Option<Sequence> {
        self.commits.get(id).copied()
    }

    /// Announces a change.
    pub(super) fn record_change(&mut self, change: Change, now: Timestamp) {
        self.changes.push_back((now, change));
    }

    /// Changes after `after`; the last commit is told whole.
    pub(super) fn changes(&self, after: Sequence, limit: usize) -> Vec<Change> {
        let start = self.changes.partition_point(|(_, change)| change.sequence <= after);
        let mut found: Vec<Change> = Vec::new();
        for (_, change) in self.changes.range(start..) {
            let new_commit = found.last().is_none_or(|last| last.sequence != change.sequence);
            if found.len() >= limit && new_commit {
                break;
            }
            found.push(change.clone());
        }
        found
    }

    /// Appends an event under `id`.
    pub(super) fn record_event(&mut self, id: u64, event: Event) {
        if self.events.len() == EVENTS_KEPT {
            self.events.pop_front();
        }
        let at = to_millisecond(event.at);
        self.events.push_back(StoredEvent { id, event: Event { at, ..event } });
    }

    /// Events in order.
    pub(super) fn events(&self, query: &EventQuery) -> Vec<StoredEvent> {
        let start = self.events.partition_point(|stored| stored.id <= query.after);
        let wanted =
            |stored: &&StoredEvent| query.subject.as_ref().is_none_or(|it| *it == stored.event.subject);
        self.events.range(start..).filter(wanted).take(query.limit).cloned().collect()
    }

    /// Removes those of the `limit` oldest events that are from before `before`.
    pub(super) fn forget_events(&mut self, before: Timestamp, limit: usize) -> usize {
        let rest = self.events.split_off(limit.min(self.events.len()));
        let looked_at = self.events.len();
        self.events.retain(|stored| stored.event.at >= before);
        let forgotten = looked_at - self.events.len();
        self.events.extend(rest);
        forgotten
    }

    /// Adds to a counter.
    pub(super) fn count(
        &mut self,
        name: &str,
        by: u64,
        window: Duration,
        now: Timestamp,
    ) -> Result<Count, StoreError> {
        let resets_at = window_end(window, now)?;
        self.forget_ended_counters(now);
        let old = self
            .counters
            .get(name)
            .filter(|counter| counter.window == window && counter.ends_at == resets_at);
        // Every backend counts in signed 64 bits and stops at the top.
        let value = old.map_or(0, |counter| counter.value).saturating_add(by).min(i64::MAX.unsigned_abs());
        let counter = Counter { window, ends_at: resets_at, value };
        if let Some(replaced) = self.counters.insert(name.to_owned(), counter) {
            self.counter_ends.remove(&(replaced.ends_at, name.to_owned()));
        }
        self.counter_ends.insert((resets_at, name.to_owned()));
        Ok(Count { value, resets_at })
    }

    fn forget_ended_counters(&mut self, now: Timestamp) {
        for _ in 0..TIDIED_AT_ONCE {
            if self.counter_ends.first().is_none_or(|(ends_at, _)| *ends_at > now) {
                return;
            }
            if let Some((_, name)) = self.counter_ends.pop_first() {
                self.counters.remove(&name);
            }
        }
    }
}

/// How long commits and changes are remembered.
const REMEMBERED: SignedDuration = SignedDuration::from_hours(24);

/// More than one goes for each that comes, so the rest shrinks, and no single call pays for many.
const TIDIED_AT_ONCE: usize = 4;

/// About 50 MB; whoever needs a longer audit log needs a store that outlives the process.
const EVENTS_KEPT: usize = 100_000;

//! Who wakes whom: commits of this process at once, those of others when somebody looks.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bursar_core::ports::store::Sequence;
use tokio::sync::watch;

use crate::hearing::Hearing;

/// Where wake-ups come together.
#[derive(Debug)]
pub(super) struct Hints {
    watchers: watch::Sender<u64>,
    /// The last commit that watchers were woken for.
    last: AtomicU64,
    /// Somebody looks for commits of others.
    hearing: Hearing,
}

impl Hints {
    /// Nobody looks for commits of others yet.
    pub(super) fn new() -> Self {
        Self { watchers: watch::Sender::new(0), last: AtomicU64::new(0), hearing: Hearing::not_begun() }
    }

    /// Hears of every wake-up.
    pub(super) fn subscribe(&self) -> watch::Receiver<u64> {
        self.watchers.subscribe()
    }

    /// The file stands there now. Not only further on: a file that was put in the old one's place counts from its own
    /// beginning.
    pub(super) fn stands_at(&self, sequence: Sequence) {
        if self.last.swap(sequence, Ordering::AcqRel) != sequence {
            self.watchers.send_modify(|hints| *hints += 1);
        }
    }

    /// Somebody has looked, and goes on doing so.
    pub(super) fn looked(&self, now: Duration) {
        self.hearing.heard(now);
    }

    /// Whether whoever looks has seen nothing for too long.
    pub(super) fn is_deaf(&self, now: Duration) -> bool {
        self.hearing.is_lost(now)
    }
}

//! Whether a store still hears of what other processes commit.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// When the server was last heard, by some stopwatch.
#[derive(Debug)]
pub(crate) struct Hearing(AtomicU64);

impl Hearing {
    /// It has just been heard.
    pub(crate) fn new(now: Duration) -> Self {
        Self(AtomicU64::new(milliseconds(now)))
    }

    /// Nobody listens yet, and nobody goes by silence.
    pub(crate) fn not_begun() -> Self {
        Self(AtomicU64::new(u64::MAX))
    }

    /// The server has answered.
    pub(crate) fn heard(&self, now: Duration) {
        self.0.store(milliseconds(now), Ordering::Release);
    }

    /// Whether it was heard too long ago for silence to mean anything.
    pub(crate) fn is_lost(&self, now: Duration) -> bool {
        let silent = milliseconds(now).saturating_sub(self.0.load(Ordering::Acquire));
        silent > milliseconds(LONGEST_SILENCE)
    }
}

fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// Less than the five seconds after which nobody may go by what he knows, and twice as long as the longest time between
/// two looks.
const LONGEST_SILENCE: Duration = Duration::from_secs(4);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn silence_means_nothing_after_four_seconds() {
        let second = Duration::from_secs(1);
        let hearing = Hearing::new(10 * second);
        assert!(!hearing.is_lost(14 * second));
        assert!(hearing.is_lost(15 * second));
        hearing.heard(15 * second);
        assert!(!hearing.is_lost(15 * second));
        assert!(!hearing.is_lost(9 * second));
        assert!(!Hearing::not_begun().is_lost(1_000_000 * second));
    }
}

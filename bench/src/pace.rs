//! A fixed pace: so many times a second, however long each takes.

use std::time::Duration;

use anyhow::Result;
use bursar::system::SystemClock;
use bursar_core::ports::clock::Clock as _;

/// Does something `count` times at `rate` a second. Each is told its number and the moment of the stopwatch at which it
/// should begin: whoever is late because the one before was slow, counts that too.
pub(crate) fn paced(
    rate: u32,
    count: usize,
    mut work: impl FnMut(usize, Duration) -> Result<()>,
) -> Result<()> {
    let start = SystemClock.stopwatch();
    let between = Duration::from_secs(1) / rate;
    let mut at = start;
    for number in 0..count {
        at += between;
        // The system wakes sleepers late, so the rest is waited for awake.
        if let Some(asleep) = at.saturating_sub(SystemClock.stopwatch()).checked_sub(AWAKE) {
            std::thread::sleep(asleep);
        }
        while SystemClock.stopwatch() < at {
            std::hint::spin_loop();
        }
        work(number, at)?;
    }
    Ok(())
}

/// Numbers below a limit, in an order that repeats late: enough to touch everything alike.
#[derive(Debug)]
pub(crate) struct Shuffled {
    state: u64,
    limit: u64,
}

impl Shuffled {
    /// Numbers below `limit`.
    pub(crate) fn below(limit: usize) -> Self {
        Self { state: 1, limit: u64::try_from(limit).unwrap_or(u64::MAX) }
    }

    /// The next.
    pub(crate) fn next(&mut self) -> usize {
        // Knuth's linear congruential generator; its upper bits are good enough.
        self.state =
            self.state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from((self.state >> 33) % self.limit).unwrap_or_default()
    }
}

/// Longer than the system is late by habit.
const AWAKE: Duration = Duration::from_micros(300);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shuffled_numbers_stay_below_their_limit_and_differ() {
        let mut shuffled = Shuffled::below(1000);
        let numbers: std::collections::BTreeSet<usize> = (0..2000).map(|_| shuffled.next()).collect();
        assert!(numbers.iter().all(|number| *number < 1000));
        assert!(numbers.len() > 800, "{}", numbers.len());
    }

    #[test]
    fn work_begins_at_its_moment_in_order() {
        let mut seen = Vec::new();
        let start = SystemClock.stopwatch();
        paced(1000, 5, |number, at| {
            seen.push((number, at >= start, SystemClock.stopwatch() >= at));
            Ok(())
        })
        .unwrap();
        assert_eq!(seen, (0..5).map(|number| (number, true, true)).collect::<Vec<_>>());
    }
}

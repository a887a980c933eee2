//! Notices that the wall clock and the stopwatch have parted: the machine slept, or somebody set the clock.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::ports::clock::Clock;

/// What happened to time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Jump {
    /// Much time has passed at once.
    Ahead,
    /// It is earlier than it was.
    Back,
}

/// Remembers when it last looked.
#[derive(Debug)]
pub(super) struct Watchman {
    wall: Timestamp,
    stopwatch: Duration,
}

impl Watchman {
    /// Looks for the first time.
    pub(super) fn starting(clock: &dyn Clock) -> Self {
        Self { wall: clock.now(), stopwatch: clock.stopwatch() }
    }

    /// Looks again, after a rest that should have lasted `planned` at most.
    pub(super) fn look(&mut self, clock: &dyn Clock, planned: Duration) -> Option<Jump> {
        let before = std::mem::replace(self, Self::starting(clock));
        let passed = self.stopwatch.saturating_sub(before.stopwatch);
        let on_the_wall = self.wall.duration_since(before.wall);
        let apart = on_the_wall - SignedDuration::try_from(passed).unwrap_or(SignedDuration::MAX);
        if apart < -BELIEVABLE {
            Some(Jump::Back)
        } else if apart > BELIEVABLE || passed > planned + LATE {
            // A stopwatch that counts sleep, or a process that was stopped, shows as a rest that lasted too long.
            Some(Jump::Ahead)
        } else {
            None
        }
    }
}

/// Clocks are corrected by less than this all the time.
const BELIEVABLE: SignedDuration = SignedDuration::from_secs(5);
/// No busy machine is so late.
const LATE: Duration = Duration::from_secs(2);

//! A clock that moves only when it is told to.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use jiff::{SignedDuration, Timestamp};
use tokio::sync::{Notify, oneshot};

use crate::ports::clock::Clock;

/// Time under a test's control: nothing passes until [`ManualClock::advance`] says so.
///
/// Clones share the same time.
#[derive(Clone, Debug)]
pub struct ManualClock {
    state: Arc<Mutex<State>>,
    fell_asleep: Arc<Notify>,
}

#[derive(Debug)]
struct State {
    now: Timestamp,
    stopwatch: Duration,
    sleepers: Vec<Sleeper>,
}

/// Dropping the other end, together with its future, is how a sleeper goes away early.
#[derive(Debug)]
struct Sleeper {
    wakes_at: Duration,
    alarm: oneshot::Sender<()>,
}

impl ManualClock {
    /// A clock standing still at `now`, its stopwatch at zero.
    pub fn new(now: Timestamp) -> Self {
        let state = State { now, stopwatch: Duration::ZERO, sleepers: Vec::new() };
        Self { state: Arc::new(Mutex::new(state)), fell_asleep: Arc::new(Notify::new()) }
    }

    /// Lets `duration` pass, on the wall and on the stopwatch, and wakes everybody whose time has come.
    pub fn advance(&self, duration: Duration) {
        let mut state = self.state();
        state.stopwatch = state.stopwatch.saturating_add(duration);
        let passed = SignedDuration::try_from(duration).unwrap_or(SignedDuration::MAX);
        state.now = state.now.saturating_add(passed).unwrap_or(Timestamp::MAX);
        let reached = state.stopwatch;
        let (woken, asleep) = state.sleepers.drain(..).partition(|sleeper| sleeper.wakes_at <= reached);
        state.sleepers = asleep;
        drop(state);
        let woken: Vec<Sleeper> = woken;
        for sleeper in woken {
            // A sleeper that has just been dropped hears nothing, which is fine.
            let _ = sleeper.alarm.send(());
        }
    }

    /// Moves only the wall clock, as an operator or NTP would; nobody wakes.
    pub fn jump(&self, by: SignedDuration) {
        let mut state = self.state();
        let end = if by.is_negative() { Timestamp::MIN } else { Timestamp::MAX };
        state.now = state.now.saturating_add(by).unwrap_or(end);
    }

    /// How many sleep now.
    pub fn sleepers(&self) -> usize {
        self.state().sleepers.iter().filter(|sleeper| !sleeper.alarm.is_closed()).count()
    }

    /// Completes once at least `count` sleep at the same time, so that a test knows when to advance.
    pub async fn sleepers_reach(&self, count: usize) {
        loop {
            let fell_asleep = self.fell_asleep.notified();
            futures::pin_mut!(fell_asleep);
            // Listening starts before looking, or a sleeper in between would be missed.
            fell_asleep.as_mut().enable();
            if self.sleepers() >= count {
                return;
            }
            fell_asleep.await;
        }
    }

    /// A poisoned lock means that another test thread failed an assertion; the time in it is still right.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        self.state().now
    }

    fn stopwatch(&self) -> Duration {
        self.state().stopwatch
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        if duration.is_zero() {
            return futures::future::ready(()).boxed();
        }
        let (alarm, heard) = oneshot::channel();
        let mut state = self.state();
        let wakes_at = state.stopwatch.saturating_add(duration);
        state.sleepers.retain(|sleeper| !sleeper.alarm.is_closed());
        state.sleepers.push(Sleeper { wakes_at, alarm });
        drop(state);
        self.fell_asleep.notify_waiters();
        async move {
            if heard.await.is_err() {
                // The clock is gone, so no time will ever pass again.
                futures::future::pending::<()>().await;
            }
        }
        .boxed()
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt as _;
    use futures::executor::block_on;

    use super::*;

    #[test]
    fn sleeper_wakes_when_its_time_comes_and_not_before() {
        let clock = ManualClock::new(Timestamp::UNIX_EPOCH);
        let mut sleep = clock.sleep(Duration::from_secs(10));
        clock.advance(Duration::from_secs(9));
        assert!((&mut sleep).now_or_never().is_none());
        assert_eq!(clock.sleepers(), 1);
        clock.advance(Duration::from_secs(1));
        assert!(sleep.now_or_never().is_some());
        assert_eq!(clock.sleepers(), 0);
        assert_eq!(clock.now(), Timestamp::from_second(10).unwrap());
        assert_eq!(clock.stopwatch(), Duration::from_secs(10));
    }

    #[test]
    fn jump_moves_the_wall_clock_only() {
        let clock = ManualClock::new(Timestamp::UNIX_EPOCH);
        let sleep = clock.sleep(Duration::from_secs(1));
        clock.jump(SignedDuration::from_hours(24));
        assert_eq!(clock.now(), Timestamp::from_second(86_400).unwrap());
        assert_eq!(clock.stopwatch(), Duration::ZERO);
        assert!(sleep.now_or_never().is_none());
        clock.jump(SignedDuration::from_hours(-48));
        assert_eq!(clock.now(), Timestamp::from_second(-86_400).unwrap());
    }

    #[test]
    fn dropped_sleeper_no_longer_counts() {
        let clock = ManualClock::new(Timestamp::UNIX_EPOCH);
        let sleep = clock.sleep(Duration::from_secs(1));
        assert_eq!(clock.sleepers(), 1);
        drop(sleep);
        assert_eq!(clock.sleepers(), 0);
    }

    #[test]
    fn test_can_wait_until_somebody_sleeps() {
        let clock = ManualClock::new(Timestamp::UNIX_EPOCH);
        let other = clock.clone();
        let thread = std::thread::spawn(move || block_on(other.sleep(Duration::from_secs(5))));
        block_on(clock.sleepers_reach(1));
        clock.advance(Duration::from_secs(5));
        thread.join().unwrap();
        assert_eq!(clock.sleepers(), 0);
    }
}

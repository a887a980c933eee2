//! Waiting for a state, with a limit that only a broken machine reaches.

use std::time::Duration;

use bursar::system::SystemClock;
use bursar_core::ports::clock::Clock as _;

/// Looks again and again until there is something.
pub(crate) fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let deadline = SystemClock.stopwatch() + Duration::from_secs(30);
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(SystemClock.stopwatch() < deadline, "never happened: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

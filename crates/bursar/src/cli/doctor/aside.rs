//! Questions to the system that may block for long.

use std::time::Duration;

use bursar_core::ports::clock::Clock;
use futures::channel::oneshot;
use futures::future::{Either, select};

/// Runs `work` in a thread of its own; `None` if it has not ended within `limit`. The thread is then left behind: it
/// ends with the process.
pub(super) async fn aside<T: Send + 'static>(
    clock: &dyn Clock,
    limit: Duration,
    work: impl FnOnce() -> T + Send + 'static,
) -> Option<T> {
    let (answer, answered) = oneshot::channel();
    std::thread::spawn(move || answer.send(work()));
    match select(answered, clock.sleep(limit)).await {
        Either::Left((answer, _)) => answer.ok(),
        Either::Right(_) => None,
    }
}

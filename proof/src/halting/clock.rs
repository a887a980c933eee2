//! The machine's clock, some time ahead.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bursar::system::SystemClock;
use bursar_core::ports::clock::Clock;
use futures::future::BoxFuture;
use jiff::{SignedDuration, Timestamp};

use super::checkpoint::{Checkpoint, Place};

/// The machine's clock, moved ahead by a fixed time; its stopwatch and sleeps are the machine's.
#[derive(Clone, Debug)]
pub struct OffsetClock {
    offset: SignedDuration,
    checkpoint: Option<Arc<Checkpoint>>,
}

impl OffsetClock {
    /// A clock that is `offset` ahead.
    pub fn new(offset: SignedDuration) -> Self {
        Self { offset, checkpoint: None }
    }

    /// One that also tells when the program waits and when it gives a wait up.
    pub(super) fn watched(offset: SignedDuration, checkpoint: Arc<Checkpoint>) -> Self {
        Self { offset, checkpoint: Some(checkpoint) }
    }
}

impl Clock for OffsetClock {
    fn now(&self) -> Timestamp {
        SystemClock.now().saturating_add(self.offset).unwrap_or(Timestamp::MAX)
    }

    fn stopwatch(&self) -> Duration {
        SystemClock.stopwatch()
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        let Some(checkpoint) = self.checkpoint.clone() else { return SystemClock.sleep(duration) };
        // The first sleep of a hand-out is either the wait for the lock, or the limit of a renewal of its own.
        checkpoint.pass_blocking(Place::LockAwaited);
        Box::pin(Wait { sleep: SystemClock.sleep(duration), checkpoint, is_over: false })
    }
}

/// A sleep that reports being given up.
struct Wait {
    sleep: BoxFuture<'static, ()>,
    checkpoint: Arc<Checkpoint>,
    is_over: bool,
}

impl Future for Wait {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let poll = self.sleep.as_mut().poll(context);
        self.is_over = poll.is_ready();
        poll
    }
}

impl Drop for Wait {
    fn drop(&mut self) {
        if !self.is_over {
            self.checkpoint.pass_blocking(Place::CallerGone);
        }
    }
}

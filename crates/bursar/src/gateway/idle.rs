//! Notices a peer that has said nothing for too long, at the price of one look at the clock per message.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bursar_core::ports::clock::Clock;
use futures::FutureExt as _;
use futures::future::BoxFuture;

/// When something was heard last, shared by the two directions of an exchange, and by the exchanges of a connection.
#[derive(Clone)]
pub(super) struct Pulse(Arc<Heard>);

struct Heard {
    clock: Arc<dyn Clock>,
    /// In milliseconds of the stopwatch.
    last: AtomicU64,
    /// Rings when a silence could be over at the earliest. It outlasts the exchange that set it: setting one costs more than
    /// all else here, and one that rings too early is set again.
    alarm: Mutex<Option<BoxFuture<'static, ()>>>,
}

impl Pulse {
    pub(super) fn new(clock: Arc<dyn Clock>) -> Self {
        let pulse = Self(Arc::new(Heard { clock, last: AtomicU64::default(), alarm: Mutex::default() }));
        pulse.beat();
        pulse
    }

    /// Something was heard.
    pub(super) fn beat(&self) {
        let now = u64::try_from(self.0.clock.stopwatch().as_millis()).unwrap_or(u64::MAX);
        self.0.last.store(now, Ordering::Relaxed);
    }

    fn silent_for(&self) -> Duration {
        let last = Duration::from_millis(self.0.last.load(Ordering::Relaxed));
        self.0.clock.stopwatch().saturating_sub(last)
    }
}

/// Ends an exchange after a silence.
pub(super) struct Silence {
    pulse: Pulse,
    limit: Duration,
}

impl Silence {
    /// All silences of one pulse have the same limit.
    pub(super) fn new(pulse: Pulse, limit: Duration) -> Self {
        Self { pulse, limit }
    }

    /// Something was heard.
    pub(super) fn broken(&self) {
        self.pulse.beat();
    }

    /// Ready when it has lasted too long. Costs a timer once per limit.
    pub(super) fn poll(&self, context: &mut Context<'_>) -> Poll<()> {
        let mut alarm = self.pulse.0.alarm.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if let Some(alarm) = &mut *alarm {
                ready!(alarm.poll_unpin(context));
            }
            *alarm = None;
            let left = self.limit.saturating_sub(self.pulse.silent_for());
            if left.is_zero() {
                return Poll::Ready(());
            }
            *alarm = Some(self.pulse.0.clock.sleep(left));
        }
    }
}

/// The upstream fell silent.
#[derive(Debug, thiserror::Error)]
#[error("the upstream fell silent")]
pub(super) struct FellSilent;

//! Notices a peer that has said nothing for too long, at the price of one look at the clock per message.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use bursar_core::ports::clock::Clock;
use futures::FutureExt as _;
use futures::future::BoxFuture;

/// When something was heard last, shared by the two directions of an exchange.
#[derive(Clone, Debug)]
pub(super) struct Pulse {
    clock: Arc<dyn Clock>,
    last: Arc<AtomicU64>,
}

impl Pulse {
    pub(super) fn new(clock: Arc<dyn Clock>) -> Self {
        let pulse = Self { clock, last: Arc::default() };
        pulse.beat();
        pulse
    }

    /// Something was heard.
    pub(super) fn beat(&self) {
        let now = u64::try_from(self.clock.stopwatch().as_millis()).unwrap_or(u64::MAX);
        self.last.store(now, Ordering::Relaxed);
    }

    fn silent_for(&self) -> Duration {
        self.clock.stopwatch().saturating_sub(Duration::from_millis(self.last.load(Ordering::Relaxed)))
    }
}

/// Ends an exchange after a silence.
pub(super) struct Silence {
    pulse: Pulse,
    limit: Duration,
    alarm: Option<BoxFuture<'static, ()>>,
}

impl Silence {
    pub(super) fn new(pulse: Pulse, limit: Duration) -> Self {
        Self { pulse, limit, alarm: None }
    }

    /// Something was heard.
    pub(super) fn broken(&self) {
        self.pulse.beat();
    }

    /// Ready when it has lasted too long. Costs a timer only the first time and once per limit.
    pub(super) fn poll(&mut self, context: &mut Context<'_>) -> Poll<()> {
        loop {
            if let Some(alarm) = &mut self.alarm {
                if alarm.poll_unpin(context).is_pending() {
                    return Poll::Pending;
                }
                self.alarm = None;
            }
            let left = self.limit.saturating_sub(self.pulse.silent_for());
            if left.is_zero() {
                return Poll::Ready(());
            }
            self.alarm = Some(self.pulse.clock.sleep(left));
        }
    }
}

/// The upstream fell silent.
#[derive(Debug, thiserror::Error)]
#[error("the upstream fell silent")]
pub(super) struct FellSilent;

//! Counts the exchanges of one connection: from a request's headers to the last byte of its answer.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes};
use bursar_core::ports::clock::Clock;
use hyper::body::{Frame, SizeHint};

/// The exchanges of one connection.
#[derive(Clone, Debug)]
pub(super) struct Exchanges(Arc<Counts>);

#[derive(Debug)]
struct Counts {
    clock: Arc<dyn Clock>,
    begun: AtomicU64,
    ended: AtomicU64,
    /// When the last one ended, in milliseconds of the stopwatch.
    last_end: AtomicU64,
}

/// One under way; ends when it is dropped.
#[derive(Debug)]
pub(super) struct Exchange(Arc<Counts>);

/// The time after some exchange, in which there is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Pause {
    /// How many exchanges there have been.
    pub(super) after: u64,
    /// By the stopwatch.
    pub(super) since: Duration,
}

impl Exchanges {
    /// None yet; the first pause begins now.
    pub(super) fn new(clock: Arc<dyn Clock>) -> Self {
        let last_end = AtomicU64::new(milliseconds(&*clock));
        Self(Arc::new(Counts { clock, begun: AtomicU64::default(), ended: AtomicU64::default(), last_end }))
    }

    pub(super) fn begin(&self) -> Exchange {
        self.0.begun.fetch_add(1, Ordering::Relaxed);
        Exchange(Arc::clone(&self.0))
    }

    /// The pause there is; `None` while one is under way.
    pub(super) fn pause(&self) -> Option<Pause> {
        // What has ended has begun before: read in this order, nothing can seem to be over that is not.
        let ended = self.0.ended.load(Ordering::Acquire);
        let begun = self.0.begun.load(Ordering::Acquire);
        let since = Duration::from_millis(self.0.last_end.load(Ordering::Relaxed));
        (begun == ended).then_some(Pause { after: begun, since })
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        self.0.last_end.store(milliseconds(&*self.0.clock), Ordering::Relaxed);
        self.0.ended.fetch_add(1, Ordering::Release);
    }
}

fn milliseconds(clock: &dyn Clock) -> u64 {
    u64::try_from(clock.stopwatch().as_millis()).unwrap_or(u64::MAX)
}

/// An answer's body; its exchange ends with it.
#[derive(Debug)]
pub(super) struct AnswerBody {
    body: Body,
    _exchange: Exchange,
}

impl AnswerBody {
    pub(super) fn new(body: Body, exchange: Exchange) -> Self {
        Self { body, _exchange: exchange }
    }
}

impl hyper::body::Body for AnswerBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use bursar_core::memory::clock::ManualClock;
    use jiff::Timestamp;

    use super::*;

    #[test]
    fn a_pause_is_when_all_that_began_has_ended() {
        let clock = ManualClock::new(Timestamp::UNIX_EPOCH);
        let (start, second) = (clock.stopwatch(), Duration::from_secs(1));
        let exchanges = Exchanges::new(Arc::new(clock.clone()));
        assert_eq!(exchanges.pause(), Some(Pause { after: 0, since: start }));
        let (one, other) = (exchanges.begin(), exchanges.begin());
        assert_eq!(exchanges.pause(), None);
        drop(one);
        assert_eq!(exchanges.pause(), None);
        clock.advance(second);
        drop(AnswerBody::new(Body::empty(), other));
        clock.advance(second);
        assert_eq!(exchanges.pause(), Some(Pause { after: 2, since: start + second }));
    }
}

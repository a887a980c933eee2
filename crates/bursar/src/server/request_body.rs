//! The body of a request, bounded in size and time whoever reads it.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes};
use bursar_core::ports::clock::Clock;
use futures::FutureExt as _;
use futures::future::BoxFuture;
use hyper::body::{Body as _, Frame, Incoming, SizeHint};

use super::limits::Limits;

/// Why a body was not read to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Cut {
    /// It does not end where it should.
    #[error("the request's body is too large")]
    TooLarge,
    /// It does not come.
    #[error("the request's body does not come in time")]
    TooSlow,
}

/// Where a body leaves word of its fate, so that the answer can tell it whatever the reader made of it.
#[derive(Clone, Debug, Default)]
pub(super) struct Fate(Arc<AtomicU8>);

impl Fate {
    pub(super) fn cut(&self) -> Option<Cut> {
        match self.0.load(Ordering::Relaxed) {
            TOO_LARGE => Some(Cut::TooLarge),
            TOO_SLOW => Some(Cut::TooSlow),
            _ => None,
        }
    }

    fn seal(&self, cut: Cut) {
        let word = match cut {
            Cut::TooLarge => TOO_LARGE,
            Cut::TooSlow => TOO_SLOW,
        };
        self.0.store(word, Ordering::Relaxed);
    }
}

/// `body` within its bounds, and where to read its fate; `None`: there is no body.
///
/// # Errors
/// It says itself that it is too large.
pub(super) fn bounded(
    body: Incoming,
    limits: &Limits,
    clock: &Arc<dyn Clock>,
) -> Result<Option<(Body, Fate)>, Cut> {
    if body.is_end_stream() {
        return Ok(None);
    }
    if body.size_hint().lower() > limits.body_bytes {
        return Err(Cut::TooLarge);
    }
    let fate = Fate::default();
    let end = clock.stopwatch().saturating_add(limits.body_time);
    let (clock, fate_told) = (Arc::clone(clock), fate.clone());
    let bounded = Bounded { body, left: limits.body_bytes, end, clock, alarm: None, fate: fate_told };
    Ok(Some((Body::new(bounded), fate)))
}

struct Bounded {
    body: Incoming,
    left: u64,
    end: Duration,
    clock: Arc<dyn Clock>,
    /// Set when something is waited for: most bodies come with their head.
    alarm: Option<BoxFuture<'static, ()>>,
    fate: Fate,
}

impl Bounded {
    fn cut(&self, cut: Cut) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        self.fate.seal(cut);
        Poll::Ready(Some(Err(BodyError::Cut(cut))))
    }
}

/// A body cannot be read.
#[derive(Debug, thiserror::Error)]
enum BodyError {
    #[error(transparent)]
    Cut(Cut),
    #[error("the request's body was broken off")]
    Broken(#[source] hyper::Error),
}

impl hyper::body::Body for Bounded {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        if let Some(cut) = self.fate.cut() {
            return self.cut(cut);
        }
        match Pin::new(&mut self.body).poll_frame(context) {
            Poll::Ready(Some(Ok(frame))) => {
                let length = frame.data_ref().map_or(0, |data| data.len() as u64);
                let Some(left) = self.left.checked_sub(length) else {
                    return self.cut(Cut::TooLarge);
                };
                self.left = left;
                Poll::Ready(Some(Ok(frame)))
            }
            Poll::Ready(other) => Poll::Ready(other.map(|frame| frame.map_err(BodyError::Broken))),
            Poll::Pending => {
                let this = &mut *self;
                let alarm = this
                    .alarm
                    .get_or_insert_with(|| this.clock.sleep(this.end.saturating_sub(this.clock.stopwatch())));
                if alarm.poll_unpin(context).is_pending() { Poll::Pending } else { self.cut(Cut::TooSlow) }
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

const TOO_LARGE: u8 = 1;
const TOO_SLOW: u8 = 2;

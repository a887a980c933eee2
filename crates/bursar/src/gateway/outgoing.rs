//! The body of a request on its way to the upstream: at hand, or passed on as it comes.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use hyper::body::{Body, Bytes, Frame, Incoming, SizeHint};

use super::idle::Pulse;

/// A request's body.
pub(super) enum Outgoing {
    /// All of it.
    Whole(Option<Bytes>),
    /// As the caller sends it.
    Passing {
        /// What comes.
        incoming: Incoming,
        /// A caller who still sends keeps the upstream from counting as silent.
        pulse: Pulse,
    },
}

impl Outgoing {
    pub(super) fn whole(bytes: Bytes) -> Self {
        Self::Whole(Some(bytes).filter(|bytes| !bytes.is_empty()))
    }
}

impl Body for Outgoing {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        match self.get_mut() {
            Self::Whole(bytes) => Poll::Ready(bytes.take().map(|bytes| Ok(Frame::data(bytes)))),
            Self::Passing { incoming, pulse } => {
                let frame = ready!(Pin::new(incoming).poll_frame(context));
                pulse.beat();
                Poll::Ready(frame)
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Whole(bytes) => bytes.is_none(),
            Self::Passing { incoming, .. } => incoming.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(bytes) => SizeHint::with_exact(bytes.as_ref().map_or(0, |bytes| bytes.len() as u64)),
            Self::Passing { incoming, .. } => incoming.size_hint(),
        }
    }
}

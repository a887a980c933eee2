//! The body of an upstream's answer as it arrives. When it is through, its connection goes back to where it came from; one
//! that is left half-way has no further use.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use hyper::body::{Body, Bytes, Frame, Incoming, SizeHint};

use super::pool::Loan;

/// What arrives.
pub(super) struct Arriving {
    incoming: Incoming,
    /// Until the end.
    loan: Option<Loan>,
}

impl Arriving {
    pub(super) fn new(incoming: Incoming, loan: Option<Loan>) -> Self {
        let mut arriving = Self { incoming, loan };
        if arriving.incoming.is_end_stream() {
            arriving.is_through();
        }
        arriving
    }

    fn is_through(&mut self) {
        if let Some(loan) = self.loan.take() {
            loan.returned();
        }
    }
}

impl Body for Arriving {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let frame = ready!(Pin::new(&mut self.incoming).poll_frame(context));
        let is_last = match &frame {
            Some(Ok(frame)) => frame.is_trailers() || self.incoming.is_end_stream(),
            Some(Err(_)) => false,
            None => true,
        };
        if is_last {
            self.is_through();
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.incoming.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.incoming.size_hint()
    }
}

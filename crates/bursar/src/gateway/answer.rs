//! The body of an answer on its way to the caller. It carries the request's log line, which is written when the body is
//! through or dropped: both are the end of the exchange.

use std::pin::Pin;
use std::task::{Context, Poll};

use hyper::body::{Body, Bytes, Frame, SizeHint};

use super::arriving::Arriving;
use super::idle::{FellSilent, Silence};
use super::request_log::LogLine;
use super::room::Exchange;

/// An answer's body.
pub(super) struct Answer {
    body: Source,
    line: Option<LogLine>,
}

enum Source {
    Whole(Option<Bytes>),
    Passing { arriving: Arriving, silence: Silence, _exchange: Exchange },
}

/// Why a body ends before its end; the connection is cut then, so that nobody takes it for whole.
pub(super) type AnswerError = Box<dyn std::error::Error + Send + Sync>;

impl Answer {
    /// No body.
    pub(super) fn empty() -> Self {
        Self { body: Source::Whole(None), line: None }
    }

    /// A body at hand.
    pub(super) fn whole(bytes: impl Into<Bytes>) -> Self {
        Self { body: Source::Whole(Some(bytes.into())), line: None }
    }

    /// The upstream's body, as it comes; the exchange is under way as long as it is.
    pub(super) fn passing(arriving: Arriving, silence: Silence, exchange: Exchange) -> Self {
        Self { body: Source::Passing { arriving, silence, _exchange: exchange }, line: None }
    }

    /// The same with a line that is written at its end.
    pub(super) fn logged(self, line: Option<LogLine>) -> Self {
        Self { line, ..self }
    }
}

impl Body for Answer {
    type Data = Bytes;
    type Error = AnswerError;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, AnswerError>>> {
        let answer = self.get_mut();
        let frame = match &mut answer.body {
            Source::Whole(bytes) => bytes.take().map(|bytes| Ok(Frame::data(bytes))),
            Source::Passing { arriving, silence, .. } => match Pin::new(arriving).poll_frame(context) {
                Poll::Ready(frame) => {
                    silence.broken();
                    frame.map(|frame| frame.map_err(Into::into))
                }
                Poll::Pending => match silence.poll(context) {
                    Poll::Ready(()) => Some(Err(FellSilent.into())),
                    Poll::Pending => return Poll::Pending,
                },
            },
        };
        if let (Some(line), Some(Ok(frame))) = (&mut answer.line, &frame)
            && let Some(data) = frame.data_ref()
        {
            line.passed(data.len() as u64);
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        match &self.body {
            Source::Whole(bytes) => bytes.is_none(),
            Source::Passing { arriving, .. } => arriving.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.body {
            Source::Whole(bytes) => {
                SizeHint::with_exact(bytes.as_ref().map_or(0, |bytes| bytes.len() as u64))
            }
            Source::Passing { arriving, .. } => arriving.size_hint(),
        }
    }
}

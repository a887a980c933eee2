//! A caller's connection that is given up when nothing comes, or nothing is taken, for too long.
//!
//! Who dribbles the head of a request has [`Limits::head_time`] for it, who says nothing between two requests
//! [`Limits::idle_time`], and who takes nothing of an answer [`Limits::answer_idle`]. While an exchange is under way,
//! nothing has to come.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bursar_core::ports::clock::Clock;
use futures::FutureExt as _;
use futures::future::BoxFuture;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::exchange::{Exchanges, Pause};
use super::limits::Limits;

/// One connection.
pub(super) struct PacedStream<S> {
    stream: S,
    exchanges: Exchanges,
    clock: Arc<dyn Clock>,
    limits: Paces,
    head: Option<Head>,
    reading: Alarm,
    /// Since when the caller has taken nothing.
    stuck_since: Option<Duration>,
    writing: Alarm,
}

/// The first byte of a request that has not come whole.
#[derive(Clone, Copy, Debug)]
struct Head {
    pause: Pause,
    since: Duration,
}

/// How long each kind of silence may last.
#[derive(Clone, Copy, Debug)]
pub(super) struct Paces {
    head: Option<Duration>,
    idle: Duration,
    answer: Duration,
}

impl Paces {
    /// With HTTP/1.1.
    pub(super) fn of(limits: &Limits) -> Self {
        Self { head: Some(limits.head_time), idle: limits.idle_time, answer: limits.answer_idle }
    }

    /// With HTTP/2, where bytes need not be part of a request: only the whole silence counts.
    pub(super) fn of_frames(limits: &Limits) -> Self {
        Self { head: None, ..Self::of(limits) }
    }
}

impl<S> PacedStream<S> {
    pub(super) fn new(stream: S, exchanges: Exchanges, clock: Arc<dyn Clock>, limits: Paces) -> Self {
        Self {
            stream,
            exchanges,
            limits,
            head: None,
            reading: Alarm::default(),
            stuck_since: None,
            writing: Alarm::default(),
            clock,
        }
    }

    /// Notes that bytes came.
    fn heard(&mut self) {
        if self.limits.head.is_none() {
            return;
        }
        let pause = self.exchanges.pause();
        if pause.is_some_and(|pause| self.head.is_none_or(|head| head.pause != pause)) {
            self.head = pause.map(|pause| Head { pause, since: self.clock.stopwatch() });
        }
    }

    /// Ready when the caller has been silent for too long: the end between two requests, an error in the middle of one.
    fn silence(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Some(pause) = self.exchanges.pause() else {
            // Nobody looks here when the exchange ends, so this alarm does.
            let later = self.clock.stopwatch().saturating_add(self.limits.idle);
            return self.reading.poll(later, &*self.clock, context).map(Ok);
        };
        let head = self.head.filter(|head| head.pause == pause);
        let (since, limit) = match (head, self.limits.head) {
            (Some(head), Some(limit)) => (head.since, limit),
            _ => (pause.since, self.limits.idle),
        };
        let late = self.reading.poll(since.saturating_add(limit), &*self.clock, context);
        late.map(|()| if head.is_some() { Err(io::ErrorKind::TimedOut.into()) } else { Ok(()) })
    }

    fn in_time<T>(&mut self, written: Poll<io::Result<T>>, context: &mut Context<'_>) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.stuck_since = None;
            return written;
        }
        let since = *self.stuck_since.get_or_insert_with(|| self.clock.stopwatch());
        let end = since.saturating_add(self.limits.answer);
        self.writing.poll(end, &*self.clock, context).map(|()| Err(io::ErrorKind::TimedOut.into()))
    }
}

/// Wakes at a moment that mostly moves on before it comes: costs a timer once per limit, not once per message.
#[derive(Default)]
struct Alarm(Option<(Duration, BoxFuture<'static, ()>)>);

impl Alarm {
    fn poll(&mut self, end: Duration, clock: &dyn Clock, context: &mut Context<'_>) -> Poll<()> {
        loop {
            let (at, ringing) = match &mut self.0 {
                Some((at, ringing)) if *at <= end => (*at, ringing),
                unfit => {
                    let left = end.saturating_sub(clock.stopwatch());
                    if left.is_zero() {
                        return Poll::Ready(());
                    }
                    let (_, ringing) = unfit.insert((end, clock.sleep(left)));
                    (end, ringing)
                }
            };
            if ringing.poll_unpin(context).is_pending() {
                return Poll::Pending;
            }
            self.0 = None;
            if at == end {
                return Poll::Ready(());
            }
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for PacedStream<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(context, buffer);
        if read.is_pending() {
            return self.silence(context);
        }
        if buffer.filled().len() > before {
            self.heard();
        }
        read
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for PacedStream<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.in_time(written, context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, slices);
        self.in_time(written, context)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.stream).poll_flush(context);
        // Ready without having done anything is no progress.
        if flushed.is_ready() { flushed } else { self.in_time(flushed, context) }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let shut = Pin::new(&mut self.stream).poll_shutdown(context);
        self.in_time(shut, context)
    }
}

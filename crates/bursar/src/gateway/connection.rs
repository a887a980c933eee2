//! A connection with an upstream, opened and ready: HTTP/1.1 for one exchange at a time, HTTP/2 for all at once.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use bursar_core::ports::tasks::Tasks;
use futures::FutureExt as _;
use futures::future::BoxFuture;
use http::Uri;
use hyper::client::conn::{http1, http2};
use hyper::rt::Executor;
use hyper_util::client::legacy::connect::Connection as _;
use hyper_util::rt::TokioTimer;

use super::dialer::Dialer;
use super::outgoing::Outgoing;

/// What requests are put into.
pub(super) enum Connection {
    /// One exchange after the other.
    Single(http1::SendRequest<Outgoing>),
    /// As many as the upstream takes.
    Shared(http2::SendRequest<Outgoing>),
}

impl Connection {
    /// A new one with `origin`, of the best version the upstream offers, which runs as one of `tasks`.
    pub(super) async fn open(
        dialer: &Dialer,
        origin: &Uri,
        tasks: &Arc<dyn Tasks>,
    ) -> Result<Self, Unanswered> {
        let stream = dialer.dial(origin).await?;
        if stream.connected().is_negotiated_h2() {
            let opening = http2::Builder::new(OnTasks(Arc::clone(tasks)))
                .timer(TokioTimer::new())
                .initial_stream_window_size(STREAM_WINDOW)
                .initial_connection_window_size(CONNECTION_WINDOW)
                .keep_alive_interval(PING_INTERVAL)
                .keep_alive_timeout(PING_TIMEOUT)
                .handshake(stream);
            let (mut sender, running) = opening.await?;
            tasks.spawn(Box::pin(running.map(ended)));
            sender.ready().await?;
            return Ok(Self::Shared(sender));
        }
        let (mut sender, running) = http1::handshake(stream).await?;
        tasks.spawn(Box::pin(running.with_upgrades().map(ended)));
        sender.ready().await?;
        Ok(Self::Single(sender))
    }
}

/// Whoever has a request on the connection is told by its own answer.
fn ended(how: Result<(), hyper::Error>) {
    if let Err(error) = how {
        tracing::debug!(%error, "a connection with an upstream has failed");
    }
}

/// Why there is no answer. The chain of sources names addresses, never tokens.
#[derive(Clone, Debug, thiserror::Error)]
pub(super) enum Unanswered {
    /// The limit for connecting has passed.
    #[error("no connection in time")]
    TimedOut,
    /// The request cannot have been acted upon.
    #[error("no connection")]
    Unreachable(#[source] Arc<dyn Error + Send + Sync>),
    /// Nobody knows what the upstream did.
    #[error("the connection failed")]
    Failed(#[source] Arc<hyper::Error>),
}

impl From<hyper::Error> for Unanswered {
    fn from(error: hyper::Error) -> Self {
        Self::Failed(Arc::new(error))
    }
}

/// Runs what HTTP/2 does beside its connection as tasks of the program.
#[derive(Clone, Debug)]
struct OnTasks(Arc<dyn Tasks>);

impl<F: Future<Output = ()> + Send + 'static> Executor<F> for OnTasks {
    fn execute(&self, future: F) {
        let task: BoxFuture<'static, ()> = Box::pin(future);
        self.0.spawn(task);
    }
}

/// What one slow reader can make us hold.
const STREAM_WINDOW: u32 = 256 * 1024;
/// The largest there is (RFC 9113 §6.9.1). All callers of an upstream share it, and what slow readers leave lying counts:
/// as many of them as there may be requests under way do not fill it.
const CONNECTION_WINDOW: u32 = (1 << 31) - 1;
/// HTTP/2 puts all requests on one connection; one that died unnoticed would hold all of them.
const PING_INTERVAL: Duration = Duration::from_secs(30);
const PING_TIMEOUT: Duration = Duration::from_secs(20);

//! One connection: encrypted or not, HTTP/1.1 or HTTP/2, to its end or the server's.

use std::convert::Infallible;
use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::Duration;

use futures::future::{BoxFuture, Either, select};
use http::Request;
use hyper::body::Incoming;
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;

use super::certificate::HTTP_2;
use super::exchange::Exchanges;
use super::pace::{PacedStream, Paces};
use super::reception::{Guest, Reception};

/// How far the end of the server has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Phase {
    /// It serves.
    Open,
    /// Requests under way may finish.
    Closing,
    /// Everything ends now.
    Cut,
}

/// Serves one connection.
pub(super) async fn converse(
    reception: Arc<Reception>,
    stream: TcpStream,
    guest: Guest,
    tls: Option<Arc<ServerConfig>>,
    mut phase: watch::Receiver<Phase>,
) {
    if !speaks(&stream, reception.clock.sleep(reception.limits.head_time), &mut phase).await {
        return;
    }
    // On the heap: what a conversation needs is far more than a connection that has not begun one.
    let conversation: BoxFuture<'static, ()> = match tls {
        None => Box::pin(http_1(reception, stream, guest, phase)),
        Some(config) => Box::pin(encrypted(reception, stream, guest, config, phase)),
    };
    conversation.await;
}

async fn encrypted(
    reception: Arc<Reception>,
    stream: TcpStream,
    guest: Guest,
    config: Arc<ServerConfig>,
    phase: watch::Receiver<Phase>,
) {
    let handshake = pin!(TlsAcceptor::from(config).accept(stream));
    let limit = reception.clock.sleep(reception.limits.handshake_time);
    let Either::Left((Ok(stream), _)) = select(handshake, limit).await else { return };
    if stream.get_ref().1.alpn_protocol() == Some(HTTP_2) {
        http_2(reception, stream, guest, phase).await;
    } else {
        http_1(reception, stream, guest, phase).await;
    }
}

async fn http_1(
    reception: Arc<Reception>,
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    guest: Guest,
    phase: watch::Receiver<Phase>,
) {
    let exchanges = Exchanges::new(Arc::clone(&reception.clock));
    let paces = Paces::of(&reception.limits);
    let stream = PacedStream::new(stream, exchanges.clone(), Arc::clone(&reception.clock), paces);
    let head_bytes = reception.limits.head_bytes;
    let closing = phase.clone();
    let service = service_fn(move |request: Request<Incoming>| {
        let (reception, exchange, closing) = (Arc::clone(&reception), exchanges.begin(), closing.clone());
        async move { Ok::<_, Infallible>(reception.receive(request, guest, exchange, closing).await) }
    });
    let connection = http1::Builder::new()
        // The stream knows better how long which silence may last.
        .header_read_timeout(None)
        .max_buf_size(head_bytes)
        .serve_connection(TokioIo::new(stream), service);
    to_its_end(connection, http1::Connection::graceful_shutdown, phase).await;
}

async fn http_2(
    reception: Arc<Reception>,
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    guest: Guest,
    phase: watch::Receiver<Phase>,
) {
    let exchanges = Exchanges::new(Arc::clone(&reception.clock));
    let limits = &reception.limits;
    let paces = Paces::of_frames(limits);
    let stream = PacedStream::new(stream, exchanges.clone(), Arc::clone(&reception.clock), paces);
    let mut builder = http2::Builder::new(TokioExecutor::new());
    builder
        .timer(TokioTimer::new())
        .max_concurrent_streams(limits.streams)
        .max_header_list_size(u32::try_from(limits.head_bytes).unwrap_or(u32::MAX))
        .max_pending_accept_reset_streams(MOST_RESETS)
        .max_local_error_reset_streams(MOST_MISTAKES)
        .initial_stream_window_size(WINDOW)
        .initial_connection_window_size(WINDOW)
        .max_send_buf_size(SEND_BUFFER)
        .keep_alive_interval(PING)
        .keep_alive_timeout(PING);
    let closing = phase.clone();
    let service = service_fn(move |request: Request<Incoming>| {
        let (reception, exchange, closing) = (Arc::clone(&reception), exchanges.begin(), closing.clone());
        async move { Ok::<_, Infallible>(reception.receive(request, guest, exchange, closing).await) }
    });
    let connection = builder.serve_connection(TokioIo::new(stream), service);
    to_its_end(connection, http2::Connection::graceful_shutdown, phase).await;
}

async fn to_its_end<C: Future>(
    connection: C,
    finish: impl FnOnce(Pin<&mut C>),
    mut phase: watch::Receiver<Phase>,
) {
    let mut connection = pin!(connection);
    // What goes wrong on a connection is its other side's business.
    if let Either::Left(_) = select(connection.as_mut(), pin!(reached(&mut phase, Phase::Closing))).await {
        return;
    }
    finish(connection.as_mut());
    let _ended = select(connection, pin!(reached(&mut phase, Phase::Cut))).await;
}

/// Whether the caller says anything in time. Until it does, the connection costs no buffer.
async fn speaks(
    stream: &TcpStream,
    limit: impl Future<Output = ()>,
    phase: &mut watch::Receiver<Phase>,
) -> bool {
    let mut first = [0; 1];
    tokio::select! {
        // Looked at, not taken: readiness alone may be a false alarm.
        spoken = stream.peek(&mut first) => spoken.is_ok_and(|bytes| bytes > 0),
        () = limit => false,
        () = reached(phase, Phase::Closing) => false,
    }
}

/// Completes with that phase, or when the server is gone.
pub(super) async fn reached(phase: &mut watch::Receiver<Phase>, wanted: Phase) {
    let _gone = phase.wait_for(|phase| *phase >= wanted).await;
}

/// Requests that are begun and cancelled at once cost the server more than the caller; honest ones cancel a few.
const MOST_RESETS: usize = 20;
/// After so many broken requests the connection is of no use.
const MOST_MISTAKES: usize = 64;
/// One whole body at a time: what has come and nobody has read stays below this for all requests of a connection.
const WINDOW: u32 = 64 * 1024;
/// Answers are small.
const SEND_BUFFER: usize = 64 * 1024;
/// A caller that is gone without a word is noticed after two of these.
const PING: Duration = Duration::from_secs(20);

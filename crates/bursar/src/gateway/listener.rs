//! Connections of callers: accepted up to a limit, served until their end, let go in order when the gateway stops.

use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use bursar_core::ports::clock::Clock;
use futures::future::{BoxFuture, Either, select};
use http::StatusCode;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

use super::caller_stream::{CallerStream, Patience};
use super::handler::{Serving, handle};
use super::idle::{Pulse, Silence};
use super::limits::Limits;
use super::{Gateway, Shared};

/// How far the end of the gateway has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Phase {
    /// It serves.
    Open,
    /// Requests under way may finish.
    Closing,
    /// Everything ends now.
    Cut,
}

/// Serves `listener` until `stop`, then lets requests under way finish for a moment.
pub(super) async fn serve(gateway: &Gateway, listener: TcpListener, stop: impl Future<Output = ()>) {
    let shared = &gateway.shared();
    let Ok(local) = listener.local_addr() else { return };
    let (phase, watched) = watch::channel(Phase::Open);
    let serving = Arc::new(Serving { gateway: gateway.clone(), local, phase: watched });
    let places = Arc::new(Semaphore::new(shared.limits.connections));
    // Those that are waited for at the end. A tunnel keeps its place, and is not.
    let guests = Arc::new(Semaphore::new(shared.limits.connections));
    let mut stop = pin!(stop);
    loop {
        let accepting = pin!(accept(shared, &listener, &places));
        let (stream, place) = match select(stop.as_mut(), accepting).await {
            Either::Left(_) => break,
            Either::Right((accepted, _)) => accepted,
        };
        let serving = Arc::clone(&serving);
        // There is always one: a guest has a place.
        let guest = Arc::clone(&guests).try_acquire_owned();
        shared.tasks.spawn(Box::pin(async move {
            connection(serving, stream, place).await;
            drop(guest);
        }));
    }
    drop(listener);
    phase.send_replace(Phase::Closing);
    let all = u32::try_from(shared.limits.connections).unwrap_or(u32::MAX);
    let finished = pin!(guests.acquire_many(all));
    if let Either::Right(((), finished)) =
        select(finished, shared.clock.sleep(shared.limits.stop_grace)).await
    {
        phase.send_replace(Phase::Cut);
        let _ended = select(finished, shared.clock.sleep(LAST_MOMENT)).await;
    }
    // Nobody waits for tunnels; they end here.
    phase.send_replace(Phase::Cut);
}

/// Completes when everything ends: also when the gateway itself is gone.
pub(super) async fn cut(mut phase: watch::Receiver<Phase>) {
    let _gone = phase.wait_for(|phase| *phase == Phase::Cut).await;
}

async fn accept(
    shared: &Shared,
    listener: &TcpListener,
    places: &Arc<Semaphore>,
) -> (TcpStream, OwnedSemaphorePermit) {
    loop {
        // Never closed, so always given.
        let Ok(place) = Arc::clone(places).acquire_owned().await else {
            return std::future::pending().await;
        };
        match listener.accept().await {
            Ok((stream, _)) => {
                let _best_effort = stream.set_nodelay(true);
                return (stream, place);
            }
            Err(error) => {
                drop(place);
                let gone =
                    matches!(error.kind(), io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset);
                if !gone {
                    // No more descriptors, most likely: going on at once would only burn time.
                    tracing::warn!(%error, "no connection can be accepted now");
                    shared.clock.sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    }
}

/// One connection, to its end or the gateway's.
async fn connection(serving: Arc<Serving>, stream: TcpStream, place: OwnedSemaphorePermit) {
    let (limits, clock) = {
        let shared = serving.gateway.shared();
        (shared.limits.clone(), Arc::clone(&shared.clock))
    };
    let mut phase = serving.phase.clone();
    if speaks(&stream, clock.sleep(limits.head_time), &mut phase).await {
        conversation(serving, stream, place, (limits, clock)).await;
    }
}

/// The requests of one connection. On the heap: what a request needs is far more than a connection that waits for one.
fn conversation(
    serving: Arc<Serving>,
    stream: TcpStream,
    place: OwnedSemaphorePermit,
    (limits, clock): (Limits, Arc<dyn Clock>),
) -> BoxFuture<'static, ()> {
    let silence = Silence::new(Pulse::new(Arc::clone(&clock)), limits.caller_idle);
    let patience = Patience::default();
    let stream = CallerStream::new(stream, silence, patience.clone(), place);
    Box::pin(converse(serving, stream, patience, (limits, clock)))
}

async fn converse(
    serving: Arc<Serving>,
    stream: CallerStream,
    patience: Patience,
    (limits, clock): (Limits, Arc<dyn Clock>),
) {
    let mut phase = serving.phase.clone();
    let service = {
        let serving = Arc::clone(&serving);
        let pulse = Pulse::new(clock);
        service_fn(move |request| {
            let (serving, pulse, patience) = (Arc::clone(&serving), pulse.clone(), patience.clone());
            async move {
                let answer = handle(&serving, &pulse, request).await;
                if answer.status() == StatusCode::SWITCHING_PROTOCOLS {
                    // The two sides have rules of their own from here on.
                    patience.endless();
                }
                Ok::<_, Infallible>(answer)
            }
        })
    };
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.head_time)
        .max_buf_size(limits.head_bytes)
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    let mut connection = pin!(connection);
    // What goes wrong on a connection is its other side's business.
    if let Either::Left(_) = select(connection.as_mut(), pin!(closing(&mut phase))).await {
        return;
    }
    connection.as_mut().graceful_shutdown();
    let _ended = select(connection, pin!(cut(phase))).await;
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
        () = closing(phase) => false,
    }
}

async fn closing(phase: &mut watch::Receiver<Phase>) {
    let _gone = phase.wait_for(|phase| *phase >= Phase::Closing).await;
}

/// Long enough for others to give descriptors back, short enough to go unnoticed.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// For tasks that were told to end to be dropped.
const LAST_MOMENT: Duration = Duration::from_secs(1);

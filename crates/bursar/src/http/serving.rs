//! Connections: accepted, served until their end, and let go in order when the process stops.
//!
//! Knows nothing of what is served. Idle connections cost memory and a descriptor each, so they end after a while and
//! their number has a limit; a caller who finds the door shut for that reason finds it open again a moment later.

use std::future::Future;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use bursar_core::ports::clock::Clock;
use bursar_core::ports::tasks::Tasks;
use futures::future::{Either, select};
use http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service as _, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use rustix::event::{PollFd, PollFlags, Timespec};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{Semaphore, watch};

use super::Caller;

/// What serving needs of the world.
#[derive(Clone, Debug)]
pub struct Hall {
    /// Pauses.
    pub clock: Arc<dyn Clock>,
    /// Runs connections.
    pub tasks: Arc<dyn Tasks>,
}

impl Hall {
    /// Serves `router` to callers of this user on `listener` until `stop`, then lets requests under way finish for a
    /// moment.
    pub async fn serve(&self, listener: UnixListener, router: Router, stop: impl Future<Output = ()>) {
        let graceful = GracefulShutdown::new();
        let places = Arc::new(Semaphore::new(places()));
        let (leaving, _) = watch::channel(());
        let mut stop = std::pin::pin!(stop);
        loop {
            let accepting = std::pin::pin!(self.accept(&listener, &places));
            let (stream, place) = match select(accepting, stop.as_mut()).await {
                Either::Left((accepted, _)) => accepted,
                Either::Right(((), _)) => break,
            };
            let Some(caller) = admitted(&stream) else {
                tracing::warn!("a connection of another user was refused");
                continue;
            };
            let router = router.clone();
            let (watcher, mut left) = (graceful.watcher(), leaving.subscribe());
            let silence = self.clock.sleep(LONGEST_SILENCE);
            self.tasks.spawn(Box::pin(async move {
                // Buffers are for those who say something: a crowd that only connects costs next to nothing.
                if !speaks(&stream, left.changed(), silence).await {
                    return;
                }
                let service = service_fn(move |mut request: Request<Incoming>| {
                    request.extensions_mut().insert(caller);
                    TowerToHyperService::new(router.clone()).call(request)
                });
                let connection = http1::Builder::new()
                    .timer(TokioTimer::new())
                    .header_read_timeout(LONGEST_SILENCE)
                    .max_buf_size(LARGEST_HEAD)
                    .serve_connection(TokioIo::new(stream), service);
                // Whatever went wrong on it is the other side's business.
                let _gone = Box::pin(watcher.watch(connection)).await;
                drop(place);
            }));
        }
        drop(leaving);
        // New callers are better served by themselves than by somebody who is leaving.
        drop(listener);
        let leaving = std::pin::pin!(graceful.shutdown());
        select(leaving, self.clock.sleep(LONGEST_FAREWELL)).await;
    }

    async fn accept(
        &self,
        listener: &UnixListener,
        places: &Arc<Semaphore>,
    ) -> (UnixStream, tokio::sync::OwnedSemaphorePermit) {
        loop {
            let Ok(place) = Arc::clone(places).acquire_owned().await else {
                return std::future::pending().await;
            };
            match listener.accept().await {
                Ok((stream, _)) => return (stream, place),
                Err(error) => {
                    // Too many open files, or a connection already gone: the next try may be better.
                    tracing::warn!(%error, "a connection could not be accepted");
                    self.clock.sleep(PAUSE).await;
                }
            }
        }
    }
}

/// Whether the caller says something, before either of the others happens, and is there to hear the answer. One who has
/// hung up while this process could not listen has gone on alone: to refresh or to stop now would surprise everybody.
async fn speaks(
    stream: &UnixStream,
    left: impl Future<Output: Sized>,
    silence: impl Future<Output: Sized>,
) -> bool {
    let (left, silence) = (std::pin::pin!(left), std::pin::pin!(silence));
    let readable = std::pin::pin!(stream.readable());
    if let Either::Right(_) = select(readable, select(left, silence)).await {
        return false;
    }
    !has_hung_up(stream)
}

/// Asks the system itself: what the runtime has been told of a connection may be older than its end.
fn has_hung_up(stream: &UnixStream) -> bool {
    let mut looked_at = [PollFd::new(stream, PollFlags::empty())];
    let asked = rustix::event::poll(&mut looked_at, Some(&Timespec::default()));
    asked.is_ok_and(|_| looked_at[0].revents().intersects(PollFlags::HUP | PollFlags::ERR))
}

/// Who is at the other end; `None` for another user, whatever the modes of the socket and its folder have become.
fn admitted(stream: &UnixStream) -> Option<Caller> {
    let credentials = stream.peer_cred().ok()?;
    (credentials.uid() == rustix::process::geteuid().as_raw())
        .then(|| Caller { process: credentials.pid().and_then(|pid| u32::try_from(pid).ok()) })
}

/// Lets this process have as many descriptors as the system allows it: the usual soft limit of 1,024 is smaller than
/// a crowd of idle connections.
pub fn allow_many_descriptors() -> io::Result<()> {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    let wanted = limit.maximum.map_or(Some(DESCRIPTORS), |maximum| Some(maximum.min(DESCRIPTORS)));
    if limit.current.is_some_and(|current| wanted.is_some_and(|wanted| wanted > current)) {
        setrlimit(Resource::Nofile, Rlimit { current: wanted, maximum: limit.maximum })?;
    }
    Ok(())
}

/// How many descriptors connections may have: an eighth of what this process is allowed stays for the store and the
/// providers.
pub fn descriptors_for_connections() -> usize {
    let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile).current;
    limit.and_then(|limit| usize::try_from(limit - limit / 8).ok()).unwrap_or(usize::MAX)
}

/// How many connections there is room for.
fn places() -> usize {
    descriptors_for_connections().min(MOST_CONNECTIONS)
}

/// More callers than any machine has processes that want tokens; each costs some kilobytes.
const MOST_CONNECTIONS: usize = 16_384;
/// For [`MOST_CONNECTIONS`] and everything else.
const DESCRIPTORS: u64 = 20_000;
/// A request's head comes at once; between two requests of one connection as much may pass.
const LONGEST_SILENCE: Duration = Duration::from_mins(1);
/// Names and a token in the path at most.
const LARGEST_HEAD: usize = 16 * 1024;
/// A hand-out that waits for a provider may take longer, but its refresh goes on without it.
const LONGEST_FAREWELL: Duration = Duration::from_secs(5);
const PAUSE: Duration = Duration::from_millis(100);

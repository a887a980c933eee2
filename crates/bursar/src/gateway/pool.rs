//! Connections with one upstream, kept for the next request.
//!
//! A request goes out once. Only one that was provably never written, because a kept connection had just ended, is put
//! into another.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use bursar_core::ports::clock::Clock;
use bursar_core::ports::tasks::Tasks;
use futures::FutureExt as _;
use futures::future::{BoxFuture, WeakShared};
use http::header::HOST;
use http::{Request, Response, Version};
use hyper::client::conn::{TrySendError, http1, http2};

use super::arriving::Arriving;
use super::connection::{Connection, Unanswered};
use super::dialer::Dialer;
use super::limits::Limits;
use super::origin::Origin;
use super::outgoing::Outgoing;

/// A pool. Clones are the same one.
#[derive(Clone)]
pub(super) struct Pool(Arc<Inner>);

struct Inner {
    origin: Origin,
    dialer: Dialer,
    /// Speaks HTTP/1.1 only: no other version can be upgraded this way (RFC 9113 §8.6).
    upgradable: Dialer,
    clock: Arc<dyn Clock>,
    tasks: Arc<dyn Tasks>,
    most: usize,
    kept_for: Duration,
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    /// HTTP/1.1 without a request, in the order they became so.
    idle: Vec<Idle>,
    /// HTTP/2.
    shared: Option<Shared>,
    /// A connection that is being opened, and may turn out to be one for all.
    scout: Option<WeakShared<Scouting>>,
    /// What the upstream chose last.
    version: Option<Version>,
    is_swept: bool,
}

struct Idle {
    sender: http1::SendRequest<Outgoing>,
    since: Duration,
}

struct Shared {
    sender: http2::SendRequest<Outgoing>,
    used: Duration,
}

/// `None`: it is for one at a time, and lies with the idle ones.
type Scouting = BoxFuture<'static, Result<Option<http2::SendRequest<Outgoing>>, Unanswered>>;

impl Pool {
    pub(super) fn new(
        origin: Origin,
        [dialer, upgradable]: [Dialer; 2],
        limits: &Limits,
        clock: Arc<dyn Clock>,
        tasks: Arc<dyn Tasks>,
    ) -> Self {
        Self(Arc::new(Inner {
            origin,
            dialer,
            upgradable,
            clock,
            tasks,
            most: (limits.exchanges / 4).max(1),
            kept_for: limits.upstream_kept,
            kept: Mutex::default(),
        }))
    }

    /// Sends a request, whose URI is path and query alone, and waits for the head of its answer.
    pub(super) async fn send(
        &self,
        mut request: Request<Outgoing>,
    ) -> Result<Response<Arriving>, Unanswered> {
        loop {
            let (connection, is_fresh) = match self.kept() {
                Some(connection) => (connection, false),
                // Apart, because it is large and seldom needed.
                None => match Box::pin(self.opened()).await? {
                    Some(connection) => (connection, true),
                    None => continue,
                },
            };
            match self.sent(connection, request, Some(self)).await {
                Ok(answer) => return Ok(answer),
                Err(mut error) => match error.take_message().filter(|_| !is_fresh) {
                    Some(unsent) => request = unsent,
                    None => return Err(error.into_error().into()),
                },
            }
        }
    }

    /// The same on a connection of its own, which can be upgraded.
    pub(super) async fn send_upgradable(
        &self,
        request: Request<Outgoing>,
    ) -> Result<Response<Arriving>, Unanswered> {
        let Inner { origin, upgradable, tasks, .. } = &*self.0;
        let connection = Connection::open(upgradable, origin.uri(), tasks).await?;
        self.sent(connection, request, None).await.map_err(|error| error.into_error().into())
    }

    /// `home` is where the connection is kept afterwards, if it is.
    async fn sent(
        &self,
        connection: Connection,
        mut request: Request<Outgoing>,
        home: Option<&Self>,
    ) -> Result<Response<Arriving>, TrySendError<Request<Outgoing>>> {
        let origin = &self.0.origin;
        match connection {
            Connection::Single(mut sender) => {
                request.headers_mut().insert(HOST, origin.host());
                if request.uri().authority().is_some() {
                    // It was meant for HTTP/2 before.
                    *request.uri_mut() = Origin::relative(request.uri());
                }
                let answer = sender.try_send_request(request).await?;
                let loan = Loan { sender, home: home.cloned() };
                Ok(answer.map(|incoming| Arriving::new(incoming, Some(loan))))
            }
            Connection::Shared(mut sender) => {
                // Scheme and host are fields of their own (RFC 9113 §8.3.1).
                request.headers_mut().remove(HOST);
                *request.uri_mut() = origin.absolute(request.uri());
                let answer = sender.try_send_request(request).await.inspect_err(|error| {
                    if error.message().is_some() {
                        self.0.kept().shared = None;
                    }
                })?;
                Ok(answer.map(|incoming| Arriving::new(incoming, None)))
            }
        }
    }

    /// A connection at hand: the one that was used last, which is the least likely to be ended by the upstream.
    fn kept(&self) -> Option<Connection> {
        let now = self.0.clock.stopwatch();
        let mut kept = self.0.kept();
        kept.shared = kept.shared.take().filter(|shared| shared.is_usable(now, self.0.kept_for));
        if let Some(shared) = &mut kept.shared {
            shared.used = now;
            return Some(Connection::Shared(shared.sender.clone()));
        }
        // One that is not ready may still be busy with the rest of a request that was answered early.
        let Some(newest) = kept.idle.iter().rposition(|idle| idle.sender.is_ready()) else {
            kept.idle.retain(|idle| !idle.sender.is_closed());
            return None;
        };
        let idle = kept.idle.remove(newest);
        idle.is_usable(now, self.0.kept_for).then_some(Connection::Single(idle.sender))
    }

    /// A new connection; `None`: there is one to be found now. While the upstream may choose HTTP/2, only one is opened, and
    /// all wait for it.
    async fn opened(&self) -> Result<Option<Connection>, Unanswered> {
        if self.0.is_for_one_at_a_time() {
            return self.connected().await.map(Some);
        }
        let scout = {
            let mut kept = self.0.kept();
            let under_way = kept.scout.as_ref().and_then(WeakShared::upgrade);
            under_way.unwrap_or_else(|| {
                let scout = self.clone().scouted().boxed().shared();
                kept.scout = scout.downgrade();
                scout
            })
        };
        Ok(scout.await?.map(Connection::Shared))
    }

    async fn scouted(self) -> Result<Option<http2::SendRequest<Outgoing>>, Unanswered> {
        Ok(match self.connected().await? {
            Connection::Shared(sender) => Some(sender),
            Connection::Single(sender) => {
                self.keep(sender);
                None
            }
        })
    }

    async fn connected(&self) -> Result<Connection, Unanswered> {
        let Inner { origin, dialer, tasks, clock, .. } = &*self.0;
        let connection = Connection::open(dialer, origin.uri(), tasks).await?;
        match &connection {
            Connection::Single(_) => self.0.kept().version = Some(Version::HTTP_11),
            Connection::Shared(sender) => {
                let shared = Shared { sender: sender.clone(), used: clock.stopwatch() };
                {
                    let mut kept = self.0.kept();
                    kept.version = Some(Version::HTTP_2);
                    kept.shared = Some(shared);
                }
                self.sweep();
            }
        }
        Ok(connection)
    }

    fn keep(&self, sender: http1::SendRequest<Outgoing>) {
        let since = self.0.clock.stopwatch();
        {
            let mut kept = self.0.kept();
            if kept.idle.len() >= self.0.most {
                kept.idle.remove(0);
            }
            kept.idle.push(Idle { sender, since });
        }
        self.sweep();
    }

    /// Sees to it that nothing is kept beyond its time, even if no further request comes.
    fn sweep(&self) {
        if std::mem::replace(&mut self.0.kept().is_swept, true) {
            return;
        }
        let pool = Arc::downgrade(&self.0);
        self.0.tasks.spawn(Box::pin(async move {
            while let Some(sleep) = Weak::upgrade(&pool).and_then(|pool| pool.swept()) {
                sleep.await;
            }
        }));
    }
}

impl Inner {
    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Without encryption nothing else is offered.
    fn is_for_one_at_a_time(&self) -> bool {
        !self.origin.is_encrypted() || self.kept().version == Some(Version::HTTP_11)
    }

    /// Ends what was kept long enough; the time until that is to be done again, unless nothing is left.
    fn swept(&self) -> Option<BoxFuture<'static, ()>> {
        let now = self.clock.stopwatch();
        let mut kept = self.kept();
        kept.idle.retain(|idle| !idle.sender.is_closed() && idle.is_usable(now, self.kept_for));
        kept.shared = kept.shared.take().filter(|shared| shared.is_usable(now, self.kept_for));
        let oldest = kept.idle.first().map(|idle| idle.since);
        let first = oldest.into_iter().chain(kept.shared.as_ref().map(|shared| shared.used)).min();
        kept.is_swept = first.is_some();
        first.map(|first| self.clock.sleep((first + self.kept_for).saturating_sub(now)))
    }
}

impl Idle {
    fn is_usable(&self, now: Duration, limit: Duration) -> bool {
        now.saturating_sub(self.since) < limit
    }
}

impl Shared {
    fn is_usable(&self, now: Duration, limit: Duration) -> bool {
        !self.sender.is_closed() && now.saturating_sub(self.used) < limit
    }
}

/// A connection that an answer has for itself.
pub(super) struct Loan {
    sender: http1::SendRequest<Outgoing>,
    home: Option<Pool>,
}

impl Loan {
    /// The answer is through.
    pub(super) fn returned(self) {
        // Closed already if the upstream has said that this was the last one.
        if let Some(home) = self.home
            && !self.sender.is_closed()
        {
            home.keep(self.sender);
        }
    }
}

impl std::fmt::Debug for Pool {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Pool").field("origin", &self.0.origin).finish_non_exhaustive()
    }
}

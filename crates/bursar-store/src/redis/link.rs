//! The way to the server: one shared connection, made when needed and made again when it breaks.
//!
//! Every request has an end: it is answered, refused, or told apart into "not done" and "perhaps done".

use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use bursar_core::ports::clock::Clock;
use bursar_core::ports::store::StoreError;
use bursar_core::together::Together;
use futures::future::BoxFuture;
use jiff::Timestamp;
use redis::aio::MultiplexedConnection;
use redis::cluster_async::ClusterConnection;
use redis::{AsyncConnectionConfig, Cmd, ErrorKind, ServerErrorKind, Value};
use tokio::runtime::Handle;

use super::errors::{Failure, RedisOpenError, connect_failure, request_failure};
use super::reply::Reply;
use super::request::Request;
use super::target::Target;

/// A connection of either kind.
#[derive(Clone)]
pub(super) enum Connection {
    /// To one server.
    Single(MultiplexedConnection),
    /// To all servers of a cluster.
    Cluster(ClusterConnection),
}

impl Connection {
    /// Sends one command.
    pub(super) async fn query(&mut self, command: &Cmd) -> Result<Value, redis::RedisError> {
        match self {
            Self::Single(connection) => command.query_async(connection).await,
            Self::Cluster(connection) => command.query_async(connection).await,
        }
    }
}

/// The shared connection.
pub(super) struct Link {
    target: Target,
    cluster: bool,
    clock: Arc<dyn Clock>,
    runtime: Handle,
    /// What makes the store ready, asked on every new connection before anything else.
    greeting: Mutex<Request>,
    state: Mutex<State>,
    /// New connections: whoever waits for one shares it, or its failure.
    connecting: Together<Failure>,
    /// Which address was last tried.
    turn: AtomicUsize,
    /// How far the server's clock is ahead of the stopwatch, in microseconds.
    ahead: AtomicI64,
}

#[derive(Default)]
struct State {
    generation: u64,
    connection: Option<Connection>,
}

impl std::fmt::Debug for Link {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Link").field("target", &self.target).finish_non_exhaustive()
    }
}

impl Link {
    /// Connects to nothing yet.
    pub(super) fn new(
        target: Target,
        cluster: bool,
        clock: Arc<dyn Clock>,
        runtime: Handle,
        greeting: Request,
    ) -> Self {
        Self {
            target,
            cluster,
            clock,
            runtime,
            greeting: Mutex::new(greeting),
            state: Mutex::default(),
            connecting: Together::default(),
            turn: AtomicUsize::new(0),
            ahead: AtomicI64::new(0),
        }
    }

    /// From now on connections are greeted with this.
    pub(super) fn greet_with(&self, greeting: Request) {
        *self.greeting.lock().unwrap_or_else(PoisonError::into_inner) = greeting;
    }

    /// The clock the link waits by.
    pub(super) fn clock(&self) -> &dyn Clock {
        &*self.clock
    }

    /// Where connections come from.
    pub(super) fn target(&self) -> &Target {
        &self.target
    }

    /// Lets `future` use the runtime the connections live in, whoever awaits it.
    pub(super) fn inside<'a, T: 'a>(
        &'a self,
        future: impl Future<Output = T> + Send + 'a,
    ) -> BoxFuture<'a, T> {
        Box::pin(Inside { runtime: &self.runtime, future: Box::pin(future) })
    }

    /// Asks something that may be done twice: again and again for a while, until there is an answer. It comes with the time
    /// by which it was judged: `now`, or the server's.
    pub(super) async fn ask(
        &self,
        request: &Request,
        now: impl Fn() -> Option<Timestamp> + Send,
    ) -> Result<(Reply, Timestamp), StoreError> {
        let began = self.clock.stopwatch();
        loop {
            let now = now();
            let failure = match self.attempt(request, now).await {
                Ok(reply) => {
                    let time = now.unwrap_or_else(|| reply.timestamp());
                    return Ok((reply, time));
                }
                Err(failure) => failure,
            };
            let is_final = matches!(failure, Failure::Final(_) | Failure::Login);
            if is_final || self.clock.stopwatch().saturating_sub(began) >= PATIENCE {
                return Err(failure.into_unavailable());
            }
            self.clock.sleep(PAUSE).await;
        }
    }

    /// Asks once.
    pub(super) async fn attempt(&self, request: &Request, now: Option<Timestamp>) -> Result<Reply, Failure> {
        let (generation, mut connection) = self.connection().await?;
        match self.run(&mut connection, request, now).await {
            Ok(reply) => Ok(reply),
            Err(failure) => {
                // A server that has become a replica stays one; its name may mean another by now.
                if !matches!(failure, Failure::Final(_)) {
                    self.give_up(generation);
                }
                Err(failure)
            }
        }
    }

    /// Sends a command that is no script.
    pub(super) async fn command(&self, command: &Cmd) -> Result<Value, Failure> {
        let (generation, mut connection) = self.connection().await?;
        match connection.query(command).await {
            Ok(value) => Ok(value),
            Err(error) => {
                let failure = request_failure(&error);
                if !matches!(failure, Failure::Final(_)) {
                    self.give_up(generation);
                }
                Err(failure)
            }
        }
    }

    /// The server's clock, as it was with its last answer and on from there.
    pub(super) fn server_time(&self) -> Timestamp {
        let now = micros(self.clock.stopwatch()).saturating_add(self.ahead.load(Ordering::Relaxed));
        Timestamp::from_microsecond(now).unwrap_or(Timestamp::MAX)
    }

    /// When a request sent now will have been given up, by the server's clock. Servers of a cluster have a clock each.
    pub(super) fn deadline(&self) -> Option<i64> {
        let now = micros(self.clock.stopwatch()).saturating_add(self.ahead.load(Ordering::Relaxed));
        (!self.cluster).then(|| now.saturating_add(micros(RESPOND)))
    }

    async fn connection(&self) -> Result<(u64, Connection), Failure> {
        if let Some(known) = self.known() {
            return Ok(known);
        }
        self.connecting.run(|| self.connect_anew()).await?;
        self.known().ok_or_else(|| Failure::NotDone("the connection with Redis broke at once".to_owned()))
    }

    async fn connect_anew(&self) -> Result<(), Failure> {
        // Somebody else may have done it meanwhile.
        if self.known().is_some() {
            return Ok(());
        }
        let mut connection = self.connect().await?;
        let greeting = self.greeting.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let mut reply =
            self.run(&mut connection, &greeting, None).await.map_err(|failure| match failure {
                Failure::Lost(detail) => Failure::NotDone(detail),
                other => other,
            })?;
        check_greeting(&mut reply).map_err(Failure::Final)?;
        let mut state = self.state();
        state.generation += 1;
        state.connection = Some(connection);
        Ok(())
    }

    async fn connect(&self) -> Result<Connection, Failure> {
        let invalid = |_: RedisOpenError| Failure::NotDone("the store's URL cannot be used".to_owned());
        if self.cluster {
            let client = self.target.cluster(CONNECT, RESPOND).map_err(invalid)?;
            let connecting = tokio::time::timeout(CONNECT * 2, client.get_async_connection());
            let connection = connecting.await.map_err(|_| silent())?;
            return connection.map(Connection::Cluster).map_err(|error| connect_failure(&error));
        }
        let turn = self.turn.fetch_add(1, Ordering::Relaxed);
        single(&self.target, turn).await.map(Connection::Single)
    }

    async fn run(
        &self,
        connection: &mut Connection,
        request: &Request,
        now: Option<Timestamp>,
    ) -> Result<Reply, Failure> {
        let answer = match connection.query(&request.command(now, false)).await {
            // A server that restarted, or was never asked before, does not know the script.
            Err(error) if error.kind() == ErrorKind::Server(ServerErrorKind::NoScript) => {
                connection.query(&request.command(now, true)).await
            }
            answer => answer,
        };
        let reply = Reply::new(answer.map_err(|error| request_failure(&error))?).map_err(Failure::Final)?;
        self.ahead.store(reply.time.saturating_sub(micros(self.clock.stopwatch())), Ordering::Relaxed);
        Ok(reply)
    }

    fn known(&self) -> Option<(u64, Connection)> {
        let state = self.state();
        state.connection.clone().map(|connection| (state.generation, connection))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn give_up(&self, generation: u64) {
        let mut state = self.state();
        if state.generation == generation {
            state.connection = None;
        }
    }
}

/// A connection to one node.
pub(super) async fn single(target: &Target, turn: usize) -> Result<MultiplexedConnection, Failure> {
    let client =
        target.node(turn).map_err(|_| Failure::NotDone("the store's URL cannot be used".to_owned()))?;
    let config = AsyncConnectionConfig::new()
        .set_connection_timeout(Some(CONNECT))
        .set_response_timeout(Some(RESPOND));
    // The library's limit does not cover all of TLS and login.
    let connecting =
        tokio::time::timeout(CONNECT * 2, client.get_multiplexed_async_connection_with_config(&config));
    connecting.await.map_err(|_| silent())?.map_err(|error| connect_failure(&error))
}

fn silent() -> Failure {
    Failure::NotDone("Redis cannot be reached: it does not answer".to_owned())
}

fn check_greeting(reply: &mut Reply) -> Result<(), StoreError> {
    match reply.text()?.as_str() {
        "ready" => Ok(()),
        "newer" => Err(StoreError::Newer { found: reply.number()?, known: super::store::SCHEMA }),
        "restoring" => Err(StoreError::Damaged(
            "a restore was not finished; empty the database and restore again".to_owned(),
        )),
        _ => Err(StoreError::Damaged(
            "the database is empty although it held records before: it was flushed or replaced".to_owned(),
        )),
    }
}

fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}

/// A future that finds its runtime wherever it is awaited.
pub(super) struct Inside<'a, T> {
    pub(super) runtime: &'a Handle,
    pub(super) future: BoxFuture<'a, T>,
}

impl<T> Future for Inside<'_, T> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<T> {
        let _inside = self.runtime.enter();
        self.future.as_mut().poll(context)
    }
}

/// A server in the same data centre accepts in milliseconds; three seconds outlast one lost packet of a handshake.
const CONNECT: Duration = Duration::from_secs(3);

/// Longer than a slow disk takes to flush, shorter than a caller of ours waits.
pub(super) const RESPOND: Duration = Duration::from_secs(5);

/// A restart on a quick machine, or a failover of a careful one, is over within two seconds.
pub(super) const PATIENCE: Duration = Duration::from_secs(2);

/// Often enough to notice the end of a restart, rarely enough for a server that is starting.
pub(super) const PAUSE: Duration = Duration::from_millis(100);

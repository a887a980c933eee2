//! Connections to the server, and how long to go on when it does not answer.

use std::future::Future;
use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use bursar_core::ports::clock::Clock;
use bursar_core::ports::store::StoreError;
use deadpool_postgres::{
    Client, Hook, HookError, Manager, ManagerConfig, Object, Pool, RecyclingMethod, Runtime,
};
use futures::FutureExt as _;
use jiff::Timestamp;
use tokio::time::{Instant, sleep, timeout};
use tokio_postgres::{Config, Row};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::PostgresOptions;
use super::address::parse;
use super::errors::Trouble;
use super::listen::Hints;
use super::pipeline::Parameter;
use super::schema::Schema;
use super::tls::connector;

/// The server as all parts of the store see it.
pub(super) struct Server {
    pub(super) schema: Schema,
    pub(super) hints: Hints,
    pub(super) config: Config,
    pub(super) connector: MakeRustlsConnect,
    pool: Pool,
    patience: Duration,
    clock: Option<Arc<dyn Clock>>,
}

impl Server {
    /// Reads the options; connects to nothing yet.
    pub(super) fn new(options: &PostgresOptions) -> Result<Self, StoreError> {
        let address = parse(&options.url)?;
        let connector = connector(&address.trust).map_err(StoreError::Refused)?;
        let recycling = ManagerConfig { recycling_method: RecyclingMethod::Fast };
        let manager = Manager::from_config(address.config.clone(), connector.clone(), recycling);
        let pool = Pool::builder(manager)
            .max_size(options.connections.max(1))
            .runtime(Runtime::Tokio1)
            .wait_timeout(Some(options.patience))
            .create_timeout(Some(ANSWER))
            .recycle_timeout(Some(ANSWER))
            .post_create(Hook::async_fn(|client, _| {
                async move { client.batch_execute(SETTINGS).await.map_err(HookError::Backend) }.boxed()
            }))
            .build()
            .map_err(|error| StoreError::Unavailable(error.to_string()))?;
        Ok(Self {
            schema: Schema::new(options.kinds)?,
            hints: Hints::new(&options.incarnation),
            config: address.config,
            connector,
            pool,
            patience: options.patience,
            clock: options.clock.clone(),
        })
    }

    /// The time to go by instead of the server's.
    pub(super) fn given_time(&self) -> Option<Timestamp> {
        self.clock.as_ref().map(|clock| clock.now())
    }

    /// A connection of one's own until it is released.
    pub(super) async fn connect(&self) -> Result<Held, Trouble> {
        Ok(Held(Some(self.pool.get().await?)))
    }

    /// How long to go on from here.
    pub(super) fn patience(&self) -> Patience {
        Patience { until: Instant::now() + self.patience, pause: SHORTEST_PAUSE }
    }

    /// The rows a reading statement answers with. Tried again as long as that may help.
    pub(super) async fn rows(&self, sql: &str, parameters: &[Parameter<'_>]) -> Result<Vec<Row>, StoreError> {
        let mut patience = self.patience();
        loop {
            match self.try_rows(sql, parameters).await {
                Ok(rows) => return Ok(rows),
                Err(trouble) => patience.pause(trouble).await?,
            }
        }
    }

    /// As [`Server::rows`], once.
    pub(super) async fn try_rows(
        &self,
        sql: &str,
        parameters: &[Parameter<'_>],
    ) -> Result<Vec<Row>, Trouble> {
        let client = self.connect().await?;
        let rows = in_time(async {
            let statement = client.prepare_cached(sql).await?;
            Ok(client.query(&statement, parameters).await?)
        });
        let rows = rows.await?;
        client.release();
        Ok(rows)
    }
}

impl std::fmt::Debug for Server {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The configuration holds a password.
        formatter.debug_struct("Server").field("pool", &self.pool.status()).finish_non_exhaustive()
    }
}

/// A connection. Closed when dropped, because nothing is assumed of one that failed or was left half-way.
pub(super) struct Held(Option<Object>);

impl Held {
    /// Gives it back for others.
    pub(super) fn release(mut self) {
        drop(self.0.take());
    }
}

impl Deref for Held {
    type Target = Client;

    fn deref(&self) -> &Client {
        // It is there until `release` or `drop`, after which nobody can ask.
        self.0.as_ref().unwrap_or_else(|| unreachable!("a released connection was used"))
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        if let Some(object) = self.0.take() {
            drop(Object::take(object));
        }
    }
}

/// Ends a wait for one round trip that takes too long.
pub(super) async fn in_time<T>(answer: impl Future<Output = Result<T, Trouble>>) -> Result<T, Trouble> {
    timeout(ANSWER, answer).await.unwrap_or_else(|_| Err(Trouble::again("the database does not answer")))
}

/// Tries again for a while.
#[derive(Debug)]
pub(super) struct Patience {
    until: Instant,
    pause: Duration,
}

impl Patience {
    /// Waits before the next attempt, or tells why there is none.
    #[expect(
        clippy::disallowed_methods,
        reason = "waits for another machine, for which a test's clock does not count"
    )]
    pub(super) async fn pause(&mut self, trouble: Trouble) -> Result<(), StoreError> {
        let error = match trouble {
            Trouble::Refused(error) => return Err(error),
            Trouble::Again(error) => error,
        };
        if Instant::now() + self.pause > self.until {
            return Err(error);
        }
        tracing::debug!(%error, "the database is asked again");
        sleep(self.pause).await;
        self.pause = (self.pause * 2).min(LONGEST_PAUSE);
        Ok(())
    }
}

/// What every connection is told first. Names are written with their schema, so nothing is looked up along a path; who
/// waits for a lock, or keeps others waiting, is cut off; a commit is acknowledged when it is on the disk; and plans of a
/// millisecond are not compiled.
const SETTINGS: &str = "\
    SELECT set_config('search_path', 'pg_catalog', false), \
    set_config('lock_timeout', '3s', false), \
    set_config('statement_timeout', '8s', false), \
    set_config('idle_in_transaction_session_timeout', '4s', false), \
    set_config('default_transaction_isolation', 'read committed', false), \
    set_config('jit', 'off', false), \
    set_config('synchronous_commit', CASE current_setting('synchronous_commit') \
        WHEN 'off' THEN 'on' ELSE current_setting('synchronous_commit') END, false)";

/// An answer takes milliseconds, a commit on a busy disk tens of them; who says nothing for seconds is gone. Longer than a
/// lock may be waited for.
const ANSWER: Duration = Duration::from_secs(5);

/// About one round trip in a data centre.
const SHORTEST_PAUSE: Duration = Duration::from_millis(5);

/// Short beside the seconds a restart takes.
const LONGEST_PAUSE: Duration = Duration::from_millis(200);

//! Database servers of a test's own, for stores in this process and for the real program.

#[path = "../../../bursar-store/tests/postgres/server.rs"]
#[expect(dead_code, reason = "the tests of the store use the rest")]
mod postgres;
#[path = "../../../bursar-store/tests/postgres/proxy.rs"]
#[expect(dead_code, reason = "the tests of the store use the rest")]
mod proxy;
#[path = "../../../bursar-store/tests/redis/server.rs"]
#[expect(dead_code, reason = "the tests of the store use the rest")]
mod redis;

use std::fmt;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use bursar_core::engine::records::KINDS;
use bursar_core::ports::clock::Clock;
use bursar_core::ports::store::Store;
use bursar_core::secret::Secret;
use bursar_store::mixed::MixedStore;
use bursar_store::postgres::{PostgresOptions, PostgresStore};
use bursar_store::redis::{RedisOptions, RedisStore, StoreTime};
use futures::executor::block_on;
use tokio::task::unconstrained;

/// A `PostgreSQL` and a Redis server, which end with the test.
pub(crate) struct Servers {
    postgres: postgres::Server,
    redis: redis::Server,
    places: AtomicU32,
    folder: tempfile::TempDir,
}

impl Servers {
    /// Starts both. They end with the thread that starts them, at the latest.
    pub(crate) fn start() -> Self {
        Self::with_redis(&[])
    }

    /// The same with settings for Redis.
    pub(crate) fn with_redis(settings: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        // The database's own user must get through.
        fs::set_permissions(folder.path(), Permissions::from_mode(0o755)).unwrap();
        for name in ["database", "redis"] {
            fs::create_dir(folder.path().join(name)).unwrap();
        }
        let postgres = postgres::Server::start(&folder.path().join("database"));
        let redis = redis::Server::start(&folder.path().join("redis"), settings);
        Self { postgres, redis, places: AtomicU32::new(0), folder }
    }

    /// A place that nobody else has: an empty database of `PostgreSQL`, and a prefix of Redis.
    pub(crate) fn new_place(&self) -> Place {
        let number = self.places.fetch_add(1, Ordering::SeqCst);
        self.postgres.ask(&format!("CREATE DATABASE place_{number} TEMPLATE template0"));
        Place { number }
    }

    /// The store of a place on `PostgreSQL`, which goes by this clock.
    pub(crate) fn open_postgres(&self, place: Place, clock: Arc<dyn Clock>) -> Arc<dyn Store> {
        let url = self.postgres_url().expose().replace("/bursar?", &format!("/place_{}?", place.number));
        let mut options = PostgresOptions::new(Secret::new(url), KINDS, "first");
        options.clock = Some(clock);
        Arc::new(at_once(PostgresStore::open(options)).unwrap())
    }

    /// The store of a place on Redis, which goes by this clock.
    pub(crate) fn open_redis(&self, place: Place, clock: Arc<dyn Clock>) -> Arc<dyn Store> {
        let mut options = RedisOptions::new(self.redis.url(), KINDS, clock, "first", redis::runtime());
        options.time = StoreTime::Given;
        options.prefix = format!("place-{}", place.number);
        Arc::new(at_once(RedisStore::open(options)).unwrap())
    }

    /// The store of a place on both: `PostgreSQL` for durable kinds.
    pub(crate) fn open_mixed(&self, place: Place, clock: &Arc<dyn Clock>) -> Arc<dyn Store> {
        let durable = self.open_postgres(place, Arc::clone(clock));
        Arc::new(MixedStore::new(durable, self.open_redis(place, Arc::clone(clock))))
    }

    /// How the program finds `PostgreSQL`.
    pub(crate) fn postgres_url(&self) -> Secret {
        self.postgres.url("bursar")
    }

    /// How the program finds Redis.
    pub(crate) fn redis_url(&self) -> Secret {
        self.redis.url()
    }

    /// Runs SQL as the administrator and returns what it printed.
    pub(crate) fn ask_postgres(&self, sql: &str) -> String {
        self.postgres.ask(sql)
    }

    /// Moves the clock of the program's database by so many minutes. That of Redis stays.
    pub(crate) fn move_clock_of_postgres(&self, minutes: i32) {
        self.postgres.move_clock(minutes);
    }

    /// What Redis answers to a command of words without spaces.
    pub(crate) fn ask_redis(&self, command: &str) -> String {
        self.redis.ask(command)
    }

    /// Ends `PostgreSQL` without warning, and starts it again.
    pub(crate) fn crash_postgres(&self) {
        self.kill_postgres();
        self.restart_postgres();
    }

    /// Ends `PostgreSQL` without warning.
    pub(crate) fn kill_postgres(&self) {
        self.postgres.kill();
    }

    /// Starts `PostgreSQL` again.
    pub(crate) fn restart_postgres(&self) {
        self.postgres.restart();
    }

    /// Ends Redis without warning.
    pub(crate) fn kill_redis(&self) {
        self.redis.kill();
    }

    /// Starts Redis again.
    pub(crate) fn restart_redis(&self) {
        self.redis.restart();
    }

    /// A network before `PostgreSQL` that can be cut.
    pub(crate) fn network(&self) -> Network {
        let proxy = proxy::Proxy::start(&self.postgres.socket());
        let url = format!("postgres://bursar@127.0.0.1:{}/bursar", proxy.port());
        Network { proxy, url }
    }

    /// A network before Redis that can be cut.
    pub(crate) fn network_before_redis(&self) -> Network {
        let proxy = proxy::Proxy::start(&self.folder.path().join("redis/redis.sock"));
        let url = format!("redis://127.0.0.1:{}", proxy.port());
        Network { proxy, url }
    }

    /// The folders in which both keep their files.
    pub(crate) fn data(&self) -> [PathBuf; 2] {
        [self.postgres.data(), self.folder.path().join("redis")]
    }
}

impl fmt::Debug for Servers {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Servers").finish_non_exhaustive()
    }
}

/// Where one store is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    number: u32,
}

/// A network that can be cut.
pub(crate) struct Network {
    proxy: proxy::Proxy,
    url: String,
}

impl Network {
    /// How the program finds the server behind it.
    pub(crate) fn url(&self) -> String {
        self.url.clone()
    }

    /// Loses everything on the way without a word, or delivers it again.
    pub(crate) fn is_partitioned(&self, partitioned: bool) {
        self.proxy.set_partitioned(partitioned);
    }

    /// Cuts all connections and lets no new ones through, or lets them through again.
    pub(crate) fn is_down(&self, down: bool) {
        self.proxy.set_down(down);
    }
}

/// Waits on this thread. Without the budget of the task that it may belong to: nobody would renew that meanwhile, and what
/// has used it up is never ready.
fn at_once<T>(opening: impl Future<Output = T>) -> T {
    block_on(unconstrained(opening))
}

//! Where everything is kept, one store beside the other; database servers of our own, as durable as they come.

#[path = "../../crates/bursar-store/tests/postgres/server.rs"]
#[expect(dead_code, clippy::unwrap_used, reason = "written for the tests of the store")]
mod postgres;
#[path = "../../crates/bursar-store/tests/redis/server.rs"]
#[expect(dead_code, clippy::unwrap_used, reason = "written for the tests of the store")]
mod redis;

use anyhow::Result;
use bursar_core::engine::records::KINDS;
use bursar_core::secret::Secret;

/// Running servers; they end when this is dropped.
pub(crate) struct Databases {
    postgres: postgres::Server,
    redis: redis::Server,
    _folder: tempfile::TempDir,
}

fn promise(server: &postgres::Server) -> String {
    let show = |name: &str| format!("{name}={}", server.ask(&format!("SHOW {name}")));
    format!("PostgreSQL ({})", ["fsync", "synchronous_commit"].map(show).join(", "))
}

/// A `PostgreSQL` server with room for much; it ends when this is dropped.
pub(crate) struct LargePostgres {
    server: postgres::Server,
    _folder: tempfile::TempDir,
}

impl LargePostgres {
    /// Starts one.
    pub(crate) fn start() -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let mut server = postgres::Server::start(folder.path());
        server.stop();
        server.set(&LARGE.map(str::to_owned));
        server.restart();
        Ok(Self { server, _folder: folder })
    }

    /// Its name, what it promises of the disk, and how much it may keep in memory.
    pub(crate) fn promise(&self) -> String {
        format!(
            "{}, {}",
            promise(&self.server),
            LARGE.map(|setting| setting.replacen('=', " ", 1))[..2].join(", ")
        )
    }

    /// How bursar is told.
    pub(crate) fn variables(&self) -> Vec<(&'static str, Secret)> {
        vec![("BURSAR_STORE_DATABASE", self.server.url("bursar"))]
    }

    /// What the server's own housekeeping does with a table of this size sooner or later.
    pub(crate) fn settle(&self) {
        self.server.ask("VACUUM ANALYZE");
        self.server.ask("CHECKPOINT");
    }

    /// Tables by size, with their rows: name, rows, bytes of rows, bytes of indexes.
    pub(crate) fn tables(&self) -> Vec<[String; 4]> {
        let found = self.server.ask(
            "SELECT relname, reltuples::bigint, pg_table_size(oid), pg_indexes_size(oid) FROM pg_class \
             WHERE relkind = 'r' AND relnamespace = 'bursar'::regnamespace AND reltuples > 1000 \
             ORDER BY pg_total_relation_size(oid) DESC",
        );
        let row = |line: &str| {
            let mut cells = line.split('|').map(str::to_owned);
            std::array::from_fn(|_| cells.next().unwrap_or_default())
        };
        found.lines().map(row).collect()
    }
}

/// As a server has it that is there for little else.
const LARGE: [&str; 5] = [
    "shared_buffers=2GB",
    "max_wal_size=2GB",
    "effective_cache_size=8GB",
    // A batch of the generator locks a record each.
    "max_locks_per_transaction=256",
    "autovacuum_naptime=20s",
];

/// Where everything is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Backend {
    File,
    Postgres,
    Redis,
    Mixed,
}

impl Databases {
    /// Starts both, wherever the system likes.
    pub(crate) fn start() -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let [database, redis] = ["database", "redis"].map(|name| folder.path().join(name));
        // The database's own user must get through.
        let everybody = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        std::fs::set_permissions(folder.path(), everybody)?;
        std::fs::create_dir(&database)?;
        std::fs::create_dir(&redis)?;
        Ok(Self {
            postgres: postgres::Server::start(&database),
            redis: redis::Server::start(&redis, &[]),
            _folder: folder,
        })
    }

    fn postgres_promise(&self) -> String {
        promise(&self.postgres)
    }

    fn redis_promise(&self) -> String {
        // Arrays of two texts each.
        let show =
            |name: &str| self.redis.ask(&format!("CONFIG GET {name}")).lines().nth(4).map(str::to_owned);
        let shown =
            ["appendonly", "appendfsync"].map(|name| format!("{name} {}", show(name).unwrap_or_default()));
        format!("Redis ({})", shown.join(", "))
    }
}

impl Backend {
    pub(crate) const ALL: [Self; 4] = [Self::File, Self::Postgres, Self::Redis, Self::Mixed];

    /// Its name, and what it promises of the disk.
    pub(crate) fn name(self, databases: &Databases) -> String {
        match self {
            Self::File => "SQLite (WAL, synchronous=FULL)".to_owned(),
            Self::Postgres => databases.postgres_promise(),
            Self::Redis => databases.redis_promise(),
            Self::Mixed => format!("{} with Redis for what is short-lived", databases.postgres_promise()),
        }
    }

    /// How bursar is told.
    pub(crate) fn variables(self, databases: &Databases) -> Vec<(&'static str, Secret)> {
        let (postgres, redis) = (databases.postgres.url("bursar"), databases.redis.url());
        match self {
            Self::File => Vec::new(),
            Self::Postgres => vec![("BURSAR_STORE_DATABASE", postgres)],
            Self::Redis => vec![("BURSAR_STORE_DATABASE", redis)],
            Self::Mixed => vec![("BURSAR_STORE_DATABASE", postgres), ("BURSAR_STORE_EPHEMERAL", redis)],
        }
    }
}

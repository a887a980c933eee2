//! Where the records of a world are: the same site can be opened again and again.

use std::path::PathBuf;
use std::sync::Arc;

use bursar_core::engine::records;
use bursar_core::memory::MemoryStore;
use bursar_core::memory::clock::ManualClock;
use bursar_core::ports::clock::Clock;
use bursar_core::ports::store::Store;
use bursar_store::sqlite::{SqliteOptions, SqliteStore};

use crate::servers::{Place, Servers};

/// A kind of store.
#[derive(Clone, Debug)]
pub(super) enum Backend {
    Memory,
    Sqlite,
    Postgres(Arc<Servers>),
    Redis(Arc<Servers>),
    /// PostgreSQL for durable kinds, Redis for the others.
    Mixed(Arc<Servers>),
}

/// Those that need no server.
pub(super) fn embedded() -> Vec<Backend> {
    vec![Backend::Memory, Backend::Sqlite]
}

/// Those on servers, which are started for the test.
pub(super) fn on_servers() -> Vec<Backend> {
    let servers = Arc::new(Servers::start());
    vec![Backend::Postgres(servers.clone()), Backend::Redis(servers.clone()), Backend::Mixed(servers)]
}

/// The place of one store, and the clock it goes by.
pub(super) struct Site {
    pub(super) backend: Backend,
    pub(super) folder: tempfile::TempDir,
    clock: Arc<dyn Clock>,
    place: Option<Place>,
}

impl Site {
    /// An empty one.
    pub(super) fn new(backend: Backend, clock: &ManualClock) -> Self {
        let place = match &backend {
            Backend::Memory | Backend::Sqlite => None,
            Backend::Postgres(servers) | Backend::Redis(servers) | Backend::Mixed(servers) => {
                Some(servers.new_place())
            }
        };
        Self { backend, folder: tempfile::tempdir().unwrap(), clock: Arc::new(clock.clone()), place }
    }

    /// Where its files are, if it has any.
    pub(super) fn folders(&self) -> Vec<PathBuf> {
        match &self.backend {
            Backend::Memory | Backend::Sqlite => vec![self.folder.path().to_owned()],
            Backend::Postgres(servers) | Backend::Redis(servers) | Backend::Mixed(servers) => {
                servers.data().to_vec()
            }
        }
    }

    /// Opens the store. What was in memory is not there any more.
    pub(super) fn open(&self) -> Arc<dyn Store> {
        let clock = Arc::clone(&self.clock);
        match (&self.backend, self.place) {
            (Backend::Postgres(servers), Some(place)) => servers.open_postgres(place, clock),
            (Backend::Redis(servers), Some(place)) => servers.open_redis(place, clock),
            (Backend::Mixed(servers), Some(place)) => servers.open_mixed(place, &clock),
            (Backend::Sqlite, _) => {
                let path = self.folder.path().join("bursar.db");
                let options = SqliteOptions::new(path, records::KINDS, clock, "first");
                Arc::new(SqliteStore::open(options).unwrap())
            }
            _ => Arc::new(MemoryStore::new(clock, "first")),
        }
    }
}

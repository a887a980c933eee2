//! Where the records of a world are: the same site can be opened again and again.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

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
    /// `PostgreSQL` for durable kinds, Redis for the others.
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
    began: SystemTime,
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
        let folder = tempfile::tempdir().unwrap();
        let began = folder.path().metadata().unwrap().modified().unwrap();
        Self { backend, folder, clock: Arc::new(clock.clone()), place, began }
    }

    /// Every file that was written since it is there, by its path.
    pub(super) fn files(&self) -> Vec<(PathBuf, Vec<u8>)> {
        let mut files = Vec::new();
        for folder in self.folders() {
            self.read_files(&folder, &mut files);
        }
        files
    }

    fn read_files(&self, folder: &Path, files: &mut Vec<(PathBuf, Vec<u8>)>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            // What cannot be looked at was taken away meanwhile; what cannot be read is a socket.
            let Ok(found) = path.metadata() else { continue };
            if found.is_dir() {
                self.read_files(&path, files);
            } else if found.modified().unwrap() >= self.began
                && let Ok(bytes) = std::fs::read(&path)
            {
                files.push((path, bytes));
            }
        }
    }

    fn folders(&self) -> Vec<PathBuf> {
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

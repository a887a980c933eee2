//! What the store on disk guarantees beyond the contract; and the stores that need no server, opened for it.

mod files;
mod salvage;

use std::path::Path;
use std::sync::Arc;

use bursar_core::memory::MemoryStore;
use bursar_core::memory::clock::ManualClock;
use bursar_store::sqlite::{SqliteOptions, SqliteStore};

use crate::contract::concurrency::{assert_nothing_lost, race};
use crate::contract::{Bench, KINDS, Opened, start};

pub(crate) fn open_memory(_: &Path, clock: ManualClock) -> Opened {
    Arc::new(MemoryStore::new(Arc::new(clock), "first")).into()
}

pub(crate) fn open_sqlite(folder: &Path, clock: ManualClock) -> Opened {
    Arc::new(SqliteStore::open(sqlite_options(folder, clock)).unwrap()).into()
}

pub(crate) fn sqlite_options(folder: &Path, clock: ManualClock) -> SqliteOptions {
    SqliteOptions::new(folder.join("bursar.db"), KINDS, Arc::new(clock), "first")
}

#[test]
fn two_stores_on_one_file_lose_no_increment() {
    let folder = tempfile::tempdir().unwrap();
    let clock = ManualClock::new(start());
    let open = || Arc::new(SqliteStore::open(sqlite_options(folder.path(), clock.clone())).unwrap());
    let stores = [open(), open()];
    race(&[stores[0].clone(), stores[1].clone()]);
    for store in stores {
        assert_nothing_lost(&Bench::new(store, clock.clone()));
    }
}

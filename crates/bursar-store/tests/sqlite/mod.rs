//! What the store on disk guarantees beyond the contract; and the stores that need no server, opened for it.

mod files;
mod salvage;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bursar_core::memory::MemoryStore;
use bursar_core::memory::clock::ManualClock;
use bursar_core::ports::store::{Expected, NewRecord};
use bursar_store::sqlite::{SqliteOptions, SqliteStore};

use futures::executor::block_on;

use crate::contract::concurrency::{assert_nothing_lost, race};
use crate::contract::{ACCOUNT, Bench, KINDS, Opened, after, conflict, done, home, record, start};

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

/// One file, opened by two who know nothing of each other.
fn two_on_one_file(folder: &Path, clock: &ManualClock) -> (Bench, Bench) {
    let open = || Bench::new(open_sqlite(folder, clock.clone()), clock.clone());
    (open(), open())
}

fn owned(key: &str, body: &str, owner: &str) -> NewRecord {
    NewRecord { indexes: vec![("owner", owner.to_owned())], ..record(&ACCOUNT, key, body) }
}

#[test]
fn what_another_store_has_written_or_removed_is_known_to_the_next_commit() {
    let (folder, clock) = (tempfile::tempdir().unwrap(), ManualClock::new(start()));
    let (ours, theirs) = two_on_one_file(folder.path(), &clock);
    let first = ours.create(owned("a", "ours", "me"));
    let second =
        done(&theirs.commit(theirs.batch().put(owned("a", "theirs", "they"), Expected::Version(first))));
    let late = ours.batch().put(owned("a", "late", "me"), Expected::Version(first));
    assert_eq!(ours.commit(late), conflict(&ACCOUNT, "a"));
    // As before for us, but not any more in the file.
    let third = done(&ours.commit(ours.batch().put(owned("a", "again", "me"), Expected::Version(second))));
    assert_eq!((ours.find("owner", "me").len(), ours.find("owner", "they").len()), (1, 0));
    done(&theirs.commit(theirs.batch().delete(&ACCOUNT, "a", third)));
    assert_eq!(
        ours.commit(ours.batch().put(owned("a", "late", "me"), Expected::Version(third))),
        conflict(&ACCOUNT, "a")
    );
    ours.create(owned("a", "new", "me"));
    assert_eq!(theirs.body(&ACCOUNT, "a").as_deref(), Some("new"));
}

#[test]
fn a_record_whose_predecessor_somebody_else_has_swept_away_is_written() {
    let (folder, clock) = (tempfile::tempdir().unwrap(), ManualClock::new(start()));
    let (ours, theirs) = two_on_one_file(folder.path(), &clock);
    ours.create(NewRecord { expires_at: Some(after(10)), ..owned("a", "short", "me") });
    clock.advance(Duration::from_secs(20));
    assert_eq!(block_on(theirs.store.expire(&home(), &ACCOUNT, 10)).unwrap(), 1);
    ours.create(owned("a", "long", "me"));
    assert_eq!(theirs.body(&ACCOUNT, "a").as_deref(), Some("long"));
    assert_eq!(theirs.find("owner", "me").len(), 1);
}

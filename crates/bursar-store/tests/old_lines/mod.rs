//! What the log says of commits and changes goes after a day, whoever cleans up wherever.
//!
//! More of it at a time than records, because there is more of it; and that of a sandbox that has ended too, where nobody
//! cleans up any more. Redis has its own expiry for that, which no clock of a test moves.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bursar_core::memory::clock::ManualClock;
use bursar_core::ports::store::{Batch, Commit, CommitId, Expected, SandboxId, Space, Store};
use futures::executor::block_on;
use jiff::SignedDuration;

use crate::contract::{ACCOUNT, USE, home, record, start};

#[test]
fn of_a_file() {
    assert_they_go(|folder, clock| ((), crate::sqlite::open_sqlite(folder, clock).store));
}

/// Asks `open` for an empty store, and its server if it has one.
pub(crate) fn assert_they_go<S>(open: impl FnOnce(&Path, ManualClock) -> (S, Arc<dyn Store>)) {
    let (folder, clock) = (tempfile::tempdir().unwrap(), ManualClock::new(start()));
    // In this order, so that the server ends after its store.
    let (_server, store) = open(folder.path(), clock.clone());
    let ended = Space::Sandbox(SandboxId::parse("ended").unwrap());
    let create = |key: &str| {
        let batch = Batch::new(ended.clone(), CommitId(key.to_owned()));
        let batch = batch.put(record(&ACCOUNT, key, "x"), Expected::Absent);
        assert!(matches!(block_on(store.commit(batch)).unwrap().value, Commit::Done(_)));
    };
    let changes = || block_on(store.changes(&ended, 0, usize::MAX)).unwrap().value.list.len();
    let is_known =
        |key: &str| block_on(store.outcome(&ended, &CommitId(key.to_owned()))).unwrap().value.is_some();
    let clean_up = || assert_eq!(block_on(store.expire(&home(), &USE, 1)).unwrap(), 0);
    let old: Vec<String> = (0..OLD).map(|number| format!("old {number}")).collect();
    for key in &old {
        create(key);
        block_on(store.count(&ended, key, 1, Duration::from_mins(1))).unwrap();
    }
    clean_up();
    assert_eq!((changes(), old.iter().filter(|key| is_known(key)).count()), (OLD, OLD));
    clock.jump(SignedDuration::from_hours(25));
    create("young");
    clean_up();
    assert_eq!((changes(), old.iter().filter(|key| is_known(key)).count()), (1, 0));
    assert!(is_known("young"));
}

/// Far more than one call collects of records here.
const OLD: usize = 300;

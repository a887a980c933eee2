//! Backups: what can be restored can be backed up and restored again, and means the same.

#![no_main]

use std::sync::Arc;

use bursar_core::engine::records::KINDS;
use bursar_core::memory::MemoryStore;
use bursar_core::memory::clock::ManualClock;
use bursar_core::ports::backup::BackupReader;
use bursar_core::ports::store::{Incarnation, Origin, Page, SandboxId, Space, Store as _};
use bursar_fuzz::answers::NOW;
use futures::executor::block_on;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|file: &[u8]| {
    let Some(first) = restored(file, "first-copy") else { return };
    let health = block_on(first.health()).expect("a restored store tells its life");
    assert_eq!(health.incarnation.id, "first-copy");
    for kind in KINDS {
        let space = Space::Sandbox(SandboxId::personal());
        // A kind of the other scope is refused, which is fine too.
        let _ = block_on(first.list(&space, kind, Page::first(10)));
    }
    let mut again = Vec::new();
    block_on(first.backup(&mut again)).expect("a restored store can be backed up");
    let second = restored(&again, "second-copy").expect("a backup of ours can be restored");
    let mut last = Vec::new();
    block_on(second.backup(&mut last)).expect("a restored store can be backed up");
    let lines = |file: &[u8]| {
        let reader = BackupReader::begin(file).expect("a header");
        reader.map(|line| line.expect("a line of ours")).collect::<Vec<_>>()
    };
    assert_eq!(lines(&again), lines(&last));
});

fn restored(mut file: &[u8], incarnation: &str) -> Option<MemoryStore> {
    let store = MemoryStore::new(Arc::new(ManualClock::new(NOW)), "empty");
    let wanted = Incarnation { id: incarnation.to_owned(), origin: Origin::Fresh };
    match block_on(store.restore(&mut file, wanted)) {
        Ok(()) => Some(store),
        Err(error) => {
            assert!(!error.to_string().is_empty());
            None
        }
    }
}

//! A backup holds everything durable and starts a new life wherever it is restored, in whatever backend.

use std::sync::Arc;
use std::time::Duration;

use bursar_core::memory::clock::ManualClock;
use bursar_core::ports::event::Event;
use bursar_core::ports::store::{EventQuery, Expected, Incarnation, Origin, Page, Space, Store, StoreError};
use futures::executor::block_on;

use super::super::BACKENDS;
use super::{ACCOUNT, Bench, LOGIN, SETTING, after, done, home, keys, on_every_backend, record, start};

fn fill(bench: &Bench) {
    let mut account = record(&ACCOUNT, "a\0ü", "sealed");
    account.body = vec![0, 255, 10, 13];
    account.indexes = vec![("owner", "me".to_owned())];
    account.due_at = Some(after(5));
    account.expires_at = Some(after(1000));
    let event = Event::new(start(), "account.created", "a").with("by", "me");
    done(&bench.commit(bench.batch().put(account, Expected::Absent).event(event)));
    bench.create(record(&LOGIN, "ephemeral", ""));
    let mut gone = record(&ACCOUNT, "gone", "");
    gone.expires_at = Some(after(10));
    bench.create(gone);
    done(&bench.commit(bench.batch_in(Space::System).put(record(&SETTING, "s", "1"), Expected::Absent)));
    bench.clock.advance(Duration::from_secs(10));
}

fn back_up(store: &dyn Store) -> Vec<u8> {
    let mut bytes = Vec::new();
    block_on(store.backup(&mut bytes)).unwrap();
    bytes
}

fn restore(store: &dyn Store, mut bytes: &[u8], id: &str) -> Result<(), StoreError> {
    let origin = Origin::Restored {
        from: String::new(),
        source_is_dead: false,
        grants_stand: false,
        honours_from: None,
    };
    block_on(store.restore(&mut bytes, Incarnation { id: id.to_owned(), origin }))
}

#[test]
fn backup_restores_into_every_backend() {
    on_every_backend(|bench| {
        fill(bench);
        let before = bench.read(&ACCOUNT, "a\0ü").unwrap();
        let bytes = back_up(&*bench.store);
        for (name, open) in BACKENDS {
            let folder = tempfile::tempdir().unwrap();
            let clock = ManualClock::new(after(10));
            let copy = Bench::new(open(folder.path(), clock.clone()), clock);
            restore(&*copy.store, &bytes, "second").unwrap();
            assert_eq!(copy.read(&ACCOUNT, "a\0ü"), Some(before.clone()), "into {name}");
            assert_eq!(keys(&copy.find("owner", "me")), ["a\0ü"]);
            assert_eq!(keys(&copy.list(&ACCOUNT)), ["a\0ü"]);
            assert_eq!(copy.list(&LOGIN), []);
            let due = block_on(copy.store.due(&home(), &ACCOUNT, after(5), 10)).unwrap().value;
            assert_eq!(keys(&due.records), ["a\0ü"]);
            let settings =
                block_on(copy.store.list(&Space::System, &SETTING, Page::first(10))).unwrap().value;
            assert_eq!(keys(&settings), ["s"]);
            let query = EventQuery { after: 0, subject: None, limit: 10 };
            let events = block_on(copy.store.events(&home(), query)).unwrap().value;
            assert_eq!(events.len(), 1);
            assert_eq!(events[0].event.detail["by"], "me");
            let incarnation = block_on(copy.store.health()).unwrap().incarnation;
            let from = "first".to_owned();
            let origin =
                Origin::Restored { from, source_is_dead: false, grants_stand: false, honours_from: None };
            assert_eq!(incarnation, Incarnation { id: "second".to_owned(), origin });
            // Nothing read before can be mistaken for something written after.
            assert!(copy.create(record(&ACCOUNT, "new", "")) > before.version);
            done(&copy.commit(copy.batch().delete(&ACCOUNT, "a\0ü", before.version)));
        }
    });
}

#[test]
fn store_with_records_refuses_a_restore() {
    on_every_backend(|bench| {
        fill(bench);
        let bytes = back_up(&*bench.store);
        assert_eq!(restore(&*bench.store, &bytes, "second"), Err(StoreError::NotEmpty));
        assert_eq!(block_on(bench.store.health()).unwrap().incarnation.id, "first");
        assert_eq!(keys(&bench.list(&ACCOUNT)), ["a\0ü"]);
    });
}

#[test]
fn backup_cut_short_changes_nothing() {
    on_every_backend(|bench| {
        fill(bench);
        let bytes = back_up(&*bench.store);
        let clock = ManualClock::new(start());
        let (name, open) =
            BACKENDS.into_iter().find(|(name, _)| Some(*name) == thread_name().as_deref()).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let copy = Bench::new(open(folder.path(), clock.clone()), clock);
        for length in [0, 10, bytes.len() / 2, bytes.len() - 1] {
            let restored = restore(&*copy.store, &bytes[..length], "second");
            assert!(matches!(restored, Err(StoreError::Damaged(_))), "{length} bytes into {name}");
            assert_eq!(copy.list(&ACCOUNT), []);
            assert_eq!(block_on(copy.store.health()).unwrap().incarnation.id, "first");
        }
        restore(&*copy.store, &bytes, "second").unwrap();
    });
}

fn thread_name() -> Option<String> {
    std::thread::current().name().map(str::to_owned)
}

#[test]
fn restored_store_cannot_keep_the_name_of_its_source() {
    on_every_backend(|bench| {
        let bytes = back_up(&*bench.store);
        assert!(matches!(restore(&*bench.store, &bytes, "first"), Err(StoreError::Misuse(_))));
    });
}

#[test]
fn backup_that_cannot_be_written_is_an_error() {
    #[derive(Debug)]
    struct FullDisk;
    impl std::io::Write for FullDisk {
        fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
            Err(std::io::ErrorKind::StorageFull.into())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    on_every_backend(|bench| {
        assert!(matches!(block_on(bench.store.backup(&mut FullDisk)), Err(StoreError::Full(_))));
        let store = Arc::clone(&bench.store);
        assert!(!back_up(&*store).is_empty());
    });
}

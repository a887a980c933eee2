//! The file: who may read it, which files are refused, and what happens when it goes wrong.

use std::fs;
use std::os::unix::fs::{FileExt as _, PermissionsExt as _};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bursar_core::memory::clock::ManualClock;
use bursar_core::ports::event::Event;
use bursar_core::ports::store::{
    Batch, Commit, CommitId, EventQuery, Expected, Group, Kind, Page, Scope, Store, StoreError,
};
use bursar_store::sqlite::{SqliteOptions, SqliteStore};
use futures::FutureExt as _;
use futures::executor::block_on;
use tempfile::TempDir;

use super::sqlite_options;
use crate::contract::{ACCOUNT, Bench, KINDS, USE, done, home, keys, record, start};

fn options(folder: &Path) -> SqliteOptions {
    sqlite_options(folder, ManualClock::new(start()))
}

fn open(folder: &Path) -> Result<SqliteStore, StoreError> {
    SqliteStore::open(options(folder))
}

fn bench(folder: &Path) -> Bench {
    Bench::new(Arc::new(open(folder).unwrap()), ManualClock::new(start()))
}

/// A closed store with some hundred records.
fn filled() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let bench = bench(folder.path());
    let batch = (0..300).fold(bench.batch(), |batch, number| {
        batch.put(record(&ACCOUNT, &format!("{number:03}"), &"x".repeat(400)), Expected::Absent)
    });
    done(&bench.commit(batch));
    folder
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn only_the_owner_can_read_the_files() {
    let folder = tempfile::tempdir().unwrap();
    let bench = bench(folder.path());
    bench.create(record(&ACCOUNT, "a", ""));
    let mut seen = 0;
    for entry in fs::read_dir(folder.path()).unwrap() {
        let path = entry.unwrap().path();
        assert_eq!(mode(&path), 0o600, "{}", path.display());
        seen += 1;
    }
    assert_eq!(seen, 3, "the database, its log and the log's index");
}

#[test]
fn records_outlive_the_store_and_versions_go_on() {
    let folder = tempfile::tempdir().unwrap();
    let first = bench(folder.path()).create(record(&ACCOUNT, "a", "one"));
    let reopened = bench(folder.path());
    assert_eq!(reopened.body(&ACCOUNT, "a").as_deref(), Some("one"));
    assert!(reopened.create(record(&ACCOUNT, "b", "two")) > first);
}

#[test]
fn opening_a_current_file_writes_nothing() {
    let folder = filled();
    let path = folder.path().join("bursar.db");
    let before = fs::read(&path).unwrap();
    let bench = bench(folder.path());
    assert_eq!(bench.list(&ACCOUNT).len(), 300);
    let log = fs::metadata(folder.path().join("bursar.db-wal")).map_or(0, |log| log.len());
    assert_eq!(log, 0);
    drop(bench);
    assert_eq!(fs::read(&path).unwrap(), before);
}

#[test]
fn acknowledged_work_is_written_before_the_store_is_dropped() {
    let folder = tempfile::tempdir().unwrap();
    let bench = bench(folder.path());
    let batches: Vec<_> =
        (0..50).map(|n| bench.batch().put(record(&ACCOUNT, &n.to_string(), ""), Expected::Absent)).collect();
    // Polled once, so they are on their way, and then nobody waits for them.
    for batch in batches {
        let _ = bench.store.commit(batch).now_or_never();
    }
    drop(bench);
    assert_eq!(self::bench(folder.path()).list(&ACCOUNT).len(), 50);
}

#[test]
fn concurrent_commits_share_a_transaction() {
    let folder = tempfile::tempdir().unwrap();
    let commits = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&commits);
    let mut options = options(folder.path());
    options.on_commit = Some(Arc::new(move || {
        counted.fetch_add(1, Ordering::SeqCst);
    }));
    let bench = Bench::new(Arc::new(SqliteStore::open(options).unwrap()), ManualClock::new(start()));
    let writes = (0..200).map(|n| {
        bench.store.commit(bench.batch().put(record(&ACCOUNT, &n.to_string(), ""), Expected::Absent))
    });
    let answers = block_on(futures::future::join_all(writes));
    assert!(
        answers.iter().all(|answer| matches!(answer, Ok(answer) if matches!(answer.value, Commit::Done(_))))
    );
    let commits = commits.load(Ordering::SeqCst);
    assert!((1..=100).contains(&commits), "{commits} transactions for 200 batches");
}

#[test]
fn conflict_in_a_group_costs_its_neighbours_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let bench = bench(folder.path());
    bench.create(record(&ACCOUNT, "taken", ""));
    let writes = (0..100).map(|n| {
        let key = if n % 2 == 0 { format!("{n:02}") } else { "taken".to_owned() };
        let first = bench.batch().put(record(&ACCOUNT, &format!("with {n:02}"), ""), Expected::Absent);
        bench.store.commit(first.put(record(&ACCOUNT, &key, ""), Expected::Absent))
    });
    for (n, answer) in block_on(futures::future::join_all(writes)).into_iter().enumerate() {
        let happened = matches!(answer.unwrap().value, Commit::Done(_));
        assert_eq!(happened, n % 2 == 0, "{n}");
        assert_eq!(bench.read(&ACCOUNT, &format!("with {n:02}")).is_some(), happened, "{n}");
    }
}

#[test]
fn folder_that_cannot_be_written_is_told_as_such() {
    // Not even root makes files here.
    let refused = open(Path::new("/sys/kernel"));
    assert!(matches!(refused, Err(StoreError::ReadOnly(_))), "{refused:?}");
}

#[test]
fn folder_that_is_not_there_is_told_as_such() {
    let folder = tempfile::tempdir().unwrap();
    let refused = open(&folder.path().join("none"));
    assert!(
        matches!(&refused, Err(StoreError::Unavailable(detail)) if detail.contains("none")),
        "{refused:?}"
    );
}

#[test]
fn file_that_is_no_database_is_damaged_and_left_alone() {
    let folder = filled();
    let path = folder.path().join("bursar.db");
    let file = fs::OpenOptions::new().write(true).open(&path).unwrap();
    file.write_all_at(b"not a database at all", 0).unwrap();
    let before = fs::read(&path).unwrap();
    let refused = open(folder.path());
    assert!(matches!(refused, Err(StoreError::Damaged(_))), "{refused:?}");
    assert_eq!(fs::read(&path).unwrap(), before);
}

#[test]
fn truncated_file_is_damaged() {
    let folder = filled();
    let path = folder.path().join("bursar.db");
    let length = fs::metadata(&path).unwrap().len();
    for kept in [50, 4096, length / 2, length - 4096] {
        let file = fs::OpenOptions::new().write(true).open(&path).unwrap();
        file.set_len(kept).unwrap();
        let refused = open(folder.path())
            .and_then(|store| block_on(store.list(&home(), &ACCOUNT, Page::first(1000))).map(|_| ()));
        assert!(matches!(refused, Err(StoreError::Damaged(_))), "{kept} of {length} bytes: {refused:?}");
        // From the front again, for the next cut.
        fs::copy(filled().path().join("bursar.db"), &path).unwrap();
    }
}

#[test]
fn database_of_another_program_is_refused_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bursar.db");
    let other = rusqlite::Connection::open(&path).unwrap();
    other.execute_batch("CREATE TABLE notes (text TEXT); PRAGMA application_id = 7").unwrap();
    drop(other);
    let before = fs::read(&path).unwrap();
    let refused = open(folder.path());
    assert!(matches!(refused, Err(StoreError::Damaged(_))), "{refused:?}");
    assert_eq!(fs::read(&path).unwrap(), before);
}

#[test]
fn file_of_a_newer_build_is_refused() {
    let folder = filled();
    let connection = rusqlite::Connection::open(folder.path().join("bursar.db")).unwrap();
    connection.pragma_update(None, "user_version", 99).unwrap();
    drop(connection);
    let refused = open(folder.path()).map(|_| ());
    assert_eq!(refused, Err(StoreError::Newer { found: 99, known: 3 }));
}

#[test]
fn newer_build_adds_kinds_and_indexes_to_an_older_file() {
    static GROWN: Kind = Kind {
        name: "account",
        scope: Scope::Sandbox,
        group: Group::Durable,
        indexes: &["provider", "owner", "state"],
        watched: true,
    };
    static ADDED: Kind =
        Kind { name: "added", scope: Scope::Sandbox, group: Group::Durable, indexes: &["by"], watched: true };
    static NEWER: &[&Kind] = &[&GROWN, &ADDED];

    let folder = filled();
    let newer = SqliteOptions { kinds: NEWER, ..options(folder.path()) };
    let newer = Bench::new(Arc::new(SqliteStore::open(newer).unwrap()), ManualClock::new(start()));
    assert_eq!(newer.list(&GROWN).len(), 300);
    let mut indexed = record(&GROWN, "new", "");
    indexed.indexes = vec![("state", "x".to_owned())];
    newer.create(indexed);
    newer.create(record(&ADDED, "a", ""));
    let found = block_on(newer.store.find(&home(), &GROWN, "state", "x", Page::first(10))).unwrap().value;
    assert_eq!(keys(&found), ["new"]);
    // The older build, still running somewhere, goes on as well.
    assert_eq!(bench(folder.path()).list(&ACCOUNT).len(), 301);
}

#[test]
fn kind_that_was_not_declared_is_misuse() {
    static OTHER: Kind =
        Kind { name: "other", scope: Scope::Sandbox, group: Group::Durable, indexes: &[], watched: true };
    let folder = tempfile::tempdir().unwrap();
    let bench = bench(folder.path());
    assert!(!KINDS.contains(&&OTHER));
    assert!(matches!(block_on(bench.store.get(&home(), &OTHER, "a")), Err(StoreError::Misuse(_))));
    let put = bench.try_commit(bench.batch().put(record(&OTHER, "a", ""), Expected::Absent));
    assert!(matches!(put, Err(StoreError::Misuse(_))));
}

#[test]
fn full_disk_changes_nothing_and_reading_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let roomy = bench(folder.path());
    roomy.create(record(&ACCOUNT, "before", "x"));
    drop(roomy);
    let options = SqliteOptions { page_limit: Some(1), ..options(folder.path()) };
    let bench = Bench::new(Arc::new(SqliteStore::open(options).unwrap()), ManualClock::new(start()));
    let large = bench
        .batch()
        .put(record(&ACCOUNT, "small", "x"), Expected::Absent)
        .put(record(&ACCOUNT, "large", &"x".repeat(100_000)), Expected::Absent);
    let id = large.id().clone();
    let refused = bench.try_commit(large);
    assert!(matches!(refused, Err(StoreError::Full(_))), "{refused:?}");
    assert_eq!(block_on(bench.store.outcome(&home(), &id)).unwrap().value, None);
    assert_eq!(keys(&bench.list(&ACCOUNT)), ["before"]);
    // What still fits is still written.
    bench.create(record(&ACCOUNT, "little", "x"));
}

#[test]
fn a_batch_that_does_not_fit_costs_its_neighbours_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let options = SqliteOptions { page_limit: Some(120), ..options(folder.path()) };
    let bench = Bench::new(Arc::new(SqliteStore::open(options).unwrap()), ManualClock::new(start()));
    let writes = (0..20).map(|n| {
        let body = "x".repeat(if n == 10 { 1_000_000 } else { 10 });
        let first = bench.batch().put(record(&USE, &format!("with {n:02}"), ""), Expected::Absent);
        bench.store.commit(first.put(record(&ACCOUNT, &format!("{n:02}"), &body), Expected::Absent))
    });
    for (n, answer) in block_on(futures::future::join_all(writes)).into_iter().enumerate() {
        let is_full = matches!(answer, Err(StoreError::Full(_)));
        let is_done = matches!(answer, Ok(answer) if matches!(answer.value, Commit::Done(_)));
        assert_eq!((is_done, is_full), (n != 10, n == 10), "{n}");
        assert_eq!(bench.read(&USE, &format!("with {n:02}")).is_some(), is_done, "{n}");
        assert_eq!(bench.read(&ACCOUNT, &format!("{n:02}")).is_some(), is_done, "{n}");
    }
}

#[test]
fn store_locked_for_long_is_unavailable_and_recovers() {
    let folder = tempfile::tempdir().unwrap();
    let bench = bench(folder.path());
    bench.create(record(&ACCOUNT, "a", ""));
    let other = rusqlite::Connection::open(folder.path().join("bursar.db")).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let refused = bench.try_commit(bench.batch().put(record(&ACCOUNT, "b", ""), Expected::Absent));
    assert!(matches!(refused, Err(StoreError::Unavailable(_))), "{refused:?}");
    assert_eq!(keys(&bench.list(&ACCOUNT)), ["a"]);
    other.execute_batch("ROLLBACK").unwrap();
    bench.create(record(&ACCOUNT, "b", ""));
}

#[test]
fn file_replaced_under_a_running_store_is_noticed() {
    let folder = tempfile::tempdir().unwrap();
    let bench = bench(folder.path());
    bench.create(record(&ACCOUNT, "old", ""));
    assert_eq!(keys(&bench.list(&ACCOUNT)), ["old"]);
    for file in ["bursar.db", "bursar.db-wal", "bursar.db-shm"] {
        fs::remove_file(folder.path().join(file)).unwrap();
    }
    // A commit into a file that nobody can open again must not be acknowledged.
    let lost = bench.try_commit(bench.batch().put(record(&ACCOUNT, "lost", ""), Expected::Absent));
    assert!(matches!(lost, Err(StoreError::Unavailable(_))), "{lost:?}");
    let restored = self::bench(folder.path());
    restored.create(record(&ACCOUNT, "new", ""));
    assert_eq!(keys(&bench.list(&ACCOUNT)), ["new"]);
    bench.create(record(&ACCOUNT, "newer", ""));
    assert_eq!(keys(&restored.list(&ACCOUNT)), ["new", "newer"]);
}

#[test]
fn commits_of_another_process_are_noticed_by_polling() {
    let folder = tempfile::tempdir().unwrap();
    let (here, there) = (open(folder.path()).unwrap(), bench(folder.path()));
    here.poll_changes().unwrap();
    let mut watch = here.watch();
    here.poll_changes().unwrap();
    assert!(!watch.has_changed().unwrap());
    there.create(record(&ACCOUNT, "a", ""));
    here.poll_changes().unwrap();
    assert!(watch.has_changed().unwrap());
    watch.mark_unchanged();
    here.poll_changes().unwrap();
    assert!(!watch.has_changed().unwrap());
}

#[test]
fn stores_opened_at_once_on_a_new_file_all_work() {
    let folder = tempfile::tempdir().unwrap();
    std::thread::scope(|scope| {
        for number in 0..8 {
            let path = folder.path();
            scope.spawn(move || bench(path).create(record(&ACCOUNT, &number.to_string(), "")));
        }
    });
    assert_eq!(bench(folder.path()).list(&ACCOUNT).len(), 8);
}

#[test]
fn events_of_a_file_of_the_first_schema_are_kept_and_counted_on() {
    let folder = tempfile::tempdir().unwrap();
    let event = |name: &str| Event::new(start(), name, "a");
    let append =
        |store: &SqliteStore, name: &str| block_on(store.append(&home(), vec![event(name)])).unwrap();
    for name in ["first.event", "second.event"] {
        append(&open(folder.path()).unwrap(), name);
    }
    let connection = rusqlite::Connection::open(folder.path().join("bursar.db")).unwrap();
    connection.execute_batch(FIRST_SCHEMA_OF_EVENTS).unwrap();
    drop(connection);
    let store = open(folder.path()).unwrap();
    append(&store, "third.event");
    let everything = EventQuery { after: 0, subject: None, limit: 10 };
    let events = block_on(store.events(&home(), everything)).unwrap().value;
    let events: Vec<_> = events.iter().map(|stored| (stored.id, stored.event.name.as_str())).collect();
    // The second had been forgotten, and its number stays its own.
    assert_eq!(events, [(1, "first.event"), (3, "third.event")]);
}

#[test]
fn a_log_does_not_get_much_longer_than_a_thousand_pages() {
    let folder = tempfile::tempdir().unwrap();
    let bench = bench(folder.path());
    let mut longest = 0;
    for hundred in 0..100 {
        let batch = (0..100).fold(bench.batch(), |batch, number| {
            let key = format!("{hundred:03}-{number:03}");
            batch.put(record(&ACCOUNT, &key, &"x".repeat(1_500)), Expected::Absent)
        });
        done(&bench.commit(batch));
        longest = longest.max(fs::metadata(folder.path().join("bursar.db-wal")).unwrap().len());
    }
    // All of it is more than three times as long.
    let thousand = 1_000 * 4_096;
    assert!((thousand..thousand * 3 / 2).contains(&longest), "{longest}");
}

#[test]
fn commits_of_a_file_of_the_second_schema_are_remembered() {
    let folder = tempfile::tempdir().unwrap();
    let id = CommitId("before".to_owned());
    let batch = || Batch::new(home(), id.clone()).put(record(&ACCOUNT, "a", ""), Expected::Absent);
    let first = bench(folder.path()).commit(batch());
    let connection = rusqlite::Connection::open(folder.path().join("bursar.db")).unwrap();
    connection.execute_batch(SECOND_SCHEMA_OF_COMMITS).unwrap();
    drop(connection);
    let bench = bench(folder.path());
    assert_eq!(block_on(bench.store.outcome(&home(), &id)).unwrap().value, Some(done(&first).0));
    assert_eq!(bench.commit(batch()), first);
}

const SECOND_SCHEMA_OF_COMMITS: &str = "
    ALTER TABLE commit_log RENAME TO commit_now;
    CREATE TABLE commit_log (
        sequence INTEGER PRIMARY KEY, space TEXT NOT NULL, id TEXT NOT NULL, at INTEGER NOT NULL, UNIQUE (space, id)
    ) STRICT;
    INSERT INTO commit_log SELECT sequence, space, id, at FROM commit_now;
    DROP TABLE commit_now;
    PRAGMA user_version = 2;
";

const FIRST_SCHEMA_OF_EVENTS: &str = "
    ALTER TABLE event RENAME TO event_now;
    CREATE TABLE event (
        id INTEGER PRIMARY KEY AUTOINCREMENT, space TEXT NOT NULL, at INTEGER NOT NULL, name TEXT NOT NULL,
        subject TEXT NOT NULL, detail TEXT NOT NULL
    ) STRICT;
    INSERT INTO event SELECT id, space, at, name, subject, detail FROM event_now;
    DROP TABLE event_now;
    DELETE FROM event WHERE id = 2;
    CREATE INDEX event_by_space ON event (space);
    CREATE INDEX event_by_subject ON event (space, subject);
    DELETE FROM meta WHERE name = 'event';
    PRAGMA user_version = 1;
";

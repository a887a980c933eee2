//! Transactions that the server itself breaks off: whoever lost against another one tries again, and says so if that never helps.

use std::sync::Arc;
use std::time::Duration;

use bursar_core::memory::clock::ManualClock;
use bursar_core::ports::store::{Batch, CommitId, Expected, Store as _, StoreError, Version};
use bursar_store::postgres::PostgresStore;
use futures::executor::block_on;

use super::contract::{ACCOUNT, Bench, done, home, record, start};
use super::server::Server;

const AT_ONCE: &str = "NOT DEFERRABLE";
const AT_THE_END: &str = "INITIALLY DEFERRED";

/// Breaks off the first so many transactions that write an account, as a server does when two cannot both be right.
fn break_off(server: &Server, at: &str, times: &str) {
    server.ask(&format!(
        "CREATE SEQUENCE bursar.tries; \
         CREATE FUNCTION bursar.break_off() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
         IF nextval('bursar.tries') <= {times} THEN \
         RAISE EXCEPTION 'could not serialize access' USING ERRCODE = 'serialization_failure'; END IF; \
         RETURN NULL; END $$; \
         CREATE CONSTRAINT TRIGGER break_off AFTER INSERT OR UPDATE ON bursar.kind_account {at} \
         FOR EACH ROW EXECUTE FUNCTION bursar.break_off()"
    ));
}

fn tries(server: &Server) -> u64 {
    server.ask("SELECT last_value FROM bursar.tries").parse().unwrap()
}

fn put(key: &str, body: &str, expected: Expected) -> Batch {
    Batch::new(home(), CommitId(format!("{key}-{body}"))).put(record(&ACCOUNT, key, body), expected)
}

#[test]
fn serialization_failures_are_tried_again_until_the_commit_is_done_once() {
    for at in [AT_ONCE, AT_THE_END] {
        let folder = tempfile::tempdir().unwrap();
        let server = Server::start(folder.path());
        let store = server.store();
        break_off(&server, at, "3");
        let version = done(&block_on(store.commit(put("a", "1", Expected::Absent))).unwrap().value);
        assert_eq!(tries(&server), 4, "{at}");
        let found = block_on(store.get(&home(), &ACCOUNT, "a")).unwrap().value.unwrap();
        assert_eq!((found.version, &*found.body), (version, &b"1"[..]));
        assert_eq!(server.ask("SELECT count(*) FROM bursar.commit_log"), "1", "{at}");
    }
}

#[test]
fn serialization_failures_without_end_are_trouble_and_leave_nothing() {
    for at in [AT_ONCE, AT_THE_END] {
        let folder = tempfile::tempdir().unwrap();
        let server = Server::start(folder.path());
        let store = impatient(&server);
        break_off(&server, at, "1000000");
        let refused = block_on(store.commit(put("a", "1", Expected::Absent)));
        // Of a commit that fails at its very end nobody but the server knows whether it happened: it is to be looked for.
        let is_trouble = match at {
            AT_ONCE => matches!(refused, Err(StoreError::Unavailable(_))),
            _ => matches!(refused, Err(StoreError::UnknownOutcome(_))),
        };
        assert!(is_trouble, "{at}: {refused:?}");
        assert!(tries(&server) > 3, "{at}");
        let id = CommitId("a-1".to_owned());
        assert_eq!(block_on(store.outcome(&home(), &id)).unwrap().value, None, "{at}");
        server.ask("DROP TRIGGER break_off ON bursar.kind_account");
        done(&block_on(store.commit(put("a", "1", Expected::Absent))).unwrap().value);
    }
}

#[test]
fn deadlock_with_another_program_is_tried_again() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path());
    let bench = Bench::new(Arc::new(server.store()), ManualClock::new(start()));
    let before = bench.create(record(&ACCOUNT, "a", "1"));
    std::thread::scope(|scope| {
        // It waits the longer of both, so the store's transaction is the one that is broken off.
        let other = scope.spawn(|| {
            server.ask(
                "SET deadlock_timeout = '1min'; BEGIN; \
                 SELECT 1 FROM bursar.kind_account FOR UPDATE; \
                 DO $$ BEGIN WHILE NOT EXISTS (SELECT FROM pg_locks WHERE NOT granted) \
                 LOOP PERFORM pg_sleep(0.01); END LOOP; END $$; \
                 LOCK TABLE bursar.commit_log IN SHARE ROW EXCLUSIVE MODE; COMMIT",
            );
        });
        while server.ask(HELD) == "0" {}
        let batch = put("a", "2", Expected::Version(before));
        let version: Version = done(&bench.commit(batch));
        assert!(version > before);
        other.join().unwrap();
    });
    assert_eq!(bench.body(&ACCOUNT, "a").as_deref(), Some("2"));
    // It tells a moment later.
    while server.ask(DEADLOCKS) == "0" {}
}

const HELD: &str = "SELECT count(*) FROM pg_locks WHERE relation = 'bursar.kind_account'::regclass AND mode = 'RowShareLock'";
const DEADLOCKS: &str = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()";

fn impatient(server: &Server) -> PostgresStore {
    let mut options = server.options();
    options.patience = Duration::from_millis(500);
    block_on(PostgresStore::open(options)).unwrap()
}

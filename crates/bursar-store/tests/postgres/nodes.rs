//! Several nodes on one database: they exclude, follow and wake each other.

use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bursar_core::memory::clock::ManualClock;
use bursar_core::ports::event::Event;
use bursar_core::ports::store::{Batch, CommitId, EventQuery, Expected, Store, Version};
use bursar_store::postgres::PostgresStore;
use futures::executor::block_on;

use super::contract::clock::assert_shared;
use super::contract::concurrency::{assert_nothing_lost, race};
use super::contract::{ACCOUNT, Bench, done, home, record, start};
use super::server::Server;
use crate::old_lines::assert_they_go;

fn create(key: &str) -> Batch {
    let event = Event::new(start(), "account.created", key);
    Batch::new(home(), CommitId(key.to_owned())).put(record(&ACCOUNT, key, ""), Expected::Absent).event(event)
}

fn changes(store: &PostgresStore, after: u64) -> Vec<(u64, String)> {
    let changes = block_on(store.changes(&home(), after, 1000)).unwrap().value.list;
    changes.into_iter().map(|change| (change.sequence, change.key)).collect()
}

#[test]
fn two_stores_on_one_database_lose_no_increment() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path());
    let stores: [Arc<dyn Store>; 2] = [Arc::new(server.store()), Arc::new(server.store())];
    race(&stores);
    for store in stores {
        assert_nothing_lost(&Bench::new(super::Opened { store, server: None }, ManualClock::new(start())));
    }
}

#[test]
fn nodes_that_start_together_make_one_store() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path());
    let lives: BTreeSet<String> = std::thread::scope(|scope| {
        let nodes: Vec<_> = (0..4)
            .map(|node| {
                let server = &server;
                scope.spawn(move || {
                    let mut options = server.options();
                    options.incarnation = format!("node {node}");
                    let store = block_on(PostgresStore::open(options)).unwrap();
                    block_on(store.health()).unwrap().incarnation.id
                })
            })
            .collect();
        nodes.into_iter().map(|node| node.join().unwrap()).collect()
    });
    assert_eq!(lives.len(), 1, "{lives:?}");
}

#[test]
fn nobody_who_follows_changes_or_events_ever_misses_one() {
    const WRITERS: usize = 8;
    const COMMITS: usize = 60;
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path());
    let stores = [server.store(), server.store()];
    let reader = server.store();
    let done_writing = AtomicBool::new(false);
    let (keys, subjects) = std::thread::scope(|scope| {
        let writers: Vec<_> = (0..WRITERS)
            .map(|writer| {
                let store = &stores[writer % stores.len()];
                scope.spawn(move || {
                    for number in 0..COMMITS {
                        done(&block_on(store.commit(create(&format!("{writer}-{number}")))).unwrap().value);
                    }
                })
            })
            .collect();
        let follower = scope.spawn(|| follow(&reader, &done_writing));
        for writer in writers {
            writer.join().unwrap();
        }
        done_writing.store(true, Ordering::SeqCst);
        follower.join().unwrap()
    });
    assert_eq!(keys.len(), WRITERS * COMMITS);
    assert_eq!(subjects.len(), WRITERS * COMMITS);
}

/// Reads on from where it was, and never back.
fn follow(store: &PostgresStore, done_writing: &AtomicBool) -> (BTreeSet<String>, BTreeSet<String>) {
    let (mut keys, mut subjects) = (BTreeSet::new(), BTreeSet::new());
    let (mut change, mut event) = (0, 0);
    loop {
        let last_round = done_writing.load(Ordering::SeqCst);
        for (sequence, key) in changes(store, change) {
            assert!(sequence > change && keys.insert(key));
            change = sequence;
        }
        let query = EventQuery { after: event, subject: None, limit: 1000 };
        for stored in block_on(store.events(&home(), query)).unwrap().value {
            assert!(stored.id > event && subjects.insert(stored.event.subject));
            event = stored.id;
        }
        if last_round {
            return (keys, subjects);
        }
    }
}

#[test]
fn later_commit_is_not_told_before_an_earlier_one_that_is_still_under_way() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path());
    let (store, other) = (server.store(), server.store());
    let first = done(&block_on(store.commit(create("first"))).unwrap().value);
    // Another node, slow at the worst moment: it has its number, and has not committed.
    let mut slow = server.client("bursar").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let (mut orders, mut answers) = (slow.stdin.take().unwrap(), BufReader::new(slow.stdout.take().unwrap()));
    orders.write_all(SLOW.as_bytes()).unwrap();
    let mut line = String::new();
    while !line.contains("written") {
        line.clear();
        answers.read_line(&mut line).unwrap();
    }
    let mut watch = other.watch();
    watch.mark_unchanged();
    let last = done(&block_on(store.commit(create("last"))).unwrap().value);
    block_on(watch.changed()).unwrap();
    assert_eq!(changes(&store, first.0), []);
    let unsettled = block_on(other.changes(&home(), first.0, 1000)).unwrap().value;
    assert_eq!(unsettled.list, []);
    // Whoever reads on from there misses neither of the two.
    assert!(unsettled.is_all && unsettled.until < last.0 - 1, "{unsettled:?}");
    watch.mark_unchanged();
    orders.write_all(b"COMMIT;\n\\q\n").unwrap();
    assert!(slow.wait().unwrap().success());
    // Who looked too early is woken again.
    block_on(watch.changed()).unwrap();
    let told = changes(&other, unsettled.until);
    assert_eq!(told.iter().map(|(_, key)| &**key).collect::<Vec<_>>(), ["slow", "last"]);
}

#[test]
fn a_writer_that_locks_late_sends_nobody_back() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path());
    let store = server.store();
    done(&block_on(store.commit(create("first"))).unwrap().value);
    let told = done(&block_on(store.commit(create("second"))).unwrap().value).0;
    // It had read the last number before the second commit drew one.
    let mut late = server.client("bursar").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut orders = late.stdin.take().unwrap();
    let lock = format!("BEGIN; SELECT pg_advisory_xact_lock_shared((11::bigint << 56) | {});\n", told - 1);
    orders.write_all(lock.as_bytes()).unwrap();
    while server.ask("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'") == "0" {}
    let changes = |after| block_on(store.changes(&home(), after, 1000)).unwrap().value;
    let read_on = changes(told);
    assert!(read_on.list.is_empty() && read_on.is_all && read_on.until == told, "{read_on:?}");
    // As after a copy from before was put in its place.
    let ahead = changes(told + 1000);
    assert!(ahead.until < told + 1000, "{ahead:?}");
    orders.write_all(b"COMMIT;\n\\q\n").unwrap();
    assert!(late.wait().unwrap().success());
}

/// What a commit does, up to the last step.
const SLOW: &str = "\
    BEGIN;\n\
    SELECT pg_advisory_xact_lock_shared((11::bigint << 56) | last_value) FROM bursar.commit_sequence;\n\
    INSERT INTO bursar.commit_log (sequence, space, id, at) \
        VALUES (nextval('bursar.commit_sequence'), 'default', 'slow', 0);\n\
    INSERT INTO bursar.change_log (space, sequence, ordinal, kind, key) \
        VALUES ('default', currval('bursar.commit_sequence'), 0, 'account', 'slow');\n\
    SELECT 'written';\n";

#[test]
fn outcome_of_a_commit_under_way_is_waited_for() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path());
    let store = server.store();
    let mut slow = server.client("bursar").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let (mut orders, mut answers) = (slow.stdin.take().unwrap(), BufReader::new(slow.stdout.take().unwrap()));
    let lock = "BEGIN;\nSELECT pg_advisory_xact_lock(hashtextextended('/default/slow' COLLATE \"C\", 0) | (-9223372036854775808));\n";
    orders.write_all(lock.as_bytes()).unwrap();
    orders.write_all(SLOW.strip_prefix("BEGIN;\n").unwrap().as_bytes()).unwrap();
    let mut line = String::new();
    while !line.contains("written") {
        line.clear();
        answers.read_line(&mut line).unwrap();
    }
    let outcome = std::thread::scope(|scope| {
        let asked =
            scope.spawn(|| block_on(store.outcome(&home(), &CommitId("slow".to_owned()))).unwrap().value);
        let waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted";
        while server.ask(waiting) == "0" {}
        orders.write_all(b"COMMIT;\n\\q\n").unwrap();
        asked.join().unwrap()
    });
    assert!(slow.wait().unwrap().success());
    assert!(outcome.is_some());
}

#[test]
fn watchers_hear_of_other_nodes_even_if_nobody_tells_them() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path());
    let (one, other) = (server.store(), server.store());
    let mut watch = other.watch();
    let mut hear = |key: &str| {
        let Version(sequence) = done(&block_on(one.commit(create(key))).unwrap().value);
        // Hints may come for what was there before.
        while changes(&other, sequence - 1).is_empty() {
            block_on(watch.changed()).unwrap();
        }
        watch.mark_unchanged();
    };
    hear("told");
    for number in 0..3 {
        server.ask("SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE query LIKE 'LISTEN%' AND pid <> pg_backend_pid()");
        hear(&format!("found out {number}"));
    }
}

#[test]
fn expired_records_are_collected_by_all_nodes_together_and_each_once() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path());
    let stores = [server.store(), server.store()];
    let batch = (0..200).fold(Batch::new(home(), CommitId("all".to_owned())), |batch, number| {
        let mut expired = record(&ACCOUNT, &format!("{number:03}"), "");
        expired.expires_at = Some(start());
        batch.put(expired, Expected::Absent)
    });
    done(&block_on(stores[0].commit(batch)).unwrap().value);
    let collect = |store: &PostgresStore| {
        let mut collected = 0;
        // One that finds nothing may have met rows that another one was at.
        for _ in 0..60 {
            collected += block_on(store.expire(&home(), &ACCOUNT, 7)).unwrap();
        }
        collected
    };
    let collected: usize = std::thread::scope(|scope| {
        let nodes: Vec<_> = (0..4)
            .map(|node| {
                scope.spawn({
                    let store = &stores[node % 2];
                    move || collect(store)
                })
            })
            .collect();
        nodes.into_iter().map(|node| node.join().unwrap()).sum()
    });
    assert_eq!(collected, 200);
    assert_eq!(server.ask("SELECT count(*) FROM bursar.kind_account"), "0");
}

#[test]
fn the_log_of_the_database_goes_after_a_day_whoever_cleans_up() {
    assert_they_go(|folder, clock| {
        let opened = super::open(folder, clock);
        (opened.server, opened.store)
    });
}

#[test]
fn nodes_go_by_the_servers_clock_however_wrong_it_is() {
    for minutes in [-10, 10] {
        let folder = tempfile::tempdir().unwrap();
        let opened = super::open_ahead(folder.path(), minutes);
        assert_shared(&opened.store, &ManualClock::new(start()));
    }
}

#[test]
fn time_is_the_servers_for_every_node() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path());
    let store = server.store();
    let now = || {
        server
            .ask("SELECT floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint")
            .parse::<i64>()
            .unwrap()
    };
    let before = now();
    let read = block_on(store.get(&home(), &ACCOUNT, "a")).unwrap().time.as_millisecond();
    let committed = block_on(store.commit(create("a"))).unwrap().time.as_millisecond();
    let counted = block_on(store.count(&home(), "c", 1, Duration::from_mins(1))).unwrap();
    let after = now();
    assert!(before <= read && read <= committed && committed <= counted.time.as_millisecond());
    assert!(counted.time.as_millisecond() <= after);
    assert_eq!(counted.value.value, 1);
    let resets_in = counted.value.resets_at.as_millisecond() - counted.time.as_millisecond();
    assert!((1..=60_000).contains(&resets_in), "{resets_in}");
    assert_eq!(counted.value.resets_at.as_millisecond() % 60_000, 0);
}

//! Servers that die, come back, stall or lose their data; connections that are cut.

use std::collections::BTreeSet;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bursar_core::memory::clock::ManualClock;
use bursar_core::ports::event::Event;
use bursar_core::ports::store::{
    Batch, Commit, CommitId, EventQuery, Expected, Kind, Page, Store as _, StoreError,
};
use bursar_store::redis::RedisStore;
use futures::executor::block_on;

use super::contract::{ACCOUNT, Bench, LOGIN, USE, done, home, record, start};
use super::server::Server;

static ONLY_EPHEMERAL: &[&Kind] = &[&LOGIN];

fn create(key: &str) -> Batch {
    let event = Event::new(start(), "account.created", key);
    Batch::new(home(), CommitId(key.to_owned())).put(record(&USE, key, ""), Expected::Absent).event(event)
}

#[test]
fn killed_server_loses_nothing_it_acknowledged_and_doubles_nothing() {
    const WRITERS: usize = 8;
    const KILLS: usize = 4;
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path(), &[]);
    let store = server.store();
    let stop = AtomicBool::new(false);
    let acknowledged: Vec<Vec<String>> = std::thread::scope(|scope| {
        let writers: Vec<_> = (0..WRITERS)
            .map(|writer| {
                let (store, stop) = (&store, &stop);
                scope.spawn(move || {
                    let mut acknowledged = Vec::new();
                    for number in 0.. {
                        if stop.load(Ordering::Relaxed) {
                            break;
                        }
                        let key = format!("{writer}-{number}");
                        match block_on(store.commit(create(&key))) {
                            Ok(answer) => {
                                done(&answer.value);
                                acknowledged.push(key);
                            }
                            Err(StoreError::Unavailable(_) | StoreError::UnknownOutcome(_)) => {}
                            Err(error) => panic!("{error}"),
                        }
                    }
                    acknowledged
                })
            })
            .collect();
        for _ in 0..KILLS {
            let before = block_on(store.health()).unwrap().time;
            // Some commits happen between one kill and the next.
            while block_on(store.health()).unwrap().time.duration_since(before).as_millis() < 300 {}
            server.kill();
            server.restart();
        }
        stop.store(true, Ordering::Relaxed);
        writers.into_iter().map(|writer| writer.join().unwrap()).collect()
    });
    let acknowledged: BTreeSet<String> = acknowledged.into_iter().flatten().collect();
    assert!(acknowledged.len() > 100, "{}", acknowledged.len());
    let kept = block_on(store.list(&home(), &USE, Page::first(usize::MAX))).unwrap().value;
    let kept: BTreeSet<String> = kept.into_iter().map(|record| record.key).collect();
    assert!(kept.is_superset(&acknowledged));
    // Every commit was whole, and happened once.
    let query = EventQuery { after: 0, subject: None, limit: usize::MAX };
    let mut told: Vec<String> = block_on(store.events(&home(), query))
        .unwrap()
        .value
        .into_iter()
        .map(|stored| stored.event.subject)
        .collect();
    told.sort_unstable();
    assert_eq!(told, kept.into_iter().collect::<Vec<_>>());
    for key in &acknowledged {
        assert!(block_on(store.outcome(&home(), &CommitId(key.clone()))).unwrap().value.is_some());
    }
}

#[test]
fn store_without_a_server_is_unavailable_and_finds_it_again_by_itself() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path(), &[]);
    let store = server.store();
    let bench = Bench::new(Arc::clone(&store), ManualClock::new(start()));
    bench.create(record(&ACCOUNT, "a", "1"));
    server.kill();
    let read = block_on(store.get(&home(), &ACCOUNT, "a"));
    assert!(matches!(read, Err(StoreError::Unavailable(_))), "{read:?}");
    let health = block_on(store.health());
    assert!(matches!(health, Err(StoreError::Unavailable(_))), "{health:?}");
    let commit = bench.try_commit(create("b"));
    assert!(matches!(commit, Err(StoreError::Unavailable(_) | StoreError::UnknownOutcome(_))), "{commit:?}");
    server.restart();
    assert_eq!(bench.body(&ACCOUNT, "a").as_deref(), Some("1"));
    assert!(matches!(bench.commit(create("b")), Commit::Done(_)));
}

#[test]
fn commit_waits_out_a_short_restart() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path(), &[]);
    let store = server.store();
    server.kill();
    std::thread::scope(|scope| {
        let commit = scope.spawn(|| block_on(store.commit(create("a"))));
        server.restart();
        done(&commit.join().unwrap().unwrap().value);
    });
}

#[test]
fn cut_connections_and_forgotten_scripts_are_not_noticed() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path(), &[]);
    let store = server.store();
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !stop.load(Ordering::Relaxed) {
                server.ask("SCRIPT FLUSH");
                server.ask("CLIENT KILL TYPE normal");
                std::thread::sleep(Duration::from_millis(20));
            }
        });
        for number in 0..60 {
            let key = number.to_string();
            match block_on(store.commit(create(&key))) {
                Ok(answer) => drop(done(&answer.value)),
                Err(StoreError::UnknownOutcome(_) | StoreError::Unavailable(_)) => {
                    let outcome = block_on(store.outcome(&home(), &CommitId(key.clone())));
                    if outcome.is_ok_and(|outcome| outcome.value.is_none()) {
                        done(&block_on(store.commit(create(&key))).unwrap().value);
                    }
                }
                Err(error) => panic!("{error}"),
            }
        }
        stop.store(true, Ordering::Relaxed);
    });
    let kept = block_on(store.list(&home(), &USE, Page::first(1000))).unwrap().value;
    let query = EventQuery { after: 0, subject: None, limit: 1000 };
    assert_eq!(block_on(store.events(&home(), query)).unwrap().value.len(), kept.len());
}

#[test]
fn commit_given_up_while_the_server_stalled_never_happens_later() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path(), &[]);
    let store = server.store();
    done(&block_on(store.commit(create("before"))).unwrap().value);
    server.signal("STOP");
    let commit = block_on(store.commit(create("a")));
    assert!(matches!(commit, Err(StoreError::UnknownOutcome(_))), "{commit:?}");
    server.signal("CONT");
    assert_eq!(block_on(store.outcome(&home(), &CommitId("a".to_owned()))).unwrap().value, None);
    assert_eq!(block_on(store.get(&home(), &USE, "a")).unwrap().value, None);
    done(&block_on(store.commit(create("a"))).unwrap().value);
}

#[test]
fn database_that_was_emptied_is_not_taken_for_a_new_one() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path(), &[]);
    let store = server.store();
    done(&block_on(store.commit(create("a"))).unwrap().value);
    server.ask("FLUSHALL");
    server.ask("CLIENT KILL TYPE normal");
    let read = block_on(store.get(&home(), &USE, "a"));
    let read = if read.is_ok() { block_on(store.get(&home(), &USE, "a")) } else { read };
    assert!(matches!(read, Err(StoreError::Damaged(_))), "{read:?}");
}

#[test]
fn ephemeral_store_begins_anew_after_its_server_lost_everything() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path(), &["--appendonly", "no"]);
    let mut options = server.options();
    options.kinds = ONLY_EPHEMERAL;
    let store = Arc::new(block_on(RedisStore::open(options)).unwrap());
    let bench = Bench::new(Arc::clone(&store), ManualClock::new(start()));
    let before = bench.create(record(&LOGIN, "a", "1"));
    server.kill();
    server.restart();
    assert_eq!(bench.read(&LOGIN, "a"), None);
    // Nobody who read the lost record can mistake this one for it.
    assert!(bench.create(record(&LOGIN, "a", "2")) > before);
}

#[test]
fn full_memory_refuses_writes_and_nothing_is_half_written() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path(), &[]);
    let store = server.store();
    done(&block_on(store.commit(create("a"))).unwrap().value);
    server.ask("CONFIG SET maxmemory 1");
    let refused = block_on(store.commit(create("b")));
    assert!(matches!(refused, Err(StoreError::Full(_))), "{refused:?}");
    assert!(block_on(store.get(&home(), &USE, "a")).unwrap().value.is_some());
    server.ask("CONFIG SET maxmemory 0");
    assert_eq!(block_on(store.outcome(&home(), &CommitId("b".to_owned()))).unwrap().value, None);
    done(&block_on(store.commit(create("b"))).unwrap().value);
}

#[test]
fn server_that_became_a_replica_is_unavailable() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path(), &[]);
    let store = server.store();
    server.ask("CONFIG SET replica-serve-stale-data yes");
    server.ask("REPLICAOF 127.0.0.1 1");
    let refused = block_on(store.commit(create("a")));
    assert!(matches!(refused, Err(StoreError::Unavailable(_))), "{refused:?}");
    server.ask("REPLICAOF NO ONE");
    done(&block_on(store.commit(create("a"))).unwrap().value);
}

impl Server {
    /// Stops or continues the process.
    pub(super) fn signal(&self, name: &str) {
        let sent = Command::new("kill").args([&format!("-{name}"), &self.process_id().to_string()]).status();
        assert!(sent.unwrap().success());
    }
}

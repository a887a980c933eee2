//! Servers that are killed, come back or stay away.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bursar_core::ports::event::Event;
use bursar_core::ports::store::{Batch, CommitId, EventQuery, Expected, Page, Store as _, StoreError};
use bursar_store::postgres::PostgresStore;
use futures::executor::block_on;

use super::contract::{ACCOUNT, USE, done, home, record, start};
use super::server::Server;

fn create(key: &str) -> Batch {
    let event = Event::new(start(), "account.created", key);
    Batch::new(home(), CommitId(key.to_owned())).put(record(&USE, key, ""), Expected::Absent).event(event)
}

/// Commits until told to stop; returns what was acknowledged.
fn write(store: &PostgresStore, writer: usize, stop: &AtomicBool) -> Vec<String> {
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
}

#[test]
fn killed_server_loses_nothing_it_acknowledged_and_doubles_nothing() {
    const WRITERS: usize = 8;
    const KILLS: usize = 3;
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path());
    let store = server.store();
    let stop = AtomicBool::new(false);
    let acknowledged: BTreeSet<String> = std::thread::scope(|scope| {
        let writers: Vec<_> = (0..WRITERS)
            .map(|writer| {
                let (store, stop) = (&store, &stop);
                scope.spawn(move || write(store, writer, stop))
            })
            .collect();
        let count = || block_on(store.list(&home(), &USE, Page::first(usize::MAX))).unwrap().value.len();
        for _ in 0..KILLS {
            // Some commits happen between one kill and the next.
            let before = count();
            while count() < before + 100 {}
            server.kill();
            server.restart();
        }
        stop.store(true, Ordering::Relaxed);
        writers.into_iter().flat_map(|writer| writer.join().unwrap()).collect()
    });
    assert!(acknowledged.len() >= 100, "{}", acknowledged.len());
    let kept = block_on(store.list(&home(), &USE, Page::first(usize::MAX))).unwrap().value;
    let kept: BTreeSet<String> = kept.into_iter().map(|record| record.key).collect();
    assert!(kept.is_superset(&acknowledged));
    // Every commit was whole, and happened once.
    let query = EventQuery { after: 0, subject: None, limit: usize::MAX };
    let events = block_on(store.events(&home(), query)).unwrap().value;
    let mut told: Vec<String> = events.into_iter().map(|stored| stored.event.subject).collect();
    told.sort_unstable();
    assert_eq!(told, kept.into_iter().collect::<Vec<_>>());
    for key in &acknowledged {
        assert!(block_on(store.outcome(&home(), &CommitId(key.clone()))).unwrap().value.is_some());
    }
}

#[test]
fn restart_is_waited_out_and_no_caller_notices() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path());
    let store = server.store();
    done(&block_on(store.commit(create("before"))).unwrap().value);
    server.stop();
    std::thread::scope(|scope| {
        let read = scope.spawn(|| block_on(store.get(&home(), &USE, "before")).unwrap().value);
        let commit = scope.spawn(|| block_on(store.commit(create("meanwhile"))).unwrap().value);
        server.restart();
        assert!(read.join().unwrap().is_some());
        done(&commit.join().unwrap());
    });
}

#[test]
fn store_without_a_server_is_unavailable_and_finds_it_again() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path());
    let mut options = server.options();
    options.patience = Duration::from_millis(300);
    let store = block_on(PostgresStore::open(options)).unwrap();
    server.stop();
    let read = block_on(store.get(&home(), &ACCOUNT, "a"));
    assert!(matches!(read, Err(StoreError::Unavailable(_))), "{read:?}");
    let commit = block_on(store.commit(create("a")));
    assert!(matches!(commit, Err(StoreError::Unavailable(_))), "{commit:?}");
    let health = block_on(store.health());
    assert!(matches!(health, Err(StoreError::Unavailable(_))), "{health:?}");
    server.restart();
    done(&block_on(store.commit(create("a"))).unwrap().value);
}

#[test]
fn ended_sessions_are_not_noticed() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path());
    let store = server.store();
    let stop = AtomicBool::new(false);
    let acknowledged = std::thread::scope(|scope| {
        let writers: Vec<_> = (0..4)
            .map(|writer| {
                let (store, stop) = (&store, &stop);
                scope.spawn(move || write(store, writer, stop))
            })
            .collect();
        for _ in 0..10 {
            server.ask("SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name = 'bursar'");
        }
        stop.store(true, Ordering::Relaxed);
        writers.into_iter().map(|writer| writer.join().unwrap().len()).sum::<usize>()
    });
    // Each was tried until it was done, so none failed and none is missing.
    let kept = block_on(store.list(&home(), &USE, Page::first(usize::MAX))).unwrap().value;
    assert_eq!(kept.len(), acknowledged);
}

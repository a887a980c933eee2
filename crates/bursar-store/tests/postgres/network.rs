//! The network between node and server breaks during a commit.

use std::sync::Arc;
use std::time::Duration;

use bursar_core::ports::event::Event;
use bursar_core::ports::store::{
    Batch, CommitId, EventQuery, Expected, Page, Store as _, StoreError, Version,
};
use bursar_core::secret::Secret;
use bursar_store::postgres::{PostgresOptions, PostgresStore};
use futures::executor::block_on;

use super::contract::{ACCOUNT, KINDS, done, home, keys, record, start};
use super::proxy::{Fate, Proxy};
use super::server::Server;

fn behind(proxy: &Proxy) -> PostgresOptions {
    let url = format!("postgres://bursar@127.0.0.1:{}/bursar", proxy.port());
    PostgresOptions::new(Secret::new(url), KINDS, "first")
}

fn create(key: &str) -> Batch {
    let event = Event::new(start(), "account.created", key);
    Batch::new(home(), CommitId(key.to_owned()))
        .put(record(&ACCOUNT, key, "1"), Expected::Absent)
        .event(event)
}

fn assert_happened_once(store: &PostgresStore, key: &str, version: Version) {
    let found = block_on(store.get(&home(), &ACCOUNT, key)).unwrap().value.unwrap();
    assert_eq!(found.version, version);
    assert_eq!(block_on(store.outcome(&home(), &CommitId(key.to_owned()))).unwrap().value, Some(version.0));
    let query = EventQuery { after: 0, subject: Some(key.to_owned()), limit: 10 };
    assert_eq!(block_on(store.events(&home(), query)).unwrap().value.len(), 1);
}

#[test]
fn cut_during_a_commit_neither_loses_nor_doubles_it() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path());
    let proxy = Proxy::start(&server.socket());
    let store = block_on(PostgresStore::open(behind(&proxy))).unwrap();
    for (number, fate) in [Fate::Lost, Fate::AnswerLost, Fate::Lost, Fate::AnswerLost].into_iter().enumerate()
    {
        let key = format!("{fate:?}-{number}");
        proxy.next_commit(fate);
        let version = done(&block_on(store.commit(create(&key))).unwrap().value);
        assert_eq!(proxy.met(), number + 1);
        assert_happened_once(&store, &key, version);
    }
}

#[test]
fn silence_during_a_commit_is_noticed_and_the_outcome_found_out() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path());
    let proxy = Proxy::start(&server.socket());
    let store = block_on(PostgresStore::open(behind(&proxy))).unwrap();
    proxy.next_commit(Fate::Silence);
    let version = done(&block_on(store.commit(create("a"))).unwrap().value);
    assert_eq!(proxy.met(), 1);
    assert_happened_once(&store, "a", version);
}

#[test]
fn commit_whose_fate_cannot_be_found_out_says_so_and_can_be_asked_again() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path());
    let proxy = Arc::new(Proxy::start(&server.socket()));
    let mut options = behind(&proxy);
    options.patience = Duration::from_millis(500);
    let store = block_on(PostgresStore::open(options)).unwrap();
    proxy.next_commit(Fate::AnswerLost);
    let watched = Arc::clone(&proxy);
    // The network is gone for good as soon as the order to commit is.
    let cutter = std::thread::spawn(move || {
        while watched.met() == 0 {
            std::thread::yield_now();
        }
        watched.set_down(true);
    });
    let lost = block_on(store.commit(create("a")));
    cutter.join().unwrap();
    assert!(matches!(lost, Err(StoreError::UnknownOutcome(_))), "{lost:?}");
    let read = block_on(store.get(&home(), &ACCOUNT, "a"));
    assert!(matches!(read, Err(StoreError::Unavailable(_))), "{read:?}");
    proxy.set_down(false);
    let found = block_on(store.outcome(&home(), &CommitId("a".to_owned()))).unwrap().value.unwrap();
    assert_eq!(done(&block_on(store.commit(create("a"))).unwrap().value), Version(found));
    assert_happened_once(&store, "a", Version(found));
}

#[test]
fn caller_who_goes_away_leaves_a_whole_commit() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path());
    let store = server.store();
    for number in 0..50 {
        let commit = store.commit(create(&number.to_string()));
        // Polled once, so it has begun, and dropped.
        assert!(futures::FutureExt::now_or_never(commit).is_none());
    }
    drop(store);
    let store = server.store();
    let found = block_on(store.list(&home(), &ACCOUNT, Page::first(100))).unwrap().value;
    assert_eq!(keys(&found).len(), 50);
    let query = EventQuery { after: 0, subject: None, limit: 100 };
    assert_eq!(block_on(store.events(&home(), query)).unwrap().value.len(), 50);
}

#[test]
fn a_store_that_is_parted_from_its_server_knows_that_it_hears_nothing_and_is_told_when_it_does_again() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path());
    let proxy = Proxy::start(&server.socket());
    let store = block_on(PostgresStore::open(behind(&proxy))).unwrap();
    let hint = store.watch();
    assert!(!store.is_deaf());
    proxy.set_partitioned(true);
    let elsewhere = server.store();
    done(&block_on(elsewhere.commit(create("a"))).unwrap().value);
    until(|| store.is_deaf());
    assert!(!elsewhere.is_deaf());
    proxy.set_partitioned(false);
    until(|| !store.is_deaf());
    until(|| hint.has_changed().unwrap());
    assert_eq!(keys(&block_on(store.list(&home(), &ACCOUNT, Page::first(9))).unwrap().value), ["a"]);
}

/// Gives up long after everything that is waited for.
fn until(holds: impl Fn() -> bool) {
    for _ in 0..600 {
        if holds() {
            return;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    panic!("it does not happen");
}

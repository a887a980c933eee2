//! Servers that cannot be used, and ways to say so without a secret.

use std::sync::Arc;

use bursar_core::ports::store::{Group, Kind, Scope, Store as _, StoreError};
use bursar_core::secret::Secret;
use bursar_store::redis::{RedisOpenError, RedisOptions, RedisStore};
use futures::executor::block_on;

use super::contract::{KINDS, LOGIN};
use super::server::{RealClock, Server, runtime};

static ONLY_EPHEMERAL: &[&Kind] = &[&LOGIN];

fn refusal(options: RedisOptions) -> RedisOpenError {
    let url = options.url.expose().to_owned();
    let refusal = block_on(RedisStore::open(options)).unwrap_err();
    let mut chain = format!("{refusal} {refusal:?}");
    let mut source = std::error::Error::source(&refusal);
    while let Some(error) = source {
        chain.push_str(&error.to_string());
        source = error.source();
    }
    assert!(!chain.contains("geheim") && (url.is_empty() || !chain.contains(&url)), "{chain}");
    refusal
}

fn at(url: &str) -> RedisOptions {
    RedisOptions::new(Secret::new(url.to_owned()), KINDS, Arc::new(RealClock), "first", runtime())
}

fn with_login(server: &Server, login: &str) -> RedisOptions {
    let mut options = server.options();
    options.url = Secret::new(format!("{}?{login}", server.url().expose()));
    options
}

#[test]
fn wrong_url_is_refused() {
    for url in ["", "http://127.0.0.1", "redis://u:geheim@127.0.0.1:99999", "redis://u:geheim@127.0.0.1/x"] {
        assert!(matches!(refusal(at(url)), RedisOpenError::Url(_)), "{url}");
    }
}

#[test]
fn server_that_is_not_there_is_unavailable() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("redis+unix://{}?pass=geheim", folder.path().join("none.sock").display());
    assert!(matches!(refusal(at(&url)), RedisOpenError::Store(StoreError::Unavailable(_))));
}

#[test]
fn wrong_or_missing_password_is_refused_and_the_right_one_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path(), &["--requirepass", "right"]);
    assert_eq!(refusal(server.options()), RedisOpenError::Login);
    assert_eq!(refusal(with_login(&server, "pass=geheim")), RedisOpenError::Login);
    block_on(RedisStore::open(with_login(&server, "pass=right"))).unwrap();
}

#[test]
fn user_without_a_needed_permission_is_refused_by_the_name_of_the_command() {
    let folder = tempfile::tempdir().unwrap();
    let user = "bursar on >geheim ~bursar:* &bursar:* +@all -zadd";
    let server =
        Server::start(folder.path(), &[&["--user"], user.split(' ').collect::<Vec<_>>().as_slice()].concat());
    let refused = refusal(with_login(&server, "user=bursar&pass=geheim"));
    assert!(matches!(&refused, RedisOpenError::Permission { command, .. } if command == "ZADD"), "{refused}");
}

#[test]
fn user_of_some_keys_only_is_enough() {
    let folder = tempfile::tempdir().unwrap();
    let user = "bursar on >geheim ~bursar:* &bursar:* +@all";
    let server =
        Server::start(folder.path(), &[&["--user"], user.split(' ').collect::<Vec<_>>().as_slice()].concat());
    block_on(RedisStore::open(with_login(&server, "user=bursar&pass=geheim"))).unwrap();
    let mut options = with_login(&server, "user=bursar&pass=geheim");
    options.prefix = "other".to_owned();
    assert!(matches!(refusal(options), RedisOpenError::Permission { .. }));
}

#[test]
fn server_that_may_lose_commits_is_refused_for_durable_kinds_only() {
    for (setting, value) in [("appendonly", "no"), ("appendfsync", "everysec")] {
        let folder = tempfile::tempdir().unwrap();
        let server = Server::start(folder.path(), &[&format!("--{setting}"), value]);
        let refused = refusal(server.options());
        assert!(
            matches!(&refused, RedisOpenError::Setting { setting: named, found, .. } if *named == setting && found == value),
            "{refused}"
        );
        let mut options = server.options();
        options.kinds = ONLY_EPHEMERAL;
        block_on(RedisStore::open(options)).unwrap();
    }
}

#[test]
fn server_that_may_evict_records_is_refused() {
    for policy in ["allkeys-lru", "volatile-ttl"] {
        let folder = tempfile::tempdir().unwrap();
        let server = Server::start(folder.path(), &["--maxmemory", "100mb", "--maxmemory-policy", policy]);
        for kinds in [KINDS, ONLY_EPHEMERAL] {
            let mut options = server.options();
            options.kinds = kinds;
            let refused = refusal(options);
            assert!(
                matches!(&refused, RedisOpenError::Setting { setting: "maxmemory-policy", found, .. } if found == policy)
            );
        }
    }
}

#[test]
fn server_that_hides_its_settings_needs_somebody_who_vouches_for_it() {
    let folder = tempfile::tempdir().unwrap();
    let user = "bursar on >geheim ~bursar:* &bursar:* +@all -config";
    let server =
        Server::start(folder.path(), &[&["--user"], user.split(' ').collect::<Vec<_>>().as_slice()].concat());
    let mut options = with_login(&server, "user=bursar&pass=geheim");
    assert!(matches!(refusal(options.clone()), RedisOpenError::HiddenSettings(_)));
    options.trusted_settings = true;
    block_on(RedisStore::open(options)).unwrap();
}

#[test]
fn server_with_a_replica_is_refused_unless_accepted() {
    let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    // A replica needs an address; the system chooses a free one and Redis cannot, so a listener finds it first.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port().to_string();
    let master = Server::start(
        one.path(),
        &["--port", &port, "--bind", "127.0.0.1", "--repl-diskless-sync-delay", "0"],
    );
    let _replica = Server::start(two.path(), &["--replicaof", "127.0.0.1", &port]);
    while !master.ask("INFO replication").contains("state=online") {
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    let mut options = master.options();
    assert_eq!(refusal(options.clone()), RedisOpenError::Replicas(1));
    options.accept_replicas = true;
    block_on(RedisStore::open(options)).unwrap();
}

#[test]
fn newer_schema_and_unfinished_restore_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path(), &[]);
    drop(server.store());
    server.ask("HSET bursar:{~}:meta restoring 1");
    assert!(matches!(refusal(server.options()), RedisOpenError::Store(StoreError::Damaged(_))));
    server.ask("HSET bursar:{~}:meta schema 2");
    let newer = StoreError::Newer { found: 2, known: 1 };
    assert_eq!(refusal(server.options()), RedisOpenError::Store(newer));
}

#[test]
fn kinds_that_cannot_be_told_apart_are_refused() {
    static OTHER: Kind =
        Kind { name: "login", scope: Scope::System, group: Group::Durable, indexes: &[], watched: false };
    static BOTH: &[&Kind] = &[&LOGIN, &OTHER];
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path(), &[]);
    let mut options = server.options();
    options.kinds = BOTH;
    assert!(matches!(refusal(options), RedisOpenError::Store(StoreError::Misuse(_))));
    let mut options = server.options();
    options.kinds = ONLY_EPHEMERAL;
    let store = block_on(RedisStore::open(options)).unwrap();
    let read = block_on(store.get(&super::contract::home(), &super::contract::ACCOUNT, "a"));
    assert!(matches!(read, Err(StoreError::Misuse(_))));
}

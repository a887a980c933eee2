//! A network between store and server that loses answers or swallows everything, at chosen moments.

use std::io::{Read as _, Write as _};
use std::net::Shutdown;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bursar_core::ports::event::Event;
use bursar_core::ports::store::{Batch, CommitId, EventQuery, Expected, Store as _, StoreError};
use bursar_core::secret::Secret;
use bursar_store::redis::RedisStore;
use futures::executor::block_on;

use super::contract::{USE, done, home, record, start};
use super::server::Server;

/// Stands between a store and a server.
struct Network {
    /// So many answers are lost yet, each with its connection.
    loses: Arc<AtomicUsize>,
    url: Secret,
}

impl Network {
    fn before(folder: &Path) -> Self {
        let (near, far) = (folder.join("network.sock"), folder.join("redis.sock"));
        let listener = UnixListener::bind(&near).unwrap();
        let loses = Arc::new(AtomicUsize::new(0));
        let url = Secret::new(format!("redis+unix://{}", near.display()));
        let counter = Arc::clone(&loses);
        std::thread::spawn(move || {
            for store in listener.incoming() {
                let (store, server) = (store.unwrap(), UnixStream::connect(&far).unwrap());
                let back = (server.try_clone().unwrap(), store.try_clone().unwrap());
                std::thread::spawn(move || pass(store, server, None));
                let counter = Arc::clone(&counter);
                std::thread::spawn(move || pass(back.0, back.1, Some(&counter)));
            }
        });
        Self { loses, url }
    }
}

/// Passes bytes on until either side ends or an answer is to be lost.
fn pass(mut from: UnixStream, mut to: UnixStream, loses: Option<&AtomicUsize>) {
    let mut bytes = vec![0; 64 << 10];
    while let Ok(length) = from.read(&mut bytes)
        && length > 0
    {
        // Announcements and what else is no answer of a script go through.
        let is_answer = bytes.starts_with(b"*") && !bytes[..length].windows(7).any(|word| word == b"message");
        let less = |left: usize| left.checked_sub(1);
        if is_answer
            && loses.is_some_and(|left| left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, less).is_ok())
        {
            break;
        }
        if to.write_all(&bytes[..length]).is_err() {
            break;
        }
    }
    // Either end may be gone already.
    let _ = (from.shutdown(Shutdown::Both), to.shutdown(Shutdown::Both));
}

fn create(key: &str) -> Batch {
    let event = Event::new(start(), "account.created", key);
    Batch::new(home(), CommitId(key.to_owned())).put(record(&USE, key, ""), Expected::Absent).event(event)
}

fn events(store: &RedisStore) -> usize {
    block_on(store.events(&home(), EventQuery { after: 0, subject: None, limit: 100 })).unwrap().value.len()
}

#[test]
fn commit_whose_answer_is_lost_is_done_once_and_told() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path(), &[]);
    let network = Network::before(folder.path());
    let mut options = server.options();
    options.url = network.url.clone();
    let store = block_on(RedisStore::open(options)).unwrap();
    done(&block_on(store.commit(create("before"))).unwrap().value);
    network.loses.store(1, Ordering::SeqCst);
    let version = done(&block_on(store.commit(create("a"))).unwrap().value);
    assert_eq!(network.loses.load(Ordering::SeqCst), 0);
    assert_eq!(block_on(store.get(&home(), &USE, "a")).unwrap().value.unwrap().version, version);
    assert_eq!(events(&store), 2);
}

#[test]
fn commit_whose_answers_are_all_lost_is_in_doubt_until_its_outcome_is_asked() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path(), &[]);
    let network = Network::before(folder.path());
    let mut options = server.options();
    options.url = network.url.clone();
    let store = block_on(RedisStore::open(options)).unwrap();
    done(&block_on(store.commit(create("before"))).unwrap().value);
    network.loses.store(usize::MAX, Ordering::SeqCst);
    let commit = block_on(store.commit(create("a")));
    assert!(matches!(commit, Err(StoreError::UnknownOutcome(_))), "{commit:?}");
    let read = block_on(store.get(&home(), &USE, "a"));
    assert!(matches!(read, Err(StoreError::Unavailable(_))), "{read:?}");
    network.loses.store(0, Ordering::SeqCst);
    let outcome = block_on(store.outcome(&home(), &CommitId("a".to_owned()))).unwrap().value;
    assert_eq!(outcome, Some(done(&block_on(store.commit(create("a"))).unwrap().value).0));
    assert_eq!(events(&store), 2);
}

//! A database in which a restore has stopped half-way: nobody writes to it, and whoever empties it can be interrupted.

use std::sync::Arc;

use bursar_core::memory::clock::ManualClock;
use bursar_core::ports::event::Event;
use bursar_core::ports::store::{Expected, SandboxId, Space, Store as _, StoreError};
use bursar_store::redis::RedisStore;
use futures::executor::block_on;

use super::contract::{ACCOUNT, Bench, SETTING, done, home, record, start};
use super::server::Server;

const MARK: &str = "HSET bursar:{~}:meta restoring 1";

/// A server whose log of commands holds all of them.
fn telling(folder: &std::path::Path) -> Server {
    Server::start(folder, &["--slowlog-log-slower-than", "0", "--slowlog-max-len", "10000"])
}

/// Something in the installation, in the space that everything begins with and in another one.
fn fill(bench: &Bench) {
    let tenant = Space::Sandbox(SandboxId::parse("tenant").unwrap());
    for space in [home(), tenant] {
        done(&bench.commit(bench.batch_in(space).put(record(&ACCOUNT, "a", ""), Expected::Absent)));
    }
    done(&bench.commit(bench.batch_in(Space::System).put(record(&SETTING, "s", ""), Expected::Absent)));
}

fn discard(server: &Server) -> RedisStore {
    let mut options = server.options();
    options.discard_half_restored = true;
    block_on(RedisStore::open(options)).unwrap()
}

#[test]
fn nobody_who_had_it_open_before_writes_to_it() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path(), &[]);
    let store = server.store();
    let bench = Bench::new(Arc::clone(&store), ManualClock::new(start()));
    fill(&bench);
    server.ask(MARK);
    for space in [home(), Space::System, Space::Sandbox(SandboxId::parse("new").unwrap())] {
        let event = vec![Event::new(start(), "used", "a")];
        let refused = block_on(store.append(&space, event));
        assert!(matches!(refused, Err(StoreError::Unavailable(_))), "{refused:?}");
    }
    let refused = bench.try_commit(bench.batch().put(record(&ACCOUNT, "b", ""), Expected::Absent));
    assert!(matches!(refused, Err(StoreError::Unavailable(_))), "{refused:?}");
    server.ask("HDEL bursar:{~}:meta restoring");
    bench.create(record(&ACCOUNT, "b", ""));
}

#[test]
fn whoever_empties_it_begins_with_the_sandboxes_and_ends_with_the_mark() {
    let folder = tempfile::tempdir().unwrap();
    let server = telling(folder.path());
    fill(&Bench::new(server.store(), ManualClock::new(start())));
    server.ask(MARK);
    // As an emptying that began with the list has left it.
    server.ask("SREM bursar:{~}:spaces default");
    let store = discard(&server);
    let log = server.ask("SLOWLOG GET 10000");
    let words: Vec<&str> = log.lines().map(str::trim).collect();
    let deleted = words.windows(3).filter(|words| words[0] == "DEL").map(|words| words[2]);
    // The log begins with what happened last.
    let mut deleted: Vec<&str> = deleted.filter(|key| key.starts_with("bursar:{")).collect();
    deleted.reverse();
    let place = |wanted: &str| deleted.iter().rposition(|key| key.starts_with(wanted)).unwrap();
    let (list, mark) = (place("bursar:{~}:spaces"), place("bursar:{~}:meta"));
    assert!(
        place("bursar:{default}:") < list && place("bursar:{tenant}:") < list && list < mark,
        "{deleted:?}"
    );
    for space in [home(), Space::Sandbox(SandboxId::parse("tenant").unwrap())] {
        assert_eq!(block_on(store.get(&space, &ACCOUNT, "a")).unwrap().value, None);
    }
}

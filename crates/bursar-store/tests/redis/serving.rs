//! Several stores on one server; the server's time; what the server collects by itself.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use bursar_core::memory::MemoryStore;
use bursar_core::memory::clock::ManualClock;
use bursar_core::ports::event::Event;
use bursar_core::ports::store::{
    Batch, CommitId, EventQuery, Expected, Incarnation, NewRecord, Origin, Page, SandboxId, Space, Store,
    StoreError, Tally,
};
use bursar_store::redis::RedisStore;
use futures::executor::block_on;
use jiff::{SignedDuration, Timestamp};

use super::contract::clock::assert_shared;
use super::contract::concurrency::{assert_nothing_lost, race};
use super::contract::{ACCOUNT, Bench, SETTING, USE, after, done, home, keys, record, start};
use super::moved_by_hand;
use super::server::Server;

fn bench(store: &Arc<RedisStore>) -> Bench {
    Bench::new(Arc::clone(store), ManualClock::new(start()))
}

#[test]
fn two_stores_on_one_server_lose_no_increment() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path(), &[]);
    let stores = [server.store(), server.store()];
    race(&[stores[0].clone(), stores[1].clone()]);
    for store in &stores {
        assert_nothing_lost(&bench(store));
    }
}

#[test]
fn commit_of_one_store_wakes_the_watchers_of_another() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path(), &[]);
    let (one, two) = (server.store(), server.store());
    let mut watch = two.watch();
    for round in 0..20 {
        watch.mark_unchanged();
        let version = bench(&one).create(record(&ACCOUNT, &round.to_string(), ""));
        block_on(watch.changed()).unwrap();
        let changes = block_on(two.changes(&home(), version.0 - 1, 10)).unwrap().value.list;
        assert_eq!(changes.len(), 1);
    }
}

#[test]
fn watchers_hear_of_what_happened_while_the_subscription_was_cut() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path(), &[]);
    let (one, two) = (server.store(), server.store());
    let mut watch = two.watch();
    watch.mark_unchanged();
    bench(&one).create(record(&ACCOUNT, "a", ""));
    block_on(watch.changed()).unwrap();
    server.ask("CLIENT KILL TYPE pubsub");
    watch.mark_unchanged();
    bench(&one).create(record(&ACCOUNT, "b", ""));
    block_on(watch.changed()).unwrap();
}

#[test]
fn a_store_whose_server_is_gone_knows_that_it_hears_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path(), &[]);
    let store = server.store();
    assert!(!store.is_deaf());
    server.kill();
    while !store.is_deaf() {
        std::thread::sleep(Duration::from_millis(50));
    }
    server.restart();
    while store.is_deaf() {
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn records_expire_by_the_time_of_the_server() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path(), &[]);
    let store = server.store();
    let time = block_on(store.health()).unwrap().time;
    let bench = bench(&store);
    let mut fleeting = record(&ACCOUNT, "a", "x");
    fleeting.expires_at = Some(time.saturating_add(SignedDuration::from_millis(300)).unwrap());
    bench.create(fleeting);
    while bench.read(&ACCOUNT, "a").is_some() {
        std::thread::sleep(Duration::from_millis(10));
    }
    let now = block_on(store.get(&home(), &ACCOUNT, "a")).unwrap().time;
    assert!(now >= time.saturating_add(SignedDuration::from_millis(300)).unwrap());
}

#[test]
fn counters_of_nodes_a_little_apart_do_not_start_anew_again_and_again() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path(), &[]);
    // The next minute begins 40 s after the start.
    let nodes = [39, 40].map(|seconds| {
        block_on(RedisStore::open(moved_by_hand(&server, ManualClock::new(after(seconds))))).unwrap()
    });
    for round in 1..=3 {
        for node in [&nodes[1], &nodes[0]] {
            let count = block_on(node.count(&home(), "c", 1, Duration::from_mins(1))).unwrap().value;
            assert_eq!(count.resets_at, after(100));
            assert!((round * 2 - 1..=round * 2).contains(&count.value), "{round}: {count:?}");
        }
    }
}

#[test]
fn nodes_whose_clocks_differ_by_minutes_agree_on_what_is_alive() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path(), &[]);
    let open = |ahead: i64| {
        let mut options = server.options();
        let now = Timestamp::from_second(1_900_000_000).unwrap();
        options.clock =
            Arc::new(ManualClock::new(now.saturating_add(SignedDuration::from_mins(ahead)).unwrap()));
        Arc::new(block_on(RedisStore::open(options)).unwrap())
    };
    let (behind, ahead) = (open(-10), open(10));
    let time = block_on(behind.health()).unwrap().time;
    let mut mortal = record(&ACCOUNT, "a", "x");
    mortal.expires_at = Some(time.saturating_add(SignedDuration::from_mins(1)).unwrap());
    bench(&behind).create(mortal);
    for store in [behind.clone(), ahead.clone()] {
        let store: Arc<dyn Store> = store;
        assert_shared(&store, &ManualClock::new(start()));
    }
    for store in [&behind, &ahead] {
        assert!(bench(store).read(&ACCOUNT, "a").is_some());
        assert_eq!(block_on(store.expire(&home(), &ACCOUNT, 10)).unwrap(), 0);
    }
}

#[test]
fn server_collects_what_nobody_expired_and_indexes_follow() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path(), &[]);
    let store = server.store();
    let time = block_on(store.health()).unwrap().time;
    let bench = bench(&store);
    for (key, expires) in [("gone", Some(60)), ("kept", None)] {
        let mut account = record(&ACCOUNT, key, "x");
        account.indexes = vec![("provider", "github".to_owned()), ("owner", key.to_owned())];
        account.due_at = Some(time);
        account.expires_at =
            expires.map(|seconds| time.saturating_add(SignedDuration::from_secs(seconds)).unwrap());
        bench.create(account);
    }
    let left = |key: &str| {
        let answer = server.ask(&format!("PTTL bursar:{{default}}:{key}"));
        answer.trim_start_matches(':').trim().parse::<i64>().unwrap()
    };
    for key in ["r:account:gone", "i:account:owner:gone"] {
        assert!(left(key) > 86_400_000, "{key} {}", left(key));
    }
    for key in ["r:account:kept", "i:account:owner:kept", "i:account:provider:github"] {
        assert_eq!(left(key), -1, "{key}");
    }
    // As if its time had come.
    server.ask("DEL bursar:{default}:r:account:gone");
    assert_eq!(keys(&bench.find("provider", "github")), ["kept"]);
    let due = block_on(store.due(&home(), &ACCOUNT, Timestamp::MAX, 10)).unwrap().value;
    assert_eq!(keys(&due.records), ["kept"]);
    assert_eq!(keys(&bench.list(&ACCOUNT)), ["kept"]);
    for set in ["i:account:provider:github", "d:account", "k:account"] {
        assert_eq!(server.ask(&format!("ZCARD bursar:{{default}}:{set}")).trim(), ":1", "{set}");
    }
    bench.create(record(&ACCOUNT, "gone", "again"));
    assert_eq!(bench.find("owner", "gone"), []);
}

#[test]
fn tally_is_right_when_the_server_collected_before_anybody_noticed() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path(), &[]);
    let clock = ManualClock::new(start());
    let store = Arc::new(block_on(RedisStore::open(moved_by_hand(&server, clock.clone()))).unwrap());
    let bench = Bench::new(Arc::clone(&store), clock.clone());
    let tally = || block_on(store.tally(&home(), &ACCOUNT)).unwrap().value;
    for (key, expires_at) in [("gone", Some(after(10))), ("over", Some(after(10))), ("kept", None)] {
        bench.create(NewRecord { expires_at, ..record(&ACCOUNT, key, "x") });
    }
    clock.advance(Duration::from_secs(10));
    // As if its time had come.
    server.ask("DEL bursar:{default}:r:account:gone");
    assert_eq!(tally(), Tally { alive: 1, expired: 2 });
    assert_eq!(keys(&bench.list(&ACCOUNT)), ["kept"]);
    assert_eq!(tally(), Tally { alive: 1, expired: 1 });
    assert_eq!(block_on(store.expire(&home(), &ACCOUNT, 10)).unwrap(), 1);
    assert_eq!(tally(), Tally { alive: 1, expired: 0 });
}

#[test]
fn many_events_are_forgotten_although_each_script_is_short() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path(), &[]);
    let store = server.store();
    // Every third is young, so those to forget are scattered over several bites.
    let aged = |number| {
        let at = if number % 3 == 0 { after(100) } else { start() };
        Event::new(at, "account.refreshed", if number % 2 == 0 { "even" } else { "odd" })
    };
    block_on(store.append(&home(), (0..2400).map(aged).collect())).unwrap();
    let forget = |limit| block_on(store.forget_events(&home(), after(100), limit)).unwrap();
    assert_eq!(forget(1500), 1000);
    assert_eq!(forget(usize::MAX), 600);
    assert_eq!(forget(usize::MAX), 0);
    for (count, key, left) in [("XLEN", "ev", 800), ("ZCARD", "es:even", 400), ("ZCARD", "es:odd", 400)] {
        let answer = server.ask(&format!("{count} bursar:{{default}}:{key}"));
        assert_eq!(answer.trim(), format!(":{left}"), "{key}");
    }
}

#[test]
fn store_is_found_again_as_it_was_left() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path(), &[]);
    let version = bench(&server.store()).create(record(&ACCOUNT, "a", "1"));
    let mut options = server.options();
    options.incarnation = "second".to_owned();
    let store = Arc::new(block_on(RedisStore::open(options)).unwrap());
    assert_eq!(block_on(store.health()).unwrap().incarnation.id, "first");
    assert_eq!(bench(&store).read(&ACCOUNT, "a").unwrap().version, version);
}

#[test]
fn installations_with_a_prefix_each_share_a_server() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path(), &[]);
    let mut options = server.options();
    options.prefix = "other".to_owned();
    let (one, two) = (server.store(), Arc::new(block_on(RedisStore::open(options)).unwrap()));
    bench(&one).create(record(&ACCOUNT, "a", "1"));
    assert_eq!(bench(&two).read(&ACCOUNT, "a"), None);
    assert_eq!(block_on(two.changes(&home(), 0, 10)).unwrap().value.list, []);
}

#[test]
fn long_lists_are_read_whole_although_each_script_is_short() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path(), &[]);
    let store = server.store();
    let bench = bench(&store);
    let time = block_on(store.health()).unwrap().time;
    for chunk in 0..25 {
        let batch = (0..100).fold(bench.batch(), |batch, number| {
            let mut one = record(&USE, &format!("{:05}", chunk * 100 + number), "");
            // Most have expired: they cost a look, and must not end the list.
            if chunk < 22 {
                one.expires_at = Some(time);
            }
            batch.put(one, Expected::Absent)
        });
        done(&bench.commit(batch));
    }
    let all = block_on(store.list(&home(), &USE, Page::first(usize::MAX))).unwrap().value;
    assert_eq!(all.len(), 300);
    assert_eq!(all[0].key, "02200");
    assert_eq!(block_on(store.expire(&home(), &USE, usize::MAX)).unwrap(), 2200);
    let events = (0..1500).map(|number| Event::new(start(), "account.used", number.to_string())).collect();
    block_on(store.append(&home(), events)).unwrap();
    let query = EventQuery { after: 0, subject: None, limit: usize::MAX };
    assert_eq!(block_on(store.events(&home(), query)).unwrap().value.len(), 1500);
}

#[test]
fn backup_under_load_is_one_consistent_picture() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path(), &[]);
    let store = server.store();
    let bench = bench(&store);
    for number in 0..1500 {
        bench.create(record(&USE, &format!("{number:05}"), "0"));
    }
    let (stop, rounds) = (AtomicBool::new(false), AtomicUsize::new(0));
    let bytes = std::thread::scope(|scope| {
        // The first and the last record always change together, far apart in the order of reading.
        scope.spawn(|| {
            let writer = server.store();
            while !stop.load(Ordering::Relaxed) {
                let round = rounds.load(Ordering::Relaxed) + 1;
                let mut batch = Batch::new(home(), CommitId(format!("round {round}")));
                for key in ["00000", "01499"] {
                    let version = block_on(writer.get(&home(), &USE, key)).unwrap().value.unwrap().version;
                    batch = batch.put(record(&USE, key, &round.to_string()), Expected::Version(version));
                }
                done(&block_on(writer.commit(batch)).unwrap().value);
                rounds.store(round, Ordering::Relaxed);
            }
        });
        while rounds.load(Ordering::Relaxed) == 0 {
            std::thread::yield_now();
        }
        let mut all = Vec::new();
        for _ in 0..3 {
            let mut bytes = Vec::new();
            block_on(store.backup(&mut bytes)).unwrap();
            all.push(bytes);
        }
        stop.store(true, Ordering::Relaxed);
        all
    });
    assert!(rounds.into_inner() > 3);
    for bytes in bytes {
        let clock = ManualClock::new(start());
        let copy = Bench::new(in_memory(clock.clone()), clock);
        restore(&*copy.store, &bytes).unwrap();
        assert_eq!(copy.list(&USE).len(), 1000, "a page of the list");
        let (first, last) = (copy.read(&USE, "00000").unwrap(), copy.read(&USE, "01499").unwrap());
        assert_eq!((&first.body, first.version), (&last.body, last.version));
    }
}

fn in_memory(clock: ManualClock) -> Arc<MemoryStore> {
    Arc::new(MemoryStore::new(Arc::new(clock), "memory"))
}

fn restore(store: &dyn Store, mut bytes: &[u8]) -> Result<(), StoreError> {
    let origin = Origin::Restored {
        from: String::new(),
        source_is_dead: false,
        grants_stand: false,
        honours_from: None,
    };
    block_on(store.restore(&mut bytes, Incarnation { id: "second".to_owned(), origin }))
}

#[test]
fn backups_move_between_memory_and_redis_and_spaces_stay_apart() {
    let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let clock = ManualClock::new(start());
    let open =
        |server: &Server| Arc::new(block_on(RedisStore::open(moved_by_hand(server, clock.clone()))).unwrap());
    let (first, second) = (Server::start(one.path(), &[]), Server::start(two.path(), &[]));
    let memory = Bench::new(in_memory(clock.clone()), clock.clone());
    let other = Space::Sandbox(SandboxId::parse("other").unwrap());
    memory.create(record(&ACCOUNT, "a", "home"));
    done(
        &memory.commit(memory.batch_in(other.clone()).put(record(&ACCOUNT, "a", "other"), Expected::Absent)),
    );
    done(&memory.commit(memory.batch_in(Space::System).put(record(&SETTING, "s", "1"), Expected::Absent)));
    let mut bytes = Vec::new();
    block_on(memory.store.backup(&mut bytes)).unwrap();
    for server in [&first, &second] {
        let store = open(server);
        restore(&*store, &bytes).unwrap();
        let read = |space: &Space| block_on(store.get(space, &ACCOUNT, "a")).unwrap().value.unwrap().body;
        assert_eq!((read(&home()), read(&other)), (b"home".to_vec(), b"other".to_vec()));
        bytes.clear();
        block_on(store.backup(&mut bytes)).unwrap();
        // The next restore must begin another life.
        bytes = String::from_utf8(bytes).unwrap().replacen("\"second\"", "\"source\"", 1).into_bytes();
    }
}

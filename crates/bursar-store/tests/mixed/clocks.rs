//! Servers whose clocks are minutes apart.

use std::sync::Arc;
use std::time::Duration;

use bursar_core::memory::clock::ManualClock;
use bursar_core::ports::clock::Clock as _;
use bursar_core::ports::store::{Expected, NewRecord};
use bursar_store::mixed::MixedStore;
use bursar_store::shared_clock::SharedClock;
use futures::executor::block_on;
use jiff::{SignedDuration, Timestamp};

use super::contract::{Bench, LOGIN, conflict, done, home, record, start};
use super::places;
use crate::database::{postgres, redis};

/// A record that ends so long after `now`.
fn mark(key: &str, now: Timestamp, left: SignedDuration) -> NewRecord {
    NewRecord { expires_at: Some(now.saturating_add(left).unwrap()), ..record(&LOGIN, key, "") }
}

#[test]
fn short_lived_records_end_by_the_clock_of_the_database() {
    for minutes in [-10, 10] {
        let folder = tempfile::tempdir().unwrap();
        let [database, redis] = places(folder.path());
        let durable = postgres::open_ahead(&database, minutes);
        let machine = ManualClock::new(start());
        let clock = SharedClock::new(Arc::new(machine.clone()), Arc::clone(&durable.store));
        let now = clock.now();
        let ephemeral = redis::open(&redis, clock);
        let bench = Bench::new(Arc::new(MixedStore::new(durable.store, ephemeral.store)), machine);
        let minute = SignedDuration::from_mins(1);
        let marks = bench.batch().put(mark("alive", now, minute), Expected::Absent);
        done(&bench.commit(marks.put(mark("over", now, -minute), Expected::Absent)));
        assert!(bench.read(&LOGIN, "alive").is_some(), "{minutes}");
        assert!(bench.read(&LOGIN, "over").is_none(), "{minutes}");
        // Whoever comes with the same again is refused, and this is all that a mark is for.
        let again = bench.batch().put(mark("alive", now, minute), Expected::Absent);
        assert_eq!(bench.commit(again), conflict(&LOGIN, "alive"), "{minutes}");
        assert_eq!(block_on(bench.store.expire(&home(), &LOGIN, 10)).unwrap(), 1, "{minutes}");
        let count = block_on(bench.store.count(&home(), "c", 1, Duration::from_mins(1))).unwrap();
        for told in [count.time, count.value.resets_at, block_on(bench.store.health()).unwrap().time] {
            assert!(told.duration_since(now).abs() <= minute * 2, "{minutes}: {told} {now}");
        }
    }
}

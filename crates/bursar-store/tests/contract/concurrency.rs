//! Conditional writes lose nothing, however many race.

use std::sync::Arc;

use bursar_core::ports::store::{Batch, Commit, CommitId, Expected, Store, Version};
use futures::executor::block_on;

use super::{ACCOUNT, Bench, USE, home, on_every_backend, record};

const THREADS: usize = 16;
const ROUNDS: usize = 20;
const SHARED: [&str; 3] = ["one", "two", "three"];

/// Adds one to a shared record, and notes it in a record of its own in the same batch, until it succeeds.
fn increment(store: &dyn Store, key: &str, own: &str) -> Version {
    for attempt in 0.. {
        let read = block_on(store.get(&home(), &ACCOUNT, key)).unwrap().value;
        let (count, expected) = read.map_or((0, Expected::Absent), |record| {
            let count: u64 = String::from_utf8(record.body).unwrap().parse().unwrap();
            (count, Expected::Version(record.version))
        });
        let batch = Batch::new(home(), CommitId(format!("{own}-{attempt}")))
            .put(record(&ACCOUNT, key, &(count + 1).to_string()), expected)
            .put(record(&USE, own, ""), Expected::Absent);
        if let Commit::Done(version) = block_on(store.commit(batch)).unwrap().value {
            return version;
        }
    }
    unreachable!("attempts have no end")
}

/// Many threads, spread over stores that share their records.
pub(crate) fn race(stores: &[Arc<dyn Store>]) {
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            let store = &*stores[thread % stores.len()];
            scope.spawn(move || {
                let mut last = Version(0);
                for round in 0..ROUNDS {
                    let key = SHARED[(thread + round) % SHARED.len()];
                    let version = increment(store, key, &format!("{thread}-{round}"));
                    assert!(version > last, "{version:?} was acknowledged after {last:?}");
                    last = version;
                }
            });
        }
    });
}

/// What must be there after [`race`].
pub(crate) fn assert_nothing_lost(bench: &Bench) {
    let bodies = SHARED.map(|key| bench.body(&ACCOUNT, key).unwrap().parse::<usize>().unwrap());
    assert_eq!(bodies.iter().sum::<usize>(), THREADS * ROUNDS);
    assert_eq!(bench.list(&USE).len(), THREADS * ROUNDS);
}

#[test]
fn racing_threads_lose_no_increment() {
    on_every_backend(|bench| {
        race(&[Arc::clone(&bench.store)]);
        assert_nothing_lost(bench);
    });
}

#[test]
fn only_one_of_many_can_create_a_record() {
    on_every_backend(|bench| {
        let winners: usize = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..THREADS)
                .map(|_| {
                    scope.spawn(|| {
                        let batch = bench.batch().put(record(&ACCOUNT, "single use", ""), Expected::Absent);
                        usize::from(matches!(bench.commit(batch), Commit::Done(_)))
                    })
                })
                .collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).sum()
        });
        assert_eq!(winners, 1);
    });
}

#[test]
fn same_commit_sent_by_many_happens_once() {
    on_every_backend(|bench| {
        let answers: Vec<Commit> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..THREADS)
                .map(|_| {
                    scope.spawn(|| {
                        let batch = Batch::new(home(), CommitId("one".to_owned()));
                        bench.commit(batch.put(record(&ACCOUNT, "a", ""), Expected::Absent))
                    })
                })
                .collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert!(answers.iter().all(|answer| *answer == answers[0] && matches!(answer, Commit::Done(_))));
    });
}

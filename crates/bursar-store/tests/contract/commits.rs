//! Commits have names: their outcome can be asked for, and asking twice does not do them twice.

use bursar_core::ports::clock::Clock as _;
use bursar_core::ports::store::{Batch, Commit, CommitId, Expected, SandboxId, Space};
use futures::executor::block_on;

use super::{ACCOUNT, Bench, LOGIN, USE, conflict, done, home, on_every_backend, record};

fn outcome(bench: &Bench, id: &str) -> Option<u64> {
    block_on(bench.store.outcome(&home(), &CommitId(id.to_owned()))).unwrap().value
}

fn named(id: &str) -> Batch {
    Batch::new(home(), CommitId(id.to_owned()))
}

#[test]
fn outcome_tells_commits_that_happened_from_those_that_did_not() {
    on_every_backend(|bench| {
        let version = done(&bench.commit(named("done").put(record(&ACCOUNT, "a", "1"), Expected::Absent)));
        let refused = named("refused").put(record(&ACCOUNT, "a", "1"), Expected::Absent);
        assert_eq!(bench.commit(refused), conflict(&ACCOUNT, "a"));
        assert_eq!(outcome(bench, "done"), Some(version.0));
        assert_eq!(outcome(bench, "refused"), None);
        assert_eq!(outcome(bench, "never"), None);
    });
}

#[test]
fn outcome_belongs_to_one_space() {
    on_every_backend(|bench| {
        done(&bench.commit(named("one").put(record(&ACCOUNT, "a", "1"), Expected::Absent)));
        let other = Space::Sandbox(SandboxId::parse("other").unwrap());
        let found = block_on(bench.store.outcome(&other, &CommitId("one".to_owned()))).unwrap().value;
        assert_eq!(found, None);
        let batch = Batch::new(other, CommitId("one".to_owned()));
        let second = bench.commit(batch.put(record(&ACCOUNT, "a", "2"), Expected::Absent));
        assert_ne!(outcome(bench, "one"), Some(done(&second).0));
    });
}

#[test]
fn repeated_commit_is_answered_and_not_done_again() {
    on_every_backend(|bench| {
        let first = bench.commit(named("one").put(record(&ACCOUNT, "a", "1"), Expected::Absent));
        let again = bench.commit(named("one").put(record(&ACCOUNT, "a", "1"), Expected::Absent));
        assert_eq!(first, again);
        let version = done(&first);
        done(&bench.commit(bench.batch().put(record(&ACCOUNT, "a", "2"), Expected::Version(version))));
        assert_eq!(bench.commit(named("one").put(record(&ACCOUNT, "a", "1"), Expected::Absent)), first);
        assert_eq!(bench.body(&ACCOUNT, "a").as_deref(), Some("2"));
    });
}

#[test]
fn refused_commit_may_be_tried_again_under_its_name() {
    on_every_backend(|bench| {
        let version = bench.create(record(&ACCOUNT, "a", "1"));
        let batch = || named("one").put(record(&ACCOUNT, "a", "2"), Expected::Absent);
        assert_eq!(bench.commit(batch()), conflict(&ACCOUNT, "a"));
        done(&bench.commit(bench.batch().delete(&ACCOUNT, "a", version)));
        let second = done(&bench.commit(batch()));
        assert_eq!(outcome(bench, "one"), Some(second.0));
    });
}

#[test]
fn commits_are_numbered_upwards() {
    on_every_backend(|bench| {
        // Each group may be in a place of its own, and then has a sequence of its own. What writes nothing is durable.
        let mut last = [None; 2];
        for number in 0..10 {
            let batch = match number % 3 {
                0 => bench.batch().put(record(&LOGIN, &number.to_string(), ""), Expected::Absent),
                1 => bench.batch(),
                _ => bench.batch().put(record(&USE, &number.to_string(), ""), Expected::Absent),
            };
            let Commit::Done(version) = bench.commit(batch) else { panic!("nothing was in the way") };
            let last = &mut last[usize::from(number % 3 == 0)];
            assert!(Some(version) > *last);
            *last = Some(version);
        }
    });
}

#[test]
fn commits_are_remembered_for_a_day_and_forgotten_later() {
    on_every_backend(|bench| {
        done(&bench.commit(named("one").put(record(&ACCOUNT, "a", "1"), Expected::Absent)));
        bench.clock.advance(std::time::Duration::from_hours(23));
        tidy(bench);
        assert!(outcome(bench, "one").is_some());
        bench.clock.advance(std::time::Duration::from_hours(2));
        tidy(bench);
        assert_eq!(outcome(bench, "one"), None);
        assert_eq!(bench.body(&ACCOUNT, "a").as_deref(), Some("1"));
    });
}

/// What a running server does now and then.
fn tidy(bench: &Bench) {
    done(&bench.commit(bench.batch()));
    block_on(bench.store.expire(&home(), &ACCOUNT, 100)).unwrap();
}

#[test]
fn answers_carry_the_time_of_the_store() {
    on_every_backend(|bench| {
        bench.clock.advance(std::time::Duration::from_nanos(1_500_000_001));
        let now = bench.clock.now();
        let commit = bench.store.commit(bench.batch().put(record(&ACCOUNT, "a", "1"), Expected::Absent));
        assert_eq!(block_on(commit).unwrap().time, now);
        assert_eq!(block_on(bench.store.get(&home(), &ACCOUNT, "a")).unwrap().time, now);
        assert_eq!(block_on(bench.store.outcome(&home(), &CommitId(String::new()))).unwrap().time, now);
        assert_eq!(block_on(bench.store.health()).unwrap().time, now);
    });
}

#[test]
fn health_tells_the_backend_and_its_first_incarnation() {
    on_every_backend(|bench| {
        let health = block_on(bench.store.health()).unwrap();
        assert_eq!(Some(health.backend), std::thread::current().name());
        assert_eq!(health.incarnation.id, "first");
        assert_eq!(health.incarnation.origin, bursar_core::ports::store::Origin::Fresh);
        assert_eq!(health.shared, super::super::SHARED);
    });
}

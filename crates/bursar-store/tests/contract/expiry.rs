//! An expired record is absent, everywhere and at once, whether or not it has been collected.

use std::time::Duration;

use bursar_core::ports::store::{Expected, Kind, Tally, Version};
use futures::executor::block_on;

use super::{ACCOUNT, Bench, LOGIN, after, conflict, done, home, keys, on_every_backend, record};

/// A record that looks alive in every way and expires ten seconds after the start.
fn create_mortal(bench: &Bench, key: &str) -> Version {
    let mut mortal = record(&ACCOUNT, key, "mortal");
    mortal.indexes = vec![("provider", "github".to_owned())];
    mortal.due_at = Some(after(1));
    mortal.expires_at = Some(after(10));
    bench.create(mortal)
}

fn expire(bench: &Bench, kind: &'static Kind, limit: usize) -> usize {
    block_on(bench.store.expire(&home(), kind, limit)).unwrap()
}

#[test]
fn expired_record_is_absent_for_every_read() {
    on_every_backend(|bench| {
        create_mortal(bench, "a");
        bench.clock.advance(Duration::from_millis(9_999));
        assert!(bench.read(&ACCOUNT, "a").is_some());
        assert_eq!(keys(&bench.find("provider", "github")), ["a"]);
        bench.clock.advance(Duration::from_millis(1));
        assert_eq!(bench.read(&ACCOUNT, "a"), None);
        assert_eq!(bench.list(&ACCOUNT), []);
        assert_eq!(bench.find("provider", "github"), []);
        let due = block_on(bench.store.due(&home(), &ACCOUNT, after(100), 10)).unwrap().value;
        assert_eq!((due.records.len(), due.next), (0, None));
    });
}

#[test]
fn expired_record_is_absent_for_writes_and_guards() {
    on_every_backend(|bench| {
        let version = create_mortal(bench, "a");
        bench.clock.advance(Duration::from_secs(10));
        assert_eq!(bench.commit(bench.batch().delete(&ACCOUNT, "a", version)), conflict(&ACCOUNT, "a"));
        let stale = bench.batch().put(record(&ACCOUNT, "a", "x"), Expected::Version(version));
        assert_eq!(bench.commit(stale), conflict(&ACCOUNT, "a"));
        assert_eq!(
            bench.commit(bench.batch().guard(&ACCOUNT, "a", Expected::Version(version))),
            conflict(&ACCOUNT, "a")
        );
        done(&bench.commit(bench.batch().guard(&ACCOUNT, "a", Expected::Absent)));
        let reborn = bench.create(record(&ACCOUNT, "a", "reborn"));
        assert!(reborn > version);
        assert_eq!(bench.body(&ACCOUNT, "a").as_deref(), Some("reborn"));
        assert_eq!(bench.find("provider", "github"), []);
    });
}

#[test]
fn record_written_already_expired_is_absent() {
    on_every_backend(|bench| {
        let mut late = record(&ACCOUNT, "a", "late");
        late.expires_at = Some(after(0));
        bench.create(late.clone());
        assert_eq!(bench.read(&ACCOUNT, "a"), None);
        bench.create(late);
    });
}

#[test]
fn expiry_follows_the_clock_back() {
    on_every_backend(|bench| {
        create_mortal(bench, "a");
        bench.clock.jump(jiff::SignedDuration::from_hours(1));
        assert_eq!(bench.read(&ACCOUNT, "a"), None);
        bench.clock.jump(jiff::SignedDuration::from_hours(-1));
        assert!(bench.read(&ACCOUNT, "a").is_some());
    });
}

#[test]
fn expire_collects_in_bounded_batches_and_nothing_alive() {
    on_every_backend(|bench| {
        for number in 0..7 {
            create_mortal(bench, &number.to_string());
        }
        bench.create(record(&ACCOUNT, "immortal", "x"));
        let mut young = record(&ACCOUNT, "young", "x");
        young.expires_at = Some(after(11));
        bench.create(young);
        assert_eq!(expire(bench, &ACCOUNT, 10), 0);
        bench.clock.advance(Duration::from_secs(10));
        assert_eq!(expire(bench, &ACCOUNT, 0), 0);
        let rounds: Vec<usize> = (0..4).map(|_| expire(bench, &ACCOUNT, 3)).collect();
        assert_eq!(rounds, [3, 3, 1, 0]);
        assert_eq!(keys(&bench.list(&ACCOUNT)), ["immortal", "young"]);
    });
}

#[test]
fn tally_tells_the_living_from_those_nobody_has_collected() {
    on_every_backend(|bench| {
        let tally = |kind: &'static Kind| block_on(bench.store.tally(&home(), kind)).unwrap().value;
        assert_eq!(tally(&ACCOUNT), Tally::default());
        for number in 0..3 {
            create_mortal(bench, &number.to_string());
        }
        bench.create(record(&ACCOUNT, "immortal", "x"));
        bench.create(record(&LOGIN, "other", "x"));
        assert_eq!(tally(&ACCOUNT), Tally { alive: 4, expired: 0 });
        bench.clock.advance(Duration::from_secs(10));
        assert_eq!(tally(&ACCOUNT), Tally { alive: 1, expired: 3 });
        expire(bench, &ACCOUNT, 2);
        assert_eq!(tally(&ACCOUNT), Tally { alive: 1, expired: 1 });
        assert_eq!(tally(&LOGIN), Tally { alive: 1, expired: 0 });
    });
}

#[test]
fn expire_touches_only_the_kind_it_was_asked_for() {
    on_every_backend(|bench| {
        create_mortal(bench, "a");
        let mut login = record(&LOGIN, "a", "x");
        login.expires_at = Some(after(10));
        bench.create(login);
        bench.clock.advance(Duration::from_secs(10));
        assert_eq!(expire(bench, &LOGIN, 10), 1);
        assert_eq!(expire(bench, &ACCOUNT, 10), 1);
    });
}

#[test]
fn times_are_kept_to_the_millisecond_rounded_down() {
    on_every_backend(|bench| {
        let fine = jiff::Timestamp::from_nanosecond(1_700_000_001_234_999_999).unwrap();
        let coarse = jiff::Timestamp::from_millisecond(1_700_000_001_234).unwrap();
        let mut fleeting = record(&ACCOUNT, "a", "x");
        fleeting.due_at = Some(fine);
        fleeting.expires_at = Some(fine);
        bench.create(fleeting);
        let read = bench.read(&ACCOUNT, "a").unwrap();
        assert_eq!((read.due_at, read.expires_at), (Some(coarse), Some(coarse)));
        bench.clock.advance(Duration::from_millis(1_234));
        assert_eq!(bench.read(&ACCOUNT, "a"), None);
    });
}

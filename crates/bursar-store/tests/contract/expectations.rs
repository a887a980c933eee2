//! Writes and guards insist on what was read; a conflict leaves nothing behind.

use bursar_core::ports::store::{Expected, Version};

use super::{ACCOUNT, USE, conflict, done, home, on_every_backend, record};

#[test]
fn written_record_is_read_back_whole() {
    on_every_backend(|bench| {
        let mut written = record(&ACCOUNT, "a", "body");
        written.body = vec![0, 159, 146, 150, 255];
        written.due_at = Some(super::after(60));
        written.expires_at = Some(super::after(120));
        let version = bench.create(written.clone());
        let read = bench.read(&ACCOUNT, "a").unwrap();
        assert_eq!(read.key, "a");
        assert_eq!(read.body, written.body);
        assert_eq!(read.version, version);
        assert_eq!((read.due_at, read.expires_at), (written.due_at, written.expires_at));
        assert_eq!(bench.read(&ACCOUNT, "b"), None);
    });
}

#[test]
fn replacing_forgets_what_the_old_record_had() {
    on_every_backend(|bench| {
        let mut first = record(&ACCOUNT, "a", "one");
        first.due_at = Some(super::after(60));
        first.expires_at = Some(super::after(60));
        first.indexes = vec![("provider", "github".to_owned())];
        let version = bench.create(first);
        let batch = bench.batch().put(record(&ACCOUNT, "a", "two"), Expected::Version(version));
        let second = done(&bench.commit(batch));
        assert!(second > version);
        let read = bench.read(&ACCOUNT, "a").unwrap();
        assert_eq!((read.version, read.due_at, read.expires_at), (second, None, None));
        assert_eq!(bench.find("provider", "github"), []);
    });
}

#[test]
fn creating_over_a_live_record_conflicts() {
    on_every_backend(|bench| {
        bench.create(record(&ACCOUNT, "a", "one"));
        let again = bench.batch().put(record(&ACCOUNT, "a", "two"), Expected::Absent);
        assert_eq!(bench.commit(again), conflict(&ACCOUNT, "a"));
        assert_eq!(bench.body(&ACCOUNT, "a").as_deref(), Some("one"));
    });
}

#[test]
fn writing_from_a_stale_version_conflicts() {
    on_every_backend(|bench| {
        let stale = bench.create(record(&ACCOUNT, "a", "one"));
        let fresh =
            done(&bench.commit(bench.batch().put(record(&ACCOUNT, "a", "two"), Expected::Version(stale))));
        for expected in [stale, Version(fresh.0 + 1), Version(0)] {
            let put = bench.batch().put(record(&ACCOUNT, "a", "three"), Expected::Version(expected));
            assert_eq!(bench.commit(put), conflict(&ACCOUNT, "a"), "{expected:?}");
            assert_eq!(bench.commit(bench.batch().delete(&ACCOUNT, "a", expected)), conflict(&ACCOUNT, "a"));
        }
        assert_eq!(bench.body(&ACCOUNT, "a").as_deref(), Some("two"));
    });
}

#[test]
fn absent_record_has_no_version_to_replace_or_delete() {
    on_every_backend(|bench| {
        let put = bench.batch().put(record(&ACCOUNT, "a", "one"), Expected::Version(Version(1)));
        assert_eq!(bench.commit(put), conflict(&ACCOUNT, "a"));
        assert_eq!(bench.commit(bench.batch().delete(&ACCOUNT, "a", Version(1))), conflict(&ACCOUNT, "a"));
    });
}

#[test]
fn versions_never_repeat_even_after_deleting() {
    on_every_backend(|bench| {
        let mut seen = Vec::new();
        for round in 0..5 {
            let version = bench.create(record(&ACCOUNT, "a", &round.to_string()));
            assert!(seen.iter().all(|earlier| *earlier < version), "{seen:?} {version:?}");
            seen.push(version);
            done(&bench.commit(bench.batch().delete(&ACCOUNT, "a", version)));
            assert_eq!(bench.read(&ACCOUNT, "a"), None);
        }
        let stale = bench.batch().put(record(&ACCOUNT, "a", "x"), Expected::Version(seen[0]));
        assert_eq!(bench.commit(stale), conflict(&ACCOUNT, "a"));
    });
}

#[test]
fn conflict_anywhere_in_a_batch_leaves_nothing_of_it() {
    on_every_backend(|bench| {
        let kept = bench.create(record(&ACCOUNT, "kept", "old"));
        let taken = bench.create(record(&USE, "taken", "old"));
        let batch = bench
            .batch()
            .put(record(&ACCOUNT, "new", "new"), Expected::Absent)
            .put(record(&ACCOUNT, "kept", "new"), Expected::Version(kept))
            .delete(&USE, "taken", Version(taken.0 + 100))
            .put(record(&USE, "last", "new"), Expected::Absent);
        let id = batch.id().clone();
        assert_eq!(bench.commit(batch), conflict(&USE, "taken"));
        assert_eq!(bench.read(&ACCOUNT, "new"), None);
        assert_eq!(bench.body(&ACCOUNT, "kept").as_deref(), Some("old"));
        assert_eq!(bench.read(&ACCOUNT, "kept").unwrap().version, kept);
        assert_eq!(bench.read(&USE, "last"), None);
        let outcome = futures::executor::block_on(bench.store.outcome(&home(), &id)).unwrap().value;
        assert_eq!(outcome, None);
    });
}

#[test]
fn all_records_of_a_batch_have_its_version() {
    on_every_backend(|bench| {
        let batch = bench
            .batch()
            .put(record(&ACCOUNT, "a", "1"), Expected::Absent)
            .put(record(&USE, "a", "2"), Expected::Absent)
            .put(record(&ACCOUNT, "b", "3"), Expected::Absent);
        let version = done(&bench.commit(batch));
        for (kind, key) in [(&ACCOUNT, "a"), (&USE, "a"), (&ACCOUNT, "b")] {
            assert_eq!(bench.read(kind, key).unwrap().version, version);
        }
    });
}

#[test]
fn guard_on_a_record_holds_only_while_it_is_unchanged() {
    on_every_backend(|bench| {
        let parent = bench.create(record(&ACCOUNT, "parent", "1"));
        let guarded = |key: &str, version| {
            let batch = bench.batch().put(record(&ACCOUNT, key, "x"), Expected::Absent);
            bench.commit(batch.guard(&ACCOUNT, "parent", Expected::Version(version)))
        };
        done(&guarded("first", parent));
        let revoked = bench.batch().put(record(&ACCOUNT, "parent", "2"), Expected::Version(parent));
        let revoked = done(&bench.commit(revoked));
        assert_eq!(guarded("second", parent), conflict(&ACCOUNT, "parent"));
        assert_eq!(bench.read(&ACCOUNT, "second"), None);
        done(&bench.commit(bench.batch().delete(&ACCOUNT, "parent", revoked)));
        assert_eq!(guarded("third", revoked), conflict(&ACCOUNT, "parent"));
    });
}

#[test]
fn guard_on_absence_holds_only_while_nothing_is_there() {
    on_every_backend(|bench| {
        let guarded = |key: &str| {
            let batch = bench.batch().put(record(&ACCOUNT, key, "x"), Expected::Absent);
            bench.commit(batch.guard(&ACCOUNT, "bar", Expected::Absent))
        };
        done(&guarded("first"));
        bench.create(record(&ACCOUNT, "bar", "1"));
        assert_eq!(guarded("second"), conflict(&ACCOUNT, "bar"));
    });
}

#[test]
fn conflict_names_writes_before_guards() {
    on_every_backend(|bench| {
        bench.create(record(&ACCOUNT, "a", "1"));
        bench.create(record(&ACCOUNT, "b", "1"));
        let batch = bench
            .batch()
            .guard(&ACCOUNT, "b", Expected::Absent)
            .put(record(&ACCOUNT, "free", "1"), Expected::Absent)
            .put(record(&ACCOUNT, "a", "1"), Expected::Absent);
        assert_eq!(bench.commit(batch), conflict(&ACCOUNT, "a"));
    });
}

#[test]
fn guard_judges_the_record_before_the_batch_writes_it() {
    on_every_backend(|bench| {
        let version = bench.create(record(&ACCOUNT, "a", "1"));
        let batch = bench.batch().put(record(&ACCOUNT, "a", "2"), Expected::Version(version)).guard(
            &ACCOUNT,
            "a",
            Expected::Version(version),
        );
        assert!(done(&bench.commit(batch)) > version);
    });
}

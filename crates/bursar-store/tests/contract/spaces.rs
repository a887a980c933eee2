//! Spaces never mix, and what cannot be is refused before anything happens.

use bursar_core::ports::event::Event;
use bursar_core::ports::store::{EventQuery, Expected, Page, SandboxId, Space, StoreError};
use futures::executor::block_on;

use super::{ACCOUNT, LOGIN, SETTING, after, done, home, on_every_backend, record, start};

fn sandbox(name: &str) -> Space {
    Space::Sandbox(SandboxId::parse(name).unwrap())
}

#[test]
fn same_key_in_two_sandboxes_is_two_records() {
    on_every_backend(|bench| {
        for name in ["one", "two"] {
            let mut account = record(&ACCOUNT, "a", name);
            account.indexes = vec![("provider", "github".to_owned())];
            account.due_at = Some(after(1));
            account.expires_at = Some(after(10));
            done(&bench.commit(bench.batch_in(sandbox(name)).put(account, Expected::Absent)));
        }
        for name in ["one", "two"] {
            let space = sandbox(name);
            let read = block_on(bench.store.get(&space, &ACCOUNT, "a")).unwrap().value.unwrap();
            assert_eq!(read.body, name.as_bytes());
            let list = block_on(bench.store.list(&space, &ACCOUNT, Page::first(10))).unwrap().value;
            let find = block_on(bench.store.find(&space, &ACCOUNT, "provider", "github", Page::first(10)));
            let due = block_on(bench.store.due(&space, &ACCOUNT, after(5), 10)).unwrap().value;
            assert_eq!(
                (list, find.unwrap().value, due.records),
                (vec![read.clone()], vec![read.clone()], vec![read])
            );
        }
        assert_eq!(bench.read(&ACCOUNT, "a"), None);
        bench.clock.advance(std::time::Duration::from_secs(10));
        assert_eq!(block_on(bench.store.expire(&sandbox("one"), &ACCOUNT, 10)).unwrap(), 1);
        assert_eq!(block_on(bench.store.expire(&sandbox("two"), &ACCOUNT, 10)).unwrap(), 1);
    });
}

#[test]
fn events_changes_and_counters_of_one_space_are_not_seen_in_another() {
    on_every_backend(|bench| {
        let batch = bench.batch_in(sandbox("one")).put(record(&ACCOUNT, "a", ""), Expected::Absent);
        done(&bench.commit(batch.event(Event::new(start(), "account.created", "a"))));
        let minute = std::time::Duration::from_mins(1);
        block_on(bench.store.count(&sandbox("one"), "c", 5, minute)).unwrap();
        let all = EventQuery { after: 0, subject: None, limit: 10 };
        for other in [sandbox("two"), Space::System] {
            assert_eq!(block_on(bench.store.changes(&other, 0, 10)).unwrap().value.list, []);
            assert_eq!(block_on(bench.store.events(&other, all.clone())).unwrap().value, []);
            assert_eq!(block_on(bench.store.count(&other, "c", 1, minute)).unwrap().value.value, 1);
        }
        assert_eq!(block_on(bench.store.changes(&sandbox("one"), 0, 10)).unwrap().value.list.len(), 1);
        assert_eq!(block_on(bench.store.events(&sandbox("one"), all)).unwrap().value.len(), 1);
    });
}

#[test]
fn system_records_live_in_the_system_space() {
    on_every_backend(|bench| {
        let batch = bench.batch_in(Space::System).put(record(&SETTING, "a", "1"), Expected::Absent);
        let version = done(&bench.commit(batch));
        let read = block_on(bench.store.get(&Space::System, &SETTING, "a")).unwrap().value.unwrap();
        assert_eq!(read.version, version);
    });
}

#[test]
fn kind_outside_its_scope_is_misuse() {
    on_every_backend(|bench| {
        let batches = [
            bench.batch().put(record(&SETTING, "a", ""), Expected::Absent),
            bench.batch_in(Space::System).put(record(&ACCOUNT, "a", ""), Expected::Absent),
            bench.batch().guard(&SETTING, "a", Expected::Absent),
        ];
        for batch in batches {
            assert!(matches!(bench.try_commit(batch), Err(StoreError::Misuse(_))));
        }
        assert!(matches!(block_on(bench.store.get(&home(), &SETTING, "a")), Err(StoreError::Misuse(_))));
        let list = block_on(bench.store.list(&Space::System, &ACCOUNT, Page::first(1)));
        assert!(matches!(list, Err(StoreError::Misuse(_))));
        let find = block_on(bench.store.find(&Space::System, &ACCOUNT, "owner", "", Page::first(1)));
        assert!(matches!(find, Err(StoreError::Misuse(_))));
        let due = block_on(bench.store.due(&home(), &SETTING, start(), 1));
        assert!(matches!(due, Err(StoreError::Misuse(_))));
        assert!(matches!(block_on(bench.store.expire(&home(), &SETTING, 1)), Err(StoreError::Misuse(_))));
    });
}

#[test]
fn batch_that_mixes_groups_or_writes_twice_is_misuse() {
    on_every_backend(|bench| {
        let event = Event::new(start(), "login.started", "a");
        let batches = [
            bench
                .batch()
                .put(record(&ACCOUNT, "a", ""), Expected::Absent)
                .put(record(&LOGIN, "a", ""), Expected::Absent),
            bench.batch().put(record(&ACCOUNT, "a", ""), Expected::Absent).guard(
                &LOGIN,
                "a",
                Expected::Absent,
            ),
            bench
                .batch()
                .put(record(&ACCOUNT, "a", "1"), Expected::Absent)
                .put(record(&ACCOUNT, "a", "2"), Expected::Absent),
            bench.batch().put(record(&LOGIN, "a", ""), Expected::Absent).event(event),
        ];
        for batch in batches {
            let id = batch.id().clone();
            assert!(matches!(bench.try_commit(batch), Err(StoreError::Misuse(_))));
            assert_eq!(block_on(bench.store.outcome(&home(), &id)).unwrap().value, None);
        }
        assert_eq!(bench.read(&ACCOUNT, "a"), None);
    });
}

//! Change events belong to their commit; changes and hints follow the order of commits.

use bursar_core::ports::event::Event;
use bursar_core::ports::store::{Change, Changes, EventQuery, Expected, SandboxId, Space, StoredEvent};
use futures::executor::block_on;

use super::{ACCOUNT, Bench, USE, after, conflict, done, home, on_every_backend, record, start};

fn event(subject: &str) -> Event {
    Event::new(start(), "account.refreshed", subject).with("attempts", 3).with("by", "agent")
}

fn events(bench: &Bench, after: u64, subject: Option<&str>, limit: usize) -> Vec<StoredEvent> {
    let query = EventQuery { after, subject: subject.map(str::to_owned), limit };
    block_on(bench.store.events(&home(), query)).unwrap().value
}

fn changes(bench: &Bench, after: u64, limit: usize) -> Vec<Change> {
    block_on(bench.store.changes(&home(), after, limit)).unwrap().value.list
}

#[test]
fn event_of_a_commit_is_stored_with_it() {
    on_every_backend(|bench| {
        let batch = bench.batch().put(record(&ACCOUNT, "a", ""), Expected::Absent);
        done(&bench.commit(batch.event(event("a")).event(event("b"))));
        let stored: Vec<Event> = events(bench, 0, None, 10).into_iter().map(|stored| stored.event).collect();
        assert_eq!(stored, [event("a"), event("b")]);
    });
}

#[test]
fn event_of_a_refused_commit_is_not_stored() {
    on_every_backend(|bench| {
        bench.create(record(&ACCOUNT, "a", ""));
        let batch = bench.batch().put(record(&ACCOUNT, "a", ""), Expected::Absent).event(event("a"));
        assert_eq!(bench.commit(batch), conflict(&ACCOUNT, "a"));
        assert_eq!(events(bench, 0, None, 10), []);
    });
}

#[test]
fn repeated_commit_stores_its_events_once() {
    on_every_backend(|bench| {
        let batch = bench.batch().put(record(&ACCOUNT, "a", ""), Expected::Absent).event(event("a"));
        bench.commit(batch.clone());
        bench.commit(batch);
        assert_eq!(events(bench, 0, None, 10).len(), 1);
    });
}

#[test]
fn events_are_read_in_order_by_page_and_by_subject() {
    on_every_backend(|bench| {
        for number in 0..6 {
            let subject = if number % 2 == 0 { "even" } else { "odd" };
            let numbered = event(subject).with("number", number);
            block_on(bench.store.append(&home(), vec![numbered])).unwrap();
        }
        let all = events(bench, 0, None, 10);
        let numbers: Vec<_> =
            all.iter().map(|stored| stored.event.detail["number"].as_u64().unwrap()).collect();
        assert_eq!(numbers, [0, 1, 2, 3, 4, 5]);
        assert!(all.is_sorted_by(|one, next| one.id < next.id));
        assert_eq!(events(bench, 0, None, 2), all[..2]);
        assert_eq!(events(bench, all[1].id, None, 2), all[2..4]);
        assert_eq!(events(bench, all[5].id, None, 2), []);
        let odd = events(bench, all[1].id, Some("odd"), 10);
        assert_eq!(odd, [all[3].clone(), all[5].clone()]);
        assert_eq!(events(bench, 0, Some("none"), 10), []);
    });
}

#[test]
fn old_events_are_forgotten_in_bounded_batches_and_their_ids_never_come_back() {
    on_every_backend(|bench| {
        for second in 0..6 {
            let aged = Event { at: after(second), ..event("aged") };
            block_on(bench.store.append(&home(), vec![aged])).unwrap();
        }
        let all = events(bench, 0, None, 10);
        let forget = |until: i64, limit: usize| {
            block_on(bench.store.forget_events(&home(), after(until), limit)).unwrap()
        };
        assert_eq!(forget(0, 10), 0);
        assert_eq!(forget(4, 0), 0);
        assert_eq!((forget(4, 3), forget(4, 3), forget(4, 3)), (3, 1, 0));
        assert_eq!(events(bench, 0, None, 10), all[4..]);
        assert_eq!(events(bench, 0, Some("aged"), 10), all[4..]);
        assert_eq!(forget(100, 10), 2);
        block_on(bench.store.append(&home(), vec![event("new")])).unwrap();
        assert!(events(bench, 0, None, 10)[0].id > all[5].id);
    });
}

#[test]
fn forgetting_spares_young_events_that_stand_first_and_other_sandboxes() {
    on_every_backend(|bench| {
        let other = Space::Sandbox(SandboxId::parse("other").unwrap());
        let old = || Event { at: after(0), ..event("old") };
        let young = Event { at: after(50), ..event("young") };
        block_on(bench.store.append(&home(), vec![young.clone(), old(), young, old()])).unwrap();
        block_on(bench.store.append(&other, vec![old()])).unwrap();
        let forget =
            |space: &Space, limit| block_on(bench.store.forget_events(space, after(50), limit)).unwrap();
        assert_eq!((forget(&home(), 1), forget(&home(), 2), forget(&home(), 10)), (0, 1, 1));
        let left = events(bench, 0, None, 10);
        assert_eq!(left.iter().map(|stored| stored.event.subject.as_str()).collect::<Vec<_>>(), ["young"; 2]);
        assert_eq!(forget(&Space::System, 10), 0);
        assert_eq!(forget(&other, 10), 1);
    });
}

#[test]
fn changes_follow_commit_order_and_leave_out_unwatched_kinds() {
    on_every_backend(|bench| {
        let first = bench.create(record(&ACCOUNT, "b", ""));
        bench.create(record(&USE, "hot", ""));
        let both = bench
            .batch()
            .put(record(&ACCOUNT, "z", ""), Expected::Absent)
            .put(record(&USE, "z", ""), Expected::Absent)
            .put(record(&ACCOUNT, "a", ""), Expected::Absent);
        let second = done(&bench.commit(both));
        let third = done(&bench.commit(bench.batch().delete(&ACCOUNT, "b", first)));
        let change =
            |sequence: u64, key: &str| Change { sequence, kind: "account".to_owned(), key: key.to_owned() };
        let expected =
            [change(first.0, "b"), change(second.0, "z"), change(second.0, "a"), change(third.0, "b")];
        assert_eq!(changes(bench, 0, 10), expected);
        assert_eq!(changes(bench, first.0, 10), expected[1..]);
        assert_eq!(changes(bench, third.0, 10), []);
        assert_eq!(changes(bench, u64::MAX, 10), []);
    });
}

#[test]
fn changes_never_cut_a_commit_in_two() {
    on_every_backend(|bench| {
        let batch = ["a", "b", "c"]
            .into_iter()
            .fold(bench.batch(), |batch, key| batch.put(record(&ACCOUNT, key, ""), Expected::Absent));
        let first = done(&bench.commit(batch));
        let second = bench.create(record(&ACCOUNT, "d", ""));
        assert_eq!(changes(bench, 0, 1).len(), 3);
        assert_eq!(changes(bench, 0, 3).len(), 3);
        assert_eq!(changes(bench, 0, 4).len(), 4);
        let rest = changes(bench, first.0, 1);
        assert_eq!(rest.len(), 1);
        assert_eq!(rest[0].sequence, second.0);
        assert_eq!(changes(bench, 0, 0), []);
    });
}

#[test]
fn changes_say_from_where_the_rest_is_to_be_read() {
    on_every_backend(|bench| {
        let read = |after, limit| {
            let Changes { list, until, is_all } =
                block_on(bench.store.changes(&home(), after, limit)).unwrap().value;
            (list.len(), until, is_all)
        };
        let before = read(u64::MAX, 0);
        assert_eq!((before.0, before.2), (0, true));
        let first = bench.create(record(&ACCOUNT, "a", "")).0;
        let second = bench.create(record(&ACCOUNT, "b", "")).0;
        assert!(before.1 < first, "{before:?}");
        assert_eq!(read(before.1, 1), (1, first, false));
        assert_eq!(read(first, 2), (1, second, true));
        // Nothing that anybody watches, and yet the place is behind it.
        bench.create(record(&USE, "hot", ""));
        let (found, until, is_all) = read(second, 10);
        assert!(found == 0 && until >= second && is_all);
        assert_eq!(read(until, 10), (0, until, true));
        assert_eq!(read(u64::MAX, 0), (0, until, true));
        let third = bench.create(record(&ACCOUNT, "c", "")).0;
        assert_eq!(read(until, 10), (1, third, true));
    });
}

#[test]
fn refused_commit_changes_nothing_and_wakes_nobody() {
    on_every_backend(|bench| {
        bench.create(record(&ACCOUNT, "a", ""));
        let watch = bench.store.watch();
        let before = changes(bench, 0, 10);
        bench.commit(bench.batch().put(record(&ACCOUNT, "a", ""), Expected::Absent));
        assert_eq!(changes(bench, 0, 10), before);
        assert!(!watch.has_changed().unwrap());
    });
}

#[test]
fn watchers_are_woken_by_watched_kinds_only() {
    on_every_backend(|bench| {
        let mut watch = bench.store.watch();
        watch.mark_unchanged();
        bench.create(record(&USE, "hot", ""));
        assert!(!watch.has_changed().unwrap());
        bench.create(record(&ACCOUNT, "a", ""));
        block_on(watch.changed()).unwrap();
        watch.mark_unchanged();
        assert!(!watch.has_changed().unwrap());
    });
}

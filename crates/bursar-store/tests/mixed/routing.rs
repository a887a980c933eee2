//! Which side keeps what.

use std::sync::Arc;
use std::time::Duration;

use bursar_core::memory::MemoryStore;
use bursar_core::memory::clock::ManualClock;
use bursar_core::ports::event::Event;
use bursar_core::ports::store::{
    Batch, CommitId, EventQuery, Expected, Group, Scope, Space, Store, StoreError,
};
use bursar_store::mixed::MixedStore;
use futures::executor::block_on;

use super::contract::{ACCOUNT, KINDS, LOGIN, USE, done, home, record, start};

struct Sides {
    durable: Arc<dyn Store>,
    ephemeral: Arc<dyn Store>,
    mixed: MixedStore,
}

fn sides() -> Sides {
    let clock = Arc::new(ManualClock::new(start()));
    let durable: Arc<dyn Store> = Arc::new(MemoryStore::new(clock.clone(), "durable"));
    let ephemeral: Arc<dyn Store> = Arc::new(MemoryStore::new(clock, "ephemeral"));
    let mixed = MixedStore::new(Arc::clone(&durable), Arc::clone(&ephemeral));
    Sides { durable, ephemeral, mixed }
}

fn batch(id: &str) -> Batch {
    Batch::new(home(), CommitId(id.to_owned()))
}

#[test]
fn every_kind_is_on_the_side_of_its_group_and_nowhere_else() {
    let Sides { durable, ephemeral, mixed } = sides();
    for kind in KINDS.iter().copied() {
        let space = if kind.scope == Scope::System { Space::System } else { home() };
        let batch = Batch::new(space.clone(), CommitId(kind.name.to_owned()));
        done(&block_on(mixed.commit(batch.put(record(kind, "a", ""), Expected::Absent))).unwrap().value);
        let has = |store: &dyn Store| block_on(store.get(&space, kind, "a")).unwrap().value.is_some();
        assert_eq!(has(&*durable), kind.group == Group::Durable, "{}", kind.name);
        assert_eq!(has(&*ephemeral), kind.group == Group::Ephemeral, "{}", kind.name);
    }
}

#[test]
fn events_are_in_the_database() {
    let Sides { durable, ephemeral, mixed } = sides();
    let event = Event::new(start(), "account.created", "a");
    let account = batch("one").put(record(&ACCOUNT, "a", ""), Expected::Absent).event(event.clone());
    done(&block_on(mixed.commit(account)).unwrap().value);
    block_on(mixed.append(&home(), vec![event])).unwrap();
    let query = || EventQuery { after: 0, subject: None, limit: 10 };
    let events = |store: &dyn Store| block_on(store.events(&home(), query())).unwrap().value.len();
    assert_eq!((events(&*durable), events(&*ephemeral)), (2, 0));
}

#[test]
fn counters_are_beside_the_short_lived_kinds() {
    let Sides { durable, ephemeral, mixed } = sides();
    let count = |store: &dyn Store, by| {
        block_on(store.count(&home(), "c", by, Duration::from_mins(1))).unwrap().value.value
    };
    assert_eq!(count(&mixed, 3), 3);
    assert_eq!((count(&*durable, 0), count(&*ephemeral, 0)), (0, 3));
}

#[test]
fn the_outcome_of_a_commit_is_known_whichever_side_it_was_sent_to() {
    let Sides { mixed, .. } = sides();
    for (id, kind) in [("one", &USE), ("two", &LOGIN)] {
        let version = done(
            &block_on(mixed.commit(batch(id).put(record(kind, "a", ""), Expected::Absent))).unwrap().value,
        );
        let outcome = block_on(mixed.outcome(&home(), &CommitId(id.to_owned()))).unwrap().value;
        assert_eq!(outcome, Some(version.0));
    }
    let unknown = block_on(mixed.outcome(&home(), &CommitId("three".to_owned()))).unwrap().value;
    assert_eq!(unknown, None);
}

#[test]
fn a_batch_of_both_groups_is_refused_whichever_comes_first() {
    let Sides { mixed, .. } = sides();
    for kinds in [[&ACCOUNT, &LOGIN], [&LOGIN, &ACCOUNT]] {
        let both = batch("both").put(record(kinds[0], "a", ""), Expected::Absent).guard(
            kinds[1],
            "b",
            Expected::Absent,
        );
        let refused = block_on(mixed.commit(both));
        assert!(matches!(refused, Err(StoreError::Misuse(_))), "{refused:?}");
    }
}

#[test]
fn the_life_it_tells_is_the_databases() {
    let Sides { mixed, .. } = sides();
    let health = block_on(mixed.health()).unwrap();
    assert_eq!(health.incarnation.id, "durable");
}

//! What a server knows of a store whose hints come late.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use futures::executor::block_on;

use super::Known;
use crate::engine::test_world::{World, tokens};
use crate::memory::MemoryStore;
use crate::ports::store::Store;

#[test]
fn who_sees_a_suspension_end_before_the_hint_of_it_sees_what_came_with_its_end() {
    let world = World::new("", |_| tokens("a1", None));
    world.log_in();
    let mut file = Vec::new();
    block_on(world.engine.back_up(&mut file)).unwrap();
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new(world.clock.clone(), "unused"));
    let copy = world.engine.on_store(store.clone());
    block_on(copy.restore_backup(&mut file.as_slice())).unwrap();

    let known = Known::new(store, copy.space().clone(), world.clock.clone());
    assert!(block_on(known.in_service()).is_err());
    let before = world.now();
    let honoured = known.honours_from.load(Ordering::Acquire);
    block_on(copy.let_new_grants_stand()).unwrap();
    block_on(known.catch_up()).unwrap();
    // As if that had not been heard yet.
    known.honours_from.store(honoured, Ordering::Release);
    known.is_suspended.store(true, Ordering::Release);

    assert!(block_on(known.in_service()).is_err(), "the second is not over");
    world.clock.advance(Duration::from_secs(1));
    block_on(known.in_service()).unwrap();
    assert!(!known.honours(before) && known.honours(world.now()));
}

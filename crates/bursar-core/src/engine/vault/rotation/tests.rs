//! Interruptions at every step, and who goes on.

use std::sync::Arc;

use futures::executor::block_on;

use super::super::drawer::{Drawer, Step};
use super::*;
use crate::engine::broker::HandOutError;
use crate::engine::test_world::{World, is, tokens};
use crate::lifecycle::reference::AccountReference;
use crate::lifecycle::refresh::Ask;
use crate::ports::store::EventQuery;

/// An account sealed under the drawer's first key.
fn logged_in(drawer: &Arc<Drawer>) -> (World, AccountReference) {
    let mut world = World::new("", |_| tokens("a1", Some("r1")));
    world.engine = drawer.process(&world);
    let reference = world.log_in().reference;
    (world, reference)
}

/// One rotation, after everything before it has come to its end.
fn rotate(drawer: &Arc<Drawer>, world: &World) -> Result<Rotated, RotationError> {
    world.settle();
    let rotated = block_on(drawer.process(world).rotate_master_key(None, OldMasterKey::Goes));
    world.settle();
    rotated
}

fn hands_out(engine: &Engine, reference: &AccountReference) -> Result<bool, HandOutError> {
    let handed = block_on(engine.hand_out(reference, &Ask::default(), Duration::from_mins(1)));
    handed.map(|handed| is(&handed.token, "a1"))
}

/// Whether another process opens the vault, after everything before it has come to its end.
fn opens(drawer: &Arc<Drawer>, world: &World, reference: &AccountReference) -> bool {
    world.settle();
    hands_out(&drawer.process(world), reference).unwrap()
}

fn record(engine: &Engine) -> DataKey {
    block_on(engine.data_key()).unwrap().unwrap().document
}

#[test]
fn a_rotated_vault_opens_with_the_new_key_alone_and_processes_that_have_it_open_go_on() {
    let drawer = Drawer::new();
    let (world, reference) = logged_in(&drawer);
    let old = block_on(world.engine.master_key()).unwrap().unwrap();
    let (before, account) = (record(&world.engine), world.account(&reference));

    let rotated = rotate(&drawer, &world).unwrap();
    assert!(rotated.leftover.is_none());

    assert!(hands_out(&world.engine, &reference).unwrap(), "it has the vault open");
    let next = drawer.process(&world);
    assert!(hands_out(&next, &reference).unwrap());
    assert!(matches!(block_on(next.unlock_with(old)), Err(VaultError::WrongMasterKey)));
    let after = record(&next);
    assert_eq!((after.id, after.created_at, after.retiring), (before.id, before.created_at, None));
    assert_ne!(after.wrapped, before.wrapped);
    assert_eq!(world.account(&reference).sealed, account.sealed, "no other record changes");
    assert_eq!(drawer.count(), 1, "the old key is gone");

    let events =
        block_on(world.store.events(&Space::System, EventQuery { after: 0, subject: None, limit: 100 }))
            .unwrap()
            .value;
    let names: Vec<_> = events.iter().map(|recorded| recorded.event.name.as_str()).collect();
    assert_eq!(names, ["vault.rotated"]);
}

#[test]
fn an_interruption_at_any_step_leaves_a_vault_that_opens_and_rotates() {
    for step in [Step::KeptBeside, Step::Committed, Step::Retired] {
        let drawer = Drawer::new();
        let (world, reference) = logged_in(&drawer);
        drawer.stop_at(Some(step));
        let ended = rotate(&drawer, &world);
        match step {
            Step::KeptBeside => assert!(ended.is_err()),
            Step::Committed | Step::Retired => assert!(ended.unwrap().leftover.is_some()),
        }
        // Still interrupted: whoever opens it cannot finish either, and opens it all the same.
        assert!(opens(&drawer, &world, &reference), "{step:?}");
        assert!(hands_out(&world.engine, &reference).unwrap(), "{step:?}");

        drawer.stop_at(None);
        assert!(opens(&drawer, &world, &reference), "{step:?}");
        let unfinished = usize::from(step == Step::KeptBeside);
        assert_eq!(drawer.count(), 1 + unfinished, "{step:?}: who opens it finishes what was committed");
        assert_eq!(record(&world.engine).retiring, None, "{step:?}");

        let rotated = rotate(&drawer, &world).unwrap();
        assert!(rotated.leftover.is_none(), "{step:?}");
        assert_eq!(drawer.count(), 1, "{step:?}");
        assert!(opens(&drawer, &world, &reference), "{step:?}");
    }
}

#[test]
fn a_rotation_finishes_the_one_before_it_first() {
    for step in [Step::Committed, Step::Retired] {
        let drawer = Drawer::new();
        let (world, reference) = logged_in(&drawer);
        drawer.stop_at(Some(step));
        let interrupted = rotate(&drawer, &world).unwrap();
        assert!(interrupted.leftover.is_some());
        // The new key would take the place of one that is still needed.
        let refused = rotate(&drawer, &world);
        assert!(matches!(refused, Err(RotationError::Vault(_))), "{step:?}");
        drawer.stop_at(None);
        rotate(&drawer, &world).unwrap();
        assert!(opens(&drawer, &world, &reference), "{step:?}");
        assert_eq!(drawer.count(), 1);
    }
}

#[test]
fn two_rotations_at_once_follow_each_other() {
    let drawer = Drawer::new();
    let (world, reference) = logged_in(&drawer);
    let rotations: Vec<_> = std::thread::scope(|scope| {
        let rotate = || block_on(drawer.process(&world).rotate_master_key(None, OldMasterKey::Goes));
        let threads: Vec<_> = (0..4).map(|_| scope.spawn(rotate)).collect();
        // Whoever waits for another does so by the clock.
        while threads.iter().any(|thread| !thread.is_finished()) {
            world.clock.advance(Duration::from_millis(10));
            std::thread::yield_now();
        }
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    for rotation in &rotations {
        assert!(matches!(rotation, Ok(_) | Err(RotationError::Busy)), "{rotation:?}");
    }
    assert!(rotations.iter().any(Result::is_ok));
    assert_eq!(drawer.count(), 1);
    assert!(opens(&drawer, &world, &reference));
}

#[test]
fn the_same_key_again_is_no_rotation_and_without_a_vault_there_is_none() {
    let drawer = Drawer::new();
    let (world, reference) = logged_in(&drawer);
    let same = block_on(world.engine.rotate_master_key(Some(Secret::new("the same")), OldMasterKey::Goes));
    assert!(matches!(same, Err(RotationError::SameKey)), "{same:?}");
    assert!(opens(&drawer, &world, &reference));

    let empty = World::new("", |_| tokens("a1", None));
    assert!(matches!(
        block_on(empty.engine.rotate_master_key(None, OldMasterKey::Goes)),
        Err(RotationError::NoVault)
    ));
}

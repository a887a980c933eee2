//! Opening, locking and unlocking.

use std::sync::OnceLock;
use std::sync::atomic::Ordering;
use std::time::Duration;

use futures::executor::block_on;
use futures::future::join_all;

use super::super::drawer::Drawer;
use super::*;
use crate::engine::broker::HandOutError;
use crate::engine::login::LoginError;
use crate::engine::test_world::{World, is, parameter, tokens};
use crate::lifecycle::refresh::Ask;
use crate::ports::store::{EventQuery, Space};

fn world(drawer: &Arc<Drawer>) -> World {
    let mut world = World::new("", |_| tokens("a1", Some("r1")));
    world.engine = drawer.process(&world);
    world
}

fn is_locked(error: &VaultError) -> bool {
    matches!(error, VaultError::Key(KeyError::Locked { hint, .. }) if hint.contains("`bursar vault unlock`"))
}

#[test]
fn many_first_users_open_it_once() {
    let drawer = Drawer::new();
    let world = world(&drawer);
    world.log_in();
    let engine = drawer.process(&world);
    assert!(!engine.is_unlocked());
    drawer.fetched.store(0, Ordering::SeqCst);
    let opened = block_on(join_all((0..8).map(|_| engine.vault())));
    assert!(opened.iter().all(Result::is_ok));
    assert_eq!(drawer.fetched.load(Ordering::SeqCst), 1);
    assert!(engine.is_unlocked());
}

#[test]
fn what_is_locked_hands_out_nothing_until_it_is_unlocked() {
    let drawer = Drawer::new();
    let world = world(&drawer);
    let reference = world.log_in().reference;
    let key = block_on(world.engine.master_key()).unwrap().unwrap();
    world.engine.lock();
    assert!(!world.engine.is_unlocked());
    let error = world.hand_out(&reference).unwrap_err();
    assert!(matches!(&error, HandOutError::Vault(error) if is_locked(error)), "{error}");
    world.clock.advance(Duration::from_hours(2));
    let refreshed = block_on(world.engine.refresh(&reference, Duration::from_mins(1))).unwrap_err();
    assert!(matches!(&refreshed, HandOutError::Vault(error) if is_locked(error)), "{refreshed}");
    let login = block_on(world.engine.login_with_key(&world.plan(), crate::secret::Secret::new("key"), None));
    assert!(matches!(&login, Err(LoginError::Vault(error)) if is_locked(error)), "{login:?}");
    assert!(world.account(&reference).journal.is_none(), "nothing was begun that cannot be ended");

    let wrong = block_on(world.engine.unlock_with(MasterKey::new([9; 32])));
    assert!(matches!(wrong, Err(VaultError::WrongMasterKey)), "{wrong:?}");
    assert!(matches!(world.hand_out(&reference), Err(HandOutError::Vault(_))), "it stays locked");

    block_on(world.engine.unlock_with(key)).unwrap();
    assert!(world.engine.is_unlocked());
    assert!(is(&world.hand_out(&reference).unwrap().token, "a1"));
    world.engine.lock();
    block_on(world.engine.unlock()).unwrap();
    assert!(is(&world.hand_out(&reference).unwrap().token, "a1"));
}

#[test]
fn a_lock_wins_over_an_opening_that_began_before() {
    let drawer = Drawer::new();
    let world = world(&drawer);
    world.log_in();
    for explicit in [false, true] {
        let engine = drawer.process(&world);
        drawer.gate.forget_permits(usize::MAX);
        let opening = async { if explicit { engine.unlock().await } else { engine.vault().await.map(drop) } };
        let mut opening = std::pin::pin!(opening);
        let waker = futures::task::noop_waker();
        let mut context = std::task::Context::from_waker(&waker);
        assert!(opening.as_mut().poll(&mut context).is_pending());
        engine.lock();
        drawer.gate.add_permits(1);
        let error = block_on(opening).unwrap_err();
        assert!(is_locked(&error), "{error}");
        assert!(!engine.is_unlocked());
    }
}

#[test]
fn a_first_user_who_goes_away_leaves_the_door_to_the_next() {
    let drawer = Drawer::new();
    let world = world(&drawer);
    world.log_in();
    let engine = drawer.process(&world);
    drawer.gate.forget_permits(usize::MAX);
    let waker = futures::task::noop_waker();
    {
        let mut opening = std::pin::pin!(engine.vault());
        assert!(opening.as_mut().poll(&mut std::task::Context::from_waker(&waker)).is_pending());
    }
    drawer.gate.add_permits(1);
    block_on(engine.vault()).unwrap();
}

#[test]
fn tokens_that_arrive_while_it_is_being_locked_are_kept() {
    static ENGINE: OnceLock<Engine> = OnceLock::new();
    let drawer = Drawer::new();
    let mut world = World::new("reuse = \"revoke_family\"", |request| {
        if parameter(request, "refresh_token").is_none() {
            return tokens("a1", Some("r1"));
        }
        // Between the request and its answer.
        ENGINE.get().unwrap().lock();
        tokens("a2", Some("r2"))
    });
    world.engine = drawer.process(&world);
    let reference = world.log_in().reference;
    assert!(ENGINE.set(world.engine.clone()).is_ok());
    world.clock.advance(Duration::from_hours(1));
    let ask = Ask::default();
    let error = block_on(world.engine.hand_out(&reference, &ask, Duration::from_mins(1))).unwrap_err();
    assert!(matches!(&error, HandOutError::Vault(error) if is_locked(error)), "{error}");
    block_on(world.engine.unlock()).unwrap();
    assert!(is(&world.hand_out(&reference).unwrap().token, "a2"), "the spent token has its successor");
}

#[test]
fn a_vault_is_made_once_and_nothing_is_opened_where_there_is_none() {
    let drawer = Drawer::new();
    let world = world(&drawer);
    let engine = &world.engine;
    assert_eq!(block_on(engine.recorded_key_source()).unwrap(), None);
    block_on(engine.unlock()).unwrap();
    assert!(!engine.is_unlocked() && drawer.count() == 0, "to open is not to make");
    assert!(block_on(engine.master_key()).unwrap().is_none());
    let nothing = block_on(engine.unlock_with(MasterKey::new([1; 32])));
    assert!(matches!(nothing, Err(VaultError::Key(KeyError::Unavailable { .. }))), "{nothing:?}");

    assert!(block_on(engine.create_vault()).unwrap());
    assert!(engine.is_unlocked());
    assert!(!block_on(engine.create_vault()).unwrap());
    assert!(!block_on(drawer.process(&world).create_vault()).unwrap());
    assert_eq!(drawer.count(), 1);
    let events =
        block_on(world.store.events(&Space::System, EventQuery { after: 0, subject: None, limit: 100 }))
            .unwrap()
            .value;
    assert!(events.is_empty());
}

#[test]
fn debug_output_shows_no_key() {
    let drawer = Drawer::new();
    let world = world(&drawer);
    world.log_in();
    let shown = format!("{:?}", world.engine.vault);
    assert!(shown.contains("Key(1)"), "{shown}");
}

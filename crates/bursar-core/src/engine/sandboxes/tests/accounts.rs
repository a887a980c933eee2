//! Held accounts of sandboxes: nothing of them crosses, and they end with their sandbox.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures::executor::block_on;

use super::wish;
use crate::engine::broker::HandOutError;
use crate::engine::issuer::rules::Quotas;
use crate::engine::login::{LoginError, LoginPlan};
use crate::engine::sandboxes::{NewSandbox, Sandbox, SandboxSettings, Sandboxes};
use crate::engine::test_world::{World, is, tokens};
use crate::engine::vault::VaultError;
use crate::lifecycle::account::Account;
use crate::lifecycle::reference::{AccountReference, Nickname};
use crate::ports::document::{self, Document as _};
use crate::ports::store::{Expected, Page, Space};

/// An installation whose provider numbers its tokens, and two sandboxes of it.
fn world() -> (World, Sandboxes, [Sandbox; 2]) {
    let counter = AtomicUsize::new(0);
    let world = World::new("reuse = \"reject\"", move |_| {
        let number = counter.fetch_add(1, Ordering::SeqCst);
        tokens(&format!("a{number}"), Some(&format!("r{number}")))
    });
    let sandboxes = Sandboxes::new(world.engine.clone());
    let made = ["one", "other"].map(|name| block_on(sandboxes.add(wish(name))).unwrap());
    (world, sandboxes, made)
}

fn accounts_in(world: &World, sandbox: &Sandbox) -> usize {
    let space = Space::Sandbox(sandbox.space.clone());
    block_on(world.store.list(&space, Account::KIND, Page::first(9))).unwrap().value.len()
}

#[test]
fn accounts_of_one_name_know_nothing_of_each_other() {
    let (around, _, [one, other]) = world();
    let [one, other] = [&one, &other].map(|sandbox| around.within(sandbox));
    let reference = one.log_in().reference;
    for elsewhere in [&around, &other] {
        assert!(block_on(elsewhere.engine.overview()).unwrap().accounts.is_empty());
        assert!(matches!(elsewhere.hand_out(&reference), Err(HandOutError::NoSuchAccount { .. })));
    }
    around.log_in();
    other.log_in();
    for (world, token) in [(&one, "a0"), (&around, "a1"), (&other, "a2")] {
        assert!(is(&world.hand_out(&reference).unwrap().token, token));
    }
    assert!(block_on(one.engine.set_paused(&reference, true)).unwrap());
    assert!(is(&other.hand_out(&reference).unwrap().token, "a2"));
    block_on(one.engine.logout(&reference)).unwrap();
    assert!(matches!(one.hand_out(&reference), Err(HandOutError::NoSuchAccount { .. })));
    assert!(is(&around.hand_out(&reference).unwrap().token, "a1"));
}

#[test]
fn who_refreshes_in_one_holds_up_nobody_in_another() {
    let (around, _, [one, other]) = world();
    let [one, other] = [&one, &other].map(|sandbox| around.within(sandbox));
    let reference = [&around, &one, &other].map(World::log_in)[0].reference.clone();
    let lock = &one.engine.ports.refresh_lock;
    let held = block_on(lock.acquire(&one.engine.space, &reference.key(), Duration::ZERO)).unwrap();
    assert!(held.is_some());
    let refresh = |world: &World| block_on(world.engine.refresh(&reference, Duration::ZERO));
    assert!(matches!(refresh(&one), Err(HandOutError::Busy { .. })));
    for elsewhere in [&around, &other] {
        let patient = block_on(elsewhere.engine.refresh(&reference, Duration::from_mins(1)));
        assert!(patient.is_ok(), "{patient:?}");
    }
}

#[test]
fn an_account_that_somebody_moves_into_another_sandbox_does_not_open() {
    let (around, _, [one, other]) = world();
    let account = around.within(&one).log_in();
    for elsewhere in [&around, &around.within(&other)] {
        let batch = document::put(elsewhere.engine.batch(), &account, Expected::Absent).unwrap();
        block_on(around.store.commit(batch)).unwrap();
        let opened = elsewhere.hand_out(&account.reference);
        assert!(matches!(opened, Err(HandOutError::Vault(VaultError::NotOurs { .. }))), "{opened:?}");
    }
}

#[test]
fn a_sandbox_has_no_more_accounts_than_it_may_have() {
    let (around, sandboxes, _) = world();
    let quotas = Quotas { accounts: Some(1), ..Quotas::default() };
    let settings = SandboxSettings { quotas, ..SandboxSettings::default() };
    let small = block_on(sandboxes.add(NewSandbox { settings, ..wish("small") })).unwrap();
    let small = around.within(&small);
    let reference = small.log_in().reference;
    let further = LoginPlan { nickname: Some(Nickname::parse("further").unwrap()), ..small.plan() };
    let log_in = |plan: &LoginPlan| {
        let pending = block_on(small.engine.begin_authorization(plan, "http://127.0.0.1/callback")).unwrap();
        let state = pending.url().query_pairs().find(|(name, _)| name == "state").unwrap().1.into_owned();
        let pasted = format!("http://127.0.0.1/callback?code=the-code&state={state}");
        block_on(small.engine.finish_pasted(plan, pending, &pasted))
    };
    let refused = log_in(&further);
    assert!(matches!(refused, Err(LoginError::Full(_))), "{refused:?}");
    assert!(log_in(&small.plan()).unwrap().renewed, "the one that is there may log in again");
    assert!(is(&small.hand_out(&reference).unwrap().token, "a2"));
    // Whoever goes makes room.
    block_on(small.engine.logout(&reference)).unwrap();
    assert!(log_in(&further).is_ok());
}

#[test]
fn accounts_end_with_their_sandbox_for_those_who_were_in_it_too() {
    let (around, sandboxes, [one, other]) = world();
    let [in_one, in_other] = [&one, &other].map(|sandbox| around.within(sandbox));
    let reference = in_one.log_in().reference;
    in_other.log_in();
    assert!(block_on(sandboxes.remove("one")).unwrap());
    block_on(sandboxes.reset("other")).unwrap().unwrap();
    around.clock.advance(Duration::from_secs(2));
    for ended in [&in_one, &in_other] {
        let handed = ended.hand_out(&reference);
        assert!(matches!(handed, Err(HandOutError::Vault(VaultError::SandboxEnded { .. }))), "{handed:?}");
        let refreshed = block_on(ended.engine.refresh(&reference, Duration::from_mins(1)));
        assert!(refreshed.is_err(), "{refreshed:?}");
    }
    // Whoever has the name now begins with nothing.
    let again = block_on(sandboxes.add(wish("one"))).unwrap();
    let nobody = around.within(&again).hand_out(&reference);
    assert!(matches!(nobody, Err(HandOutError::NoSuchAccount { .. })), "{nobody:?}");
    block_on(sandboxes.clear_up()).unwrap();
    assert_eq!([&one, &other].map(|sandbox| accounts_in(&around, sandbox)), [0, 0]);
}

#[test]
fn who_works_in_a_sandbox_hears_that_its_key_has_changed() {
    let (around, _, [one, _]) = world();
    let in_one = around.within(&one);
    let reference: AccountReference = in_one.log_in().reference;
    // As if its record had been read long ago, and another key counts by now.
    let stale = Sandbox { key_id: one.key_id + 1, ..one };
    let in_stale = around.within(&stale);
    around.clock.advance(Duration::from_secs(2));
    assert!(is(&in_stale.hand_out(&reference).unwrap().token, "a0"));
    let now = block_on(in_stale.engine.sandbox_now()).unwrap().unwrap();
    assert_eq!(now.key_id, stale.key_id - 1);
}

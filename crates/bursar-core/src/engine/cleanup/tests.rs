//! What goes, what stays, and who wins when both are tried at once.

use std::collections::BTreeMap;
use std::sync::Barrier;

use futures::executor::block_on;

use super::*;
use crate::engine::sessions::{NewSession, Purpose};
use crate::engine::test_world::{World, tokens};
use crate::lifecycle::failure::{Cause, CauseKind};
use crate::lifecycle::sample::{account, at};
use crate::ports::processes::Processes as _;
use crate::ports::store::EventQuery;

const DAY: i64 = 86_400;

fn ground_of(account: Account, unused_days: Option<i64>, used_at: Option<i64>, now: i64) -> Option<Ground> {
    let key = account.reference.key();
    let overview = Overview {
        accounts: vec![account],
        last_used: used_at.map(|used| (key, at(used))).into_iter().collect(),
        defaults: BTreeMap::new(),
    };
    let rules = CleanupRules {
        unused_for: unused_days.map(|days| SignedDuration::from_secs(days * DAY)),
        ..CleanupRules::default()
    };
    candidates(&overview, &[], rules, at(now)).pop().map(|(_, ground)| ground)
}

#[test]
fn only_logins_that_have_been_dead_for_a_week_go() {
    let mut lost = account();
    let cause = Cause::new(CauseKind::GrantRefused, "invalid_grant");
    lost.standing = Standing::NeedsLogin { cause, at: at(0) };
    assert_eq!(ground_of(lost.clone(), None, None, 7 * DAY), None);
    assert_eq!(ground_of(lost, None, None, 7 * DAY + 1), Some(Ground::LoginRequired(at(0))));

    let mut ended = account();
    ended.refresh.as_mut().unwrap().expires_at = Some(at(DAY));
    assert_eq!(ground_of(ended.clone(), None, None, 8 * DAY), None);
    assert_eq!(ground_of(ended, None, None, 8 * DAY + 1), Some(Ground::GrantEnded(at(DAY))));
}

#[test]
fn disuse_counts_only_when_asked_for() {
    assert_eq!(ground_of(account(), None, None, 400 * DAY), None);
    assert_eq!(ground_of(account(), Some(7), None, 8 * DAY), Some(Ground::Unused(at(0))));
    assert_eq!(ground_of(account(), Some(7), Some(5 * DAY), 8 * DAY), None);
}

/// A world whose only account has needed a person for so long that it may go.
fn world() -> (World, AccountReference) {
    let world = World::new("reuse = \"revoke_family\"", |_| tokens("access", Some("refresh")));
    let account = world.log_in();
    let reference = account.reference.clone();
    die(&world, account);
    (world, reference)
}

fn die(world: &World, mut account: Account) {
    let stored = block_on(world.engine.account(&account.reference)).unwrap();
    let since = world.now() - SignedDuration::from_hours(8 * 24);
    let cause = Cause::new(CauseKind::GrantRefused, "invalid_grant");
    account.standing = Standing::NeedsLogin { cause, at: since };
    let batch = document::put(world.engine.batch(), &account, Expected::Version(stored.version)).unwrap();
    assert!(matches!(block_on(world.store.commit(batch)).unwrap().value, Commit::Done(_)));
}

fn open(world: &World, reference: &AccountReference) -> Session {
    let wish = NewSession {
        accounts: vec![reference.clone()],
        owner: world.processes.own(),
        purpose: Purpose::Exec { program: "tool".into() },
        until: None,
        token: None,
        routes: Vec::new(),
    };
    block_on(world.engine.open_session(wish)).unwrap()
}

fn remove(world: &World, reference: &AccountReference) -> Removal {
    block_on(world.engine.remove(reference, CleanupRules::default())).unwrap()
}

fn is_there(world: &World, reference: &AccountReference) -> bool {
    block_on(world.engine.account(reference)).is_ok()
}

fn claims(world: &World) -> usize {
    block_on(document::list::<RemovalClaim>(&*world.store, world.engine.space())).unwrap().len()
}

#[test]
fn an_account_in_use_is_no_candidate_and_is_not_removed() {
    let (world, reference) = world();
    let session = open(&world, &reference);
    let candidates = |sessions: &[Session]| {
        let overview = block_on(world.engine.overview()).unwrap();
        candidates(&overview, sessions, CleanupRules::default(), world.now()).len()
    };
    assert_eq!(candidates(&block_on(world.engine.sessions()).unwrap()), 0);
    assert_eq!(remove(&world, &reference), Removal::InUse { sessions: 1 });
    assert!(is_there(&world, &reference));

    block_on(world.engine.end_session(&session.id)).unwrap();
    assert_eq!(candidates(&block_on(world.engine.sessions()).unwrap()), 1);
    assert_eq!(remove(&world, &reference), Removal::Removed(RevocationReport::Revoked));
    assert!(!is_there(&world, &reference));
    assert_eq!(claims(&world), 0, "no claim outlives the removal");
}

#[test]
fn a_session_of_a_dead_process_protects_nothing() {
    let (world, reference) = world();
    open(&world, &reference);
    world.processes.reboot();
    assert_eq!(remove(&world, &reference), Removal::Removed(RevocationReport::Revoked));
}

#[test]
fn an_account_that_came_back_to_life_meanwhile_is_spared() {
    let (world, reference) = world();
    world.log_in();
    assert_eq!(remove(&world, &reference), Removal::Spared);
    assert!(is_there(&world, &reference));
    assert_eq!(claims(&world), 0);
}

#[test]
fn a_use_noted_meanwhile_spares_an_unused_account() {
    let world = World::new("reuse = \"revoke_family\"", |_| tokens("access", Some("refresh")));
    let reference = world.log_in().reference;
    let rules = CleanupRules { unused_for: Some(SignedDuration::from_hours(24)), ..CleanupRules::default() };
    world.clock.jump(SignedDuration::from_hours(25));
    let remove = || block_on(world.engine.remove(&reference, rules)).unwrap();
    world.hand_out(&reference).unwrap();
    // The use is noted beside the hand-out; the next one waits for that.
    world.hand_out(&reference).unwrap();
    assert_eq!(remove(), Removal::Spared);
    world.clock.jump(SignedDuration::from_hours(25));
    assert_eq!(remove(), Removal::Removed(RevocationReport::Revoked));
    assert_eq!(remove(), Removal::Spared, "somebody else was faster");
}

#[test]
fn a_session_opened_after_the_claim_takes_the_right_to_remove_away() {
    let (world, reference) = world();
    let engine = &world.engine;
    let claim = block_on(engine.claim_removal(&reference)).unwrap();
    // Another remover depends on the same claim.
    assert_eq!(block_on(engine.claim_removal(&reference)).unwrap(), claim);
    let session = open(&world, &reference);
    // Seen or not: even with the session gone again, what was decided under the old claim cannot be done.
    block_on(engine.end_session(&session.id)).unwrap();
    let removal = block_on(engine.try_remove(&reference, CleanupRules::default(), claim)).unwrap();
    assert_eq!(removal, None);
    assert!(is_there(&world, &reference));
}

#[test]
fn a_claim_nobody_took_back_is_forgotten() {
    let (world, reference) = world();
    let claim = block_on(world.engine.claim_removal(&reference)).unwrap();
    world.clock.jump(CLAIM_LIFE);
    let removal = block_on(world.engine.try_remove(&reference, CleanupRules::default(), claim)).unwrap();
    assert_eq!(removal, None);
    assert_ne!(block_on(world.engine.claim_removal(&reference)).unwrap(), claim);
    assert_eq!(remove(&world, &reference), Removal::Removed(RevocationReport::Revoked));
}

/// Sessions are opened while the account is removed, again and again. Whoever got in before the removal keeps it.
#[test]
fn no_session_ever_loses_its_account_to_cleaning_up() {
    for round in 0..200_u64 {
        let (world, reference) = world();
        let gate = Barrier::new(2 + OPENERS);
        let removals = std::thread::scope(|scope| {
            for opener in 0..OPENERS {
                let (world, reference, gate) = (&world, &reference, &gate);
                scope.spawn(move || {
                    gate.wait();
                    // Different distances, so that every order comes about.
                    for _ in 0..(round % 20) * opener as u64 * 50 {
                        std::hint::spin_loop();
                    }
                    open(world, reference);
                });
            }
            let removers = [(); 2].map(|()| {
                scope.spawn(|| {
                    gate.wait();
                    remove(&world, &reference)
                })
            });
            removers.map(|remover| remover.join().unwrap())
        });
        let query = EventQuery { after: 0, subject: Some(reference.to_string()), limit: 100 };
        let events = block_on(world.store.events(world.engine.space(), query)).unwrap().value;
        let names: Vec<&str> = events.iter().map(|stored| stored.event.name.as_str()).collect();
        let started = names.iter().filter(|name| **name == "session.started").count();
        assert_eq!(started, OPENERS, "{names:?}");
        let gone = names.iter().position(|name| *name == "account.logged_out");
        let first = names.iter().position(|name| *name == "session.started").unwrap();
        assert_eq!(gone.is_none(), is_there(&world, &reference));
        if let Some(gone) = gone {
            assert!(gone < first, "removed under a session: {names:?}");
            assert!(removals.contains(&Removal::Removed(RevocationReport::Revoked)), "{removals:?}");
        } else {
            let kept = removals.iter().all(|removal| matches!(removal, Removal::InUse { .. }));
            assert!(kept, "{removals:?}");
        }
    }
}

const OPENERS: usize = 3;

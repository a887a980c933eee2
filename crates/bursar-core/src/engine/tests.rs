//! Flows through the whole engine.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::executor::block_on;
use futures::future::{Either, select};
use jiff::SignedDuration;

use super::broker::HandOutError;
use super::logout::RevocationReport;
use super::test_world::{World, answer, cut, is, parameter, refused, tokens};
use crate::lifecycle::account::{Generation, Standing};
use crate::lifecycle::failure::CauseKind;
use crate::lifecycle::reference::AccountReference;
use crate::lifecycle::refresh::Ask;
use crate::memory::MemoryStore;
use crate::ports::document;
use crate::ports::store::{Incarnation, Origin, Space, Store};

const HOUR: Duration = Duration::from_hours(1);

#[test]
fn an_ended_token_is_refreshed_and_the_rotated_one_spent_next() {
    let world = World::new("reuse = \"revoke_family\"", |request| {
        match parameter(request, "refresh_token").as_deref() {
            None => tokens("a1", Some("r1")),
            Some("r1") => tokens("a2", Some("r2")),
            Some("r2") => tokens("a3", Some("r3")),
            Some(_) => refused("invalid_grant"),
        }
    });
    let reference = world.log_in().reference;
    assert!(is(&world.hand_out(&reference).unwrap().token, "a1"));
    world.clock.advance(HOUR);
    assert!(is(&world.hand_out(&reference).unwrap().token, "a2"));
    assert!(is(&world.hand_out(&reference).unwrap().token, "a2"));
    world.clock.advance(HOUR);
    assert!(is(&world.hand_out(&reference).unwrap().token, "a3"));
    assert_eq!(world.account(&reference).generation, Generation(3));
}

#[test]
fn a_lost_answer_is_not_replayed_at_a_provider_that_would_end_the_login() {
    let calls = Arc::new(AtomicUsize::new(0));
    let counted = calls.clone();
    let world = World::new("reuse = \"revoke_family\"", move |request| {
        if parameter(request, "refresh_token").is_none() {
            return tokens("a1", Some("r1"));
        }
        match counted.fetch_add(1, Ordering::SeqCst) {
            0 => cut(),
            _ => tokens("a2", Some("r2")),
        }
    });
    let reference = world.log_in().reference;
    world.clock.advance(Duration::from_secs(3500));
    assert!(is(&world.hand_out(&reference).unwrap().token, "a1"), "the old token still serves");
    assert_eq!(calls.load(Ordering::SeqCst), 1);
    world.clock.advance(Duration::from_secs(90));
    assert!(is(&world.hand_out(&reference).unwrap().token, "a1"));
    assert_eq!(calls.load(Ordering::SeqCst), 1, "not while the access token lives");
    world.clock.advance(Duration::from_secs(10));
    assert!(is(&world.hand_out(&reference).unwrap().token, "a2"));
}

#[test]
fn a_lost_answer_is_asked_for_again_where_that_is_harmless() {
    let calls = Arc::new(AtomicUsize::new(0));
    let counted = calls.clone();
    let world = World::new("reuse = { grace = { seconds = 60 } }", move |request| {
        match (parameter(request, "refresh_token"), counted.fetch_add(1, Ordering::SeqCst)) {
            (None, _) => tokens("a1", Some("r1")),
            (Some(_), 1) => cut(),
            (Some(_), _) => tokens("a2", Some("r2")),
        }
    });
    let reference = world.log_in().reference;
    world.clock.advance(HOUR);
    let error = world.hand_out(&reference).unwrap_err();
    assert!(matches!(error, HandOutError::TryLater { .. }), "{error}");
    world.clock.advance(Duration::from_secs(6));
    assert!(is(&world.hand_out(&reference).unwrap().token, "a2"));
}

#[test]
fn a_refused_refresh_needs_a_person_and_keeps_everything() {
    let world = World::new("", |request| match parameter(request, "refresh_token") {
        None => tokens("a1", Some("r1")),
        Some(_) => refused("invalid_grant"),
    });
    let before = world.log_in();
    world.clock.advance(Duration::from_secs(3500));
    assert!(
        is(&world.hand_out(&before.reference).unwrap().token, "a1"),
        "the unexpired token is not dropped"
    );
    world.clock.advance(Duration::from_secs(200));
    let error = world.hand_out(&before.reference).unwrap_err();
    assert!(matches!(error, HandOutError::LoginRequired { .. }), "{error}");
    let after = world.account(&before.reference);
    assert_eq!((after.sealed, after.access, after.refresh), (before.sealed, before.access, before.refresh));
}

#[test]
fn an_answer_too_late_for_its_lease_is_kept_as_a_spare_and_tried_when_the_other_is_refused() {
    // The first renewal oversleeps its lease inside the call; a second process renews meanwhile.
    let (asleep, wake) = (Arc::new(std::sync::Barrier::new(2)), Arc::new(std::sync::Barrier::new(2)));
    let calls = Arc::new(AtomicUsize::new(0));
    let (inner_asleep, inner_wake, counted) = (asleep.clone(), wake.clone(), calls.clone());
    let world = World::new("reuse = \"harmless\"", move |request| {
        let Some(token) = parameter(request, "refresh_token") else { return tokens("a1", Some("r1")) };
        match (token.as_str(), counted.fetch_add(1, Ordering::SeqCst)) {
            ("r1", 0) => {
                inner_asleep.wait();
                inner_wake.wait();
                tokens("late", Some("spare"))
            }
            ("r1", _) => tokens("a2", Some("r2")),
            ("spare", _) => tokens("a3", Some("r3")),
            _ => refused("invalid_grant"),
        }
    });
    let reference = world.log_in().reference;
    world.clock.advance(HOUR);
    let sleeper = {
        let (world, reference) = (world.clone(), reference.clone());
        std::thread::spawn(move || world.hand_out_beside_others(&reference))
    };
    asleep.wait();
    world.clock.advance(Duration::from_secs(61));
    assert!(is(&world.hand_out_beside_others(&reference).unwrap().token, "a2"));
    let store = &world.engine.ports().store;
    block_on(store.seal("elsewhere")).unwrap();
    wake.wait();
    // The sleeper's own wait is over; its task goes on and keeps what it got, as soon as the store takes anything again.
    drop(sleeper.join().unwrap());
    world.clock.advance(Duration::from_secs(2));
    block_on(store.unseal()).unwrap();
    wait_until(|| {
        world.clock.advance(Duration::from_millis(500));
        let account = world.account(&reference);
        let credentials = block_on(world.engine.credentials(&account)).unwrap();
        credentials.spares.iter().any(|spare| is(spare, "spare"))
    });
    world.clock.advance(HOUR);
    assert!(is(&world.hand_out(&reference).unwrap().token, "a3"), "r2 was refused, the spare works");
}

#[test]
fn a_caller_who_goes_away_loses_nothing() {
    let (called, go_on) = (Arc::new(std::sync::Barrier::new(2)), Arc::new(std::sync::Barrier::new(2)));
    let (inner_called, inner_go_on) = (called.clone(), go_on.clone());
    let world = World::new("reuse = \"revoke_family\"", move |request| {
        if parameter(request, "refresh_token").is_none() {
            return tokens("a1", Some("r1"));
        }
        inner_called.wait();
        inner_go_on.wait();
        tokens("a2", Some("r2"))
    });
    let reference = world.log_in().reference;
    world.clock.advance(HOUR);
    block_on(async {
        let ask = Ask::default();
        let hand_out = world.engine.hand_out(&reference, &ask, Duration::from_mins(1));
        let leave = async { called.wait() };
        // The hand-out is polled first, so that its task is under way; then it is dropped.
        match select(Box::pin(hand_out), Box::pin(leave)).await {
            Either::Left(_) => panic!("the call cannot have ended"),
            Either::Right((_, unfinished)) => drop(unfinished),
        }
    });
    go_on.wait();
    wait_until(|| world.account(&reference).generation == Generation(2));
    assert!(is(&world.hand_out(&reference).unwrap().token, "a2"));
}

#[test]
fn two_callers_in_one_process_cause_one_refresh() {
    let calls = Arc::new(AtomicUsize::new(0));
    let counted = calls.clone();
    let world = World::new("reuse = \"revoke_family\"", move |request| {
        match parameter(request, "refresh_token").as_deref() {
            None => tokens("a1", Some("r1")),
            Some("r1") => {
                counted.fetch_add(1, Ordering::SeqCst);
                tokens("a2", Some("r2"))
            }
            Some(_) => refused("invalid_grant"),
        }
    });
    let reference = world.log_in().reference;
    world.clock.advance(HOUR);
    let callers: Vec<_> = (0..8)
        .map(|_| {
            let (world, reference) = (world.clone(), reference.clone());
            std::thread::spawn(move || world.hand_out_beside_others(&reference).unwrap().token.clone())
        })
        .collect();
    wait_until(|| world.account(&reference).generation == Generation(2));
    // Losers poll the lease by the clock, so it has to move: slowly, because they give up after a minute of it.
    while callers.iter().any(|caller| !caller.is_finished()) {
        world.clock.advance(Duration::from_millis(25));
        std::thread::sleep(Duration::from_millis(2));
    }
    assert!(callers.into_iter().all(|caller| is(&caller.join().unwrap(), "a2")));
    assert_eq!(calls.load(Ordering::SeqCst), 1);
}

#[test]
fn a_restored_copy_spends_nothing_until_its_original_is_confirmed_dead() {
    let original = World::new("", |_| tokens("a1", Some("r1")));
    let reference = original.log_in().reference;
    let mut backup = Vec::new();
    block_on(original.store.backup(&mut backup)).unwrap();

    let copy: Arc<dyn Store> = Arc::new(MemoryStore::new(original.clock.clone(), "unused"));
    let incarnation = Incarnation {
        id: "second".into(),
        origin: Origin::Restored {
            from: "first".into(),
            source_is_dead: false,
            grants_stand: false,
            honours_from: None,
        },
    };
    block_on(copy.restore(&mut backup.as_slice(), incarnation)).unwrap();
    let copy = World::on(copy, original.clock.clone(), "", |_| panic!("nothing may be sent"));
    assert!(is(&copy.hand_out(&reference).unwrap().token, "a1"), "a living token is no risk");
    copy.clock.advance(HOUR);
    let Err(HandOutError::TryLater { cause, .. }) = copy.hand_out(&reference) else {
        panic!("it must refuse")
    };
    assert_eq!(cause.kind, CauseKind::UnconfirmedCopy);
}

#[test]
fn a_logout_is_final_here_and_repeated_there_until_it_is_heard() {
    let calls = Arc::new(AtomicUsize::new(0));
    let counted = calls.clone();
    let world = World::new("", move |request| {
        if request.uri().path() != "/revoke" {
            return tokens("a1", Some("r1"));
        }
        assert_eq!(parameter(request, "token").as_deref(), Some("r1"), "the refresh token ends the login");
        match counted.fetch_add(1, Ordering::SeqCst) {
            0 => answer(503, &serde_json::json!({})),
            _ => answer(200, &serde_json::json!({})),
        }
    });
    let reference = world.log_in().reference;
    let report = block_on(world.engine.logout(&reference)).unwrap();
    assert!(matches!(report, RevocationReport::Queued { .. }), "{report:?}");
    assert!(matches!(world.hand_out(&reference), Err(HandOutError::NoSuchAccount { .. })));
    assert_eq!(block_on(world.engine.revoke_queued()).unwrap(), [], "not before its time");
    world.clock.advance(HOUR);
    assert_eq!(block_on(world.engine.revoke_queued()).unwrap(), [(reference, RevocationReport::Revoked)]);
    assert_eq!(block_on(world.engine.revoke_queued()).unwrap(), []);
}

#[test]
fn a_revocation_nobody_hears_is_dropped_after_thirty_days() {
    let world = World::new("", |request| match request.uri().path() {
        "/revoke" => cut(),
        _ => tokens("a1", Some("r1")),
    });
    let reference = world.log_in().reference;
    block_on(world.engine.logout(&reference)).unwrap();
    let queued = || {
        let space = world.engine.space().clone();
        block_on(document::list::<super::records::Revocation>(&*world.store, &space)).unwrap().len()
    };
    world.clock.advance(29 * 24 * HOUR);
    assert_eq!(queued(), 1);
    world.clock.advance(2 * 24 * HOUR);
    assert_eq!(queued(), 0);
}

#[test]
fn what_happens_to_an_account_is_written_down_without_its_secrets() {
    let world = World::new("", |request| match parameter(request, "refresh_token") {
        None => tokens("access-secret", Some("refresh-secret")),
        Some(_) => refused("invalid_grant"),
    });
    let account = world.log_in();
    world.clock.advance(HOUR);
    world.hand_out(&account.reference).unwrap_err();
    let query = crate::ports::store::EventQuery { after: 0, subject: None, limit: 100 };
    let space: &Space = world.engine.space();
    let events = block_on(world.store.events(space, query)).unwrap().value;
    let names: Vec<&str> = events.iter().map(|stored| stored.event.name.as_str()).collect();
    assert_eq!(names, ["account.logged_in", "account.login_required"]);
    let text = format!("{events:?} {:?}", world.account(&account.reference));
    assert!(!text.contains("-secret"), "{text}");
}

#[test]
fn a_clock_set_back_a_day_costs_one_refresh_and_no_login() {
    let calls = Arc::new(AtomicUsize::new(0));
    let counted = calls.clone();
    let world = World::new("", move |request| {
        if parameter(request, "refresh_token").is_none() {
            return tokens("a1", Some("r1"));
        }
        counted.fetch_add(1, Ordering::SeqCst);
        tokens("a2", Some("r2"))
    });
    let reference = world.log_in().reference;
    world.clock.jump(SignedDuration::from_hours(-24));
    assert!(is(&world.hand_out(&reference).unwrap().token, "a2"));
    assert!(is(&world.hand_out(&reference).unwrap().token, "a2"));
    assert_eq!(calls.load(Ordering::SeqCst), 1);
    assert_eq!(world.account(&reference).standing, Standing::Active);
    assert_eq!(world.account(&reference).last_refreshed, Some(world.now()));
}

/// Waits for a state that another thread brings about; a test that never reaches it is ended by its runner.
fn wait_until(reached: impl Fn() -> bool) {
    while !reached() {
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// Something that happens while the provider is being asked for the first refresh.
fn meanwhile(act: impl Fn(&World) + Send + Sync + 'static) -> (World, Arc<Mutex<Option<World>>>, Revoked) {
    let (here, revoked) = (Arc::new(Mutex::new(None::<World>)), Revoked::default());
    let (inside, heard, act) = (here.clone(), revoked.clone(), Arc::new(act));
    let world = World::new("reuse = \"reject\"", move |request| {
        if request.uri().path() == "/revoke" {
            heard.lock().unwrap().extend(parameter(request, "token"));
            return answer(200, &serde_json::json!({}));
        }
        let world = inside.lock().unwrap().clone();
        if parameter(request, "refresh_token").is_none() {
            return if world.is_some() { tokens("b1", Some("s1")) } else { tokens("a1", Some("r1")) };
        }
        if let Some(world) = world {
            let act = act.clone();
            // An executor of its own: this one is in the middle of the refresh.
            std::thread::spawn(move || act(&world)).join().unwrap();
        }
        tokens("a2", Some("r2"))
    });
    (world, here, revoked)
}

type Revoked = Arc<Mutex<Vec<String>>>;

#[test]
fn tokens_that_come_after_their_login_ended_go_back_and_touch_no_other_login() {
    let (world, here, revoked) = meanwhile(|world| {
        let reference = AccountReference::parse("test:work").unwrap();
        block_on(world.engine.logout(&reference)).unwrap();
        world.log_in();
    });
    let reference = world.log_in().reference;
    *here.lock().unwrap() = Some(world.clone());
    world.clock.advance(HOUR);
    assert!(matches!(world.hand_out(&reference), Err(HandOutError::NoSuchAccount { .. })));
    assert!(is(&world.hand_out(&reference).unwrap().token, "b1"), "the other login has its own tokens still");
    assert_eq!(world.account(&reference).generation, Generation(1));
    let revoked = revoked.lock().unwrap();
    assert!(revoked.contains(&"r1".to_owned()) && revoked.contains(&"r2".to_owned()), "{revoked:?}");
    *here.lock().unwrap() = None;
}

#[test]
fn a_token_is_not_handed_out_after_a_pause_or_a_logout_that_came_during_the_wait() {
    let paused = |world: &World| {
        let reference = AccountReference::parse("test:work").unwrap();
        block_on(world.engine.set_paused(&reference, true)).unwrap();
    };
    let logged_out = |world: &World| {
        let reference = AccountReference::parse("test:work").unwrap();
        block_on(world.engine.logout(&reference)).unwrap();
    };
    for act in [paused as fn(&World), logged_out] {
        let (world, here, _) = meanwhile(act);
        let reference = world.log_in().reference;
        *here.lock().unwrap() = Some(world.clone());
        // In the window in which callers wait and the old token would be second best.
        world.clock.advance(Duration::from_mins(59));
        let error = world.hand_out(&reference).unwrap_err();
        let refused = matches!(error, HandOutError::Paused { .. } | HandOutError::NoSuchAccount { .. });
        assert!(refused, "{error:?}");
        *here.lock().unwrap() = None;
    }
}

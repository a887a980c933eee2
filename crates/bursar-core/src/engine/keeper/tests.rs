//! The keeper in a world whose clock is moved by hand.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::channel::oneshot;
use futures::executor::block_on;
use jiff::civil::time;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::crew::{self, Crew};
use super::{Keeper, Nightly, SOON, SPREAD};
use crate::engine::sandboxes::{NewSandbox, SandboxName, SandboxSettings, Sandboxes};
use crate::engine::test_world::{World, answer, is, parameter};
use crate::lifecycle::account::Standing;
use crate::lifecycle::reference::{AccountReference, Nickname};
use crate::ports::clock::Clock as _;
use crate::ports::upstream::{Response, SendError};

/// A keeper at work in a thread of its own; it stops when dropped.
struct Working {
    keeper: Keeper,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Working {
    fn start(world: &World, nightly: Option<Nightly>) -> Self {
        let keeper = Keeper::new(world.engine.clone(), nightly);
        let (stop, stopped) = oneshot::channel::<()>();
        let at_work = keeper.clone();
        let thread = std::thread::spawn(move || {
            block_on(at_work.run(async {
                let _gone = stopped.await;
            }));
        });
        let working = Self { keeper, stop: Some(stop), thread: Some(thread) };
        working.settle(world);
        working
    }

    /// Waits until nothing happens any more without time passing.
    fn settle(&self, world: &World) {
        let mut quiet = 0;
        while quiet < 5 {
            let at_rest = self.keeper.crew.at_work() + self.keeper.tenants.crew.at_work() == 0;
            let asleep = at_rest && world.clock.sleepers() > 1;
            quiet = if asleep { quiet + 1 } else { 0 };
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    /// Lets time pass in steps of at most a second, as it does.
    fn pass(&self, world: &World, duration: Duration) {
        let end = world.clock.stopwatch() + duration;
        while let Some(left) = end.checked_sub(world.clock.stopwatch()).filter(|left| !left.is_zero()) {
            world.clock.advance(left.min(Duration::from_secs(1)));
            self.settle(world);
        }
    }
}

impl Drop for Working {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            thread.join().unwrap();
        }
    }
}

/// A provider whose access tokens live so many seconds and are numbered; the times of its refreshes.
fn numbered(seconds: i64, counter: &Arc<AtomicUsize>) -> impl Fn() -> Result<Response, SendError> + use<> {
    let counter = counter.clone();
    move || {
        let number = counter.fetch_add(1, Ordering::SeqCst);
        let body = serde_json::json!({
            "access_token": format!("a{number}"), "token_type": "Bearer",
            "expires_in": seconds, "refresh_token": format!("r{number}"),
        });
        answer(200, &body)
    }
}

fn world(seconds: i64) -> (World, Arc<AtomicUsize>) {
    let counter = Arc::new(AtomicUsize::new(0));
    let issue = numbered(seconds, &counter);
    (World::new("reuse = \"reject\"", move |_| issue()), counter)
}

fn wish(name: &str) -> NewSandbox {
    NewSandbox {
        name: SandboxName::parse(name).unwrap(),
        host: None,
        lifetime: None,
        settings: SandboxSettings::default(),
    }
}

fn log_in_as(world: &World, nickname: &str) -> AccountReference {
    let mut plan = world.plan();
    plan.nickname = Some(Nickname::parse(nickname).unwrap());
    world.log_in_with(&plan).reference
}

#[test]
fn tokens_are_refreshed_before_anybody_asks_and_no_oftener_than_the_lead_allows() {
    let (world, calls) = world(20);
    let reference = world.log_in().reference;
    let working = Working::start(&world, None);
    for _ in 0..60 {
        working.pass(&world, Duration::from_secs(2));
        let access = world.account(&reference).access.unwrap();
        assert!(access.is_alive(world.now()), "a caller would have found a dead token");
    }
    let refreshes = calls.load(Ordering::SeqCst) - 1;
    // Every two thirds of twenty seconds, at most.
    assert!((6..=9).contains(&refreshes), "{refreshes} refreshes in two minutes");
    assert_eq!(block_on(working.keeper.progress()).unwrap().next.unwrap().0, reference);
}

#[test]
fn accounts_of_sandboxes_are_kept_fresh_until_their_sandbox_ends() {
    let (world, calls) = world(20);
    let sandboxes = Sandboxes::new(world.engine.clone());
    let [early, late] = ["early", "late"].map(|name| block_on(sandboxes.add(wish(name))).unwrap());
    let (in_early, own) = (world.within(&early), world.log_in().reference);
    in_early.log_in();
    let working = Working::start(&world, None);
    // One that comes later is found within half a minute.
    let in_late = world.within(&late);
    in_late.log_in();
    let found = world.now() + Duration::from_secs(30);
    for _ in 0..60 {
        working.pass(&world, Duration::from_secs(2));
        let is_alive = |world: &World| world.account(&own).access.unwrap().is_alive(world.now());
        assert!(is_alive(&world) && is_alive(&in_early), "a caller would have found a dead token");
        assert!(is_alive(&in_late) || world.now() <= found, "it was not found");
    }
    assert!(block_on(sandboxes.remove("early")).unwrap());
    block_on(sandboxes.reset("late")).unwrap().unwrap();
    working.pass(&world, Duration::from_secs(30));
    let before = calls.load(Ordering::SeqCst);
    let generation = world.account(&own).generation.0;
    working.pass(&world, Duration::from_mins(3));
    let own_renewals = world.account(&own).generation.0 - generation;
    let others = calls.load(Ordering::SeqCst) - before - usize::try_from(own_renewals).unwrap();
    assert!(own_renewals > 2, "{own_renewals}");
    assert_eq!(others, 0, "nothing of what has ended is renewed");
}

#[test]
fn a_crowd_in_one_sandbox_keeps_nobody_else_waiting() {
    let crew = Crew::shared(2);
    let [first, second] = [crew.place_beside(0), crew.place_beside(1)];
    assert!(first.is_some() && second.is_some() && crew.place_beside(2).is_none());
    let others: Vec<_> = (0..).map_while(|_| crew.place_beside(0)).collect();
    assert_eq!((others.len(), crew.at_work()), (crew::MOST_AT_ONCE - 2, crew::MOST_AT_ONCE));
    crew.leave(first.unwrap());
    assert!(crew.place_beside(1).is_some());
}

#[test]
fn a_paused_account_stays_fresh_and_is_not_handed_out() {
    let (world, calls) = world(60);
    let reference = world.log_in().reference;
    assert!(block_on(world.engine.set_paused(&reference, true)).unwrap());
    let working = Working::start(&world, None);
    working.pass(&world, Duration::from_mins(2));
    assert!(calls.load(Ordering::SeqCst) > 2);
    assert!(world.account(&reference).access.unwrap().is_alive(world.now()));
    assert!(world.hand_out(&reference).is_err());
    assert!(block_on(world.engine.set_paused(&reference, false)).unwrap());
    assert!(world.hand_out(&reference).is_ok());
}

#[test]
fn a_login_made_while_the_keeper_sleeps_wakes_it() {
    let (world, calls) = world(20);
    let working = Working::start(&world, None);
    let reference = world.log_in().reference;
    working.settle(&world);
    working.pass(&world, Duration::from_secs(16));
    assert_eq!(
        calls.load(Ordering::SeqCst),
        2,
        "its lead began before the keeper's own half minute was over"
    );
    assert!(world.account(&reference).access.unwrap().is_alive(world.now()));
}

#[test]
fn what_fell_due_in_a_sleep_is_spread_over_a_few_seconds() {
    let counter = Arc::new(AtomicUsize::new(0));
    let (issue, times) = (numbered(3600, &counter), Arc::new(Mutex::new(Vec::new())));
    let clock: Arc<Mutex<Option<World>>> = Arc::default();
    let (seen, watch) = (times.clone(), clock.clone());
    let world = World::new("reuse = \"reject\"", move |request| {
        if parameter(request, "refresh_token").is_some()
            && let Some(world) = watch.lock().unwrap().as_ref()
        {
            seen.lock().unwrap().push(world.clock.stopwatch());
        }
        issue()
    });
    *clock.lock().unwrap() = Some(world.clone());
    for number in 0..20 {
        log_in_as(&world, &format!("n{number}"));
    }
    let working = Working::start(&world, None);
    // One step, as a machine that slept sees it.
    world.clock.advance(Duration::from_hours(9));
    working.settle(&world);
    let waking = world.clock.stopwatch();
    for _ in 0..60 {
        world.clock.advance(Duration::from_millis(100));
        working.settle(&world);
    }
    let times = times.lock().unwrap();
    assert_eq!(times.len(), 20, "each once");
    let seconds: BTreeMap<u64, usize> = times.iter().fold(BTreeMap::new(), |mut all, time| {
        *all.entry(time.saturating_sub(waking).as_secs()).or_default() += 1;
        all
    });
    assert!(seconds.len() >= 3 && seconds.values().all(|count| *count <= 12), "{seconds:?}");
    *clock.lock().unwrap() = None;
}

#[test]
fn a_clock_set_back_a_day_leaves_no_account_to_die_unseen() {
    let (world, calls) = world(3600);
    let reference = world.log_in().reference;
    let working = Working::start(&world, None);
    working.pass(&world, Duration::from_secs(5));
    world.clock.jump(SignedDuration::from_hours(-24));
    working.pass(&world, Duration::from_secs(31));
    assert_eq!(calls.load(Ordering::SeqCst), 2, "one refresh, because the end can no longer be trusted");
    assert!(world.account(&reference).access.unwrap().is_alive(world.now()));
    working.pass(&world, Duration::from_mins(1));
    assert_eq!(calls.load(Ordering::SeqCst), 2);
}

#[test]
fn a_refresh_token_that_dies_of_disuse_is_used_in_time() {
    let calls = Arc::new(AtomicUsize::new(0));
    let counted = calls.clone();
    let world = World::new("reuse = \"reject\"\n[lifetimes]\nrefresh_idle = \"14d\"", move |_| {
        counted.fetch_add(1, Ordering::SeqCst);
        // Lives on for longer than the grant may lie idle.
        answer(
            200,
            &serde_json::json!({
                "access_token": "a", "token_type": "Bearer", "expires_in": 90 * 86_400, "refresh_token": "r",
            }),
        )
    });
    world.log_in();
    let working = Working::start(&world, None);
    world.clock.advance(Duration::from_hours(8 * 24));
    working.settle(&world);
    working.pass(&world, Duration::from_secs(10));
    assert_eq!(calls.load(Ordering::SeqCst), 1, "two thirds of its idle time are not over");
    world.clock.advance(Duration::from_hours(2 * 24));
    working.settle(&world);
    working.pass(&world, Duration::from_secs(10));
    assert_eq!(calls.load(Ordering::SeqCst), 2);
}

#[test]
fn the_nightly_refresh_runs_once_a_night_even_if_the_machine_slept_through_it() {
    let (world, calls) = world(8 * 3600);
    let reference = world.log_in().reference;
    let at = world.now().to_zoned(TimeZone::UTC).time();
    let nightly = Nightly {
        at: at.wrapping_add(SignedDuration::from_hours(2)),
        zone: TimeZone::UTC,
        ahead: SignedDuration::from_hours(12),
    };
    let working = Working::start(&world, Some(nightly));
    assert_eq!(calls.load(Ordering::SeqCst), 1);
    world.clock.advance(Duration::from_hours(3));
    working.settle(&world);
    assert_eq!(calls.load(Ordering::SeqCst), 2, "the time passed while nobody looked");
    assert!(is(&world.hand_out(&reference).unwrap().token, "a1"));
    working.pass(&world, Duration::from_secs(90));
    assert_eq!(calls.load(Ordering::SeqCst), 2, "once a night");
    let progress = block_on(working.keeper.progress()).unwrap();
    assert_eq!(
        progress.next_nightly.unwrap().to_zoned(TimeZone::UTC).time(),
        at.wrapping_add(SignedDuration::from_hours(2))
    );
}

#[test]
fn the_next_night_is_today_or_tomorrow_by_the_clock_on_the_wall() {
    let zone = TimeZone::get("Europe/Berlin").unwrap_or(TimeZone::UTC);
    let nightly =
        Nightly { at: time(3, 30, 0, 0), zone: zone.clone(), ahead: SignedDuration::from_hours(12) };
    let at = |text: &str| text.parse::<Timestamp>().unwrap();
    for (moment, day) in [("2026-11-21T00:00:00Z", 21), ("2026-11-21T04:00:00Z", 22)] {
        let next = nightly.after(at(moment)).unwrap().to_zoned(zone.clone());
        assert_eq!((next.day(), next.hour(), next.minute()), (day, 3, 30), "{moment}");
    }
}

#[test]
fn tokens_lost_and_found_by_another_process_are_not_fetched_twice() {
    let (world, calls) = world(3600);
    let reference = world.log_in().reference;
    world.clock.advance(Duration::from_secs(3500));
    assert!(is(&world.hand_out(&reference).unwrap().token, "a1"), "somebody else refreshed what was due");
    let working = Working::start(&world, None);
    working.pass(&world, Duration::from_secs(10));
    assert_eq!(calls.load(Ordering::SeqCst), 2);
}

#[test]
fn leases_of_a_machine_that_died_hold_up_no_other_account() {
    let (world, calls) = world(20);
    let mut held: Vec<AccountReference> =
        (0..2 * crew::MOST_AT_ONCE).map(|number| log_in_as(&world, &format!("n{number:02}"))).collect();
    let free = log_in_as(&world, "free");
    let logins = calls.load(Ordering::SeqCst);
    world.clock.advance(Duration::from_secs(30));
    for reference in &held {
        let lock = &world.engine.ports.refresh_lock;
        let permit =
            block_on(lock.acquire(&world.engine.space, &reference.key(), Duration::ZERO)).unwrap().unwrap();
        // Nobody is left to give it back.
        std::mem::forget(permit);
    }
    let working = Working::start(&world, None);
    working.pass(&world, SPREAD + 2 * SOON);
    assert!(world.account(&free).access.unwrap().is_alive(world.now()));
    assert_eq!(calls.load(Ordering::SeqCst), logins + 1);
    // The leases end by themselves.
    working.pass(&world, Duration::from_mins(1));
    held.push(free);
    assert!(held.iter().all(|account| world.account(account).access.unwrap().is_alive(world.now())));
}

#[test]
fn a_refresh_that_failed_early_is_repeated_when_its_time_comes_and_not_again_and_again() {
    let calls = Arc::new(AtomicUsize::new(0));
    let counted = calls.clone();
    let issue = numbered(3600, &Arc::default());
    let world = World::new("reuse = \"reject\"", move |request| {
        if parameter(request, "refresh_token").is_some() && counted.fetch_add(1, Ordering::SeqCst) == 0 {
            return answer(503, &serde_json::json!({}));
        }
        issue()
    });
    let reference = world.log_in().reference;
    assert!(
        block_on(world.engine.refresh(&reference, Duration::from_mins(1))).is_err(),
        "forced, an hour early"
    );
    let working = Working::start(&world, None);
    working.pass(&world, Duration::from_mins(5));
    assert_eq!(calls.load(Ordering::SeqCst), 2, "repeated once, and well");
    assert_eq!(world.account(&reference).standing, Standing::Active);
}

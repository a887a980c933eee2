//! Sessions from their beginning to every kind of end.

use std::collections::HashSet;

use futures::executor::block_on;
use futures::future::join_all;
use jiff::SignedDuration;

use super::*;
use crate::engine::test_world::{World, tokens};
use crate::lifecycle::reference::{AccountReference, Nickname};
use crate::ports::event::Event;
use crate::ports::processes::{ProcessId, Processes as _};
use crate::ports::store::EventQuery;
use crate::provider::ProviderId;
use crate::secret::Secret;

fn world() -> World {
    World::new("reuse = \"revoke_family\"", |_| tokens("access", Some("refresh")))
}

fn reference(nickname: &str) -> AccountReference {
    AccountReference {
        provider: ProviderId::parse("test").unwrap(),
        nickname: Nickname::parse(nickname).unwrap(),
    }
}

fn wish(owner: ProcessId) -> NewSession {
    NewSession {
        accounts: vec![reference("work"), reference("play"), reference("Work")],
        owner,
        purpose: Purpose::Exec { program: "tool".into() },
        until: None,
        token: None,
        routes: Vec::new(),
    }
}

impl World {
    fn open(&self, wish: NewSession) -> Session {
        block_on(self.engine.open_session(wish)).unwrap()
    }

    fn live(&self) -> Vec<Session> {
        block_on(self.engine.sessions()).unwrap()
    }

    fn collected(&self) -> usize {
        block_on(self.engine.collect_sessions()).unwrap()
    }

    fn told(&self) -> Vec<String> {
        let query = EventQuery { after: 0, subject: None, limit: 1000 };
        let events = block_on(self.store.events(self.engine.space(), query)).unwrap().value;
        let line = |event: &Event| {
            let end = event.detail.get("end").map(|end| format!(" {end}")).unwrap_or_default();
            format!("{} {}{end}", event.name, event.subject)
        };
        events.iter().map(|stored| line(&stored.event)).collect()
    }
}

fn later(world: &World, seconds: i64) -> Timestamp {
    world.now() + SignedDuration::from_secs(seconds)
}

#[test]
fn a_session_lives_as_long_as_its_process_and_counts_each_account_once() {
    let world = world();
    let session = world.open(wish(world.processes.start(7)));
    assert_eq!(session.accounts, [reference("work"), reference("play")]);
    assert_eq!(world.live(), [session]);
    let counts = sessions_by_account(&world.live());
    assert_eq!(
        counts.into_iter().collect::<Vec<_>>(),
        [("test:play".to_owned(), 1), ("test:work".to_owned(), 1)]
    );

    world.processes.end(7);
    assert_eq!(world.live(), []);
    assert_eq!(block_on(world.engine.orphaned_sessions()).unwrap().len(), 1);
    assert_eq!(world.collected(), 1);
    assert_eq!(world.collected(), 0);
    assert_eq!(
        world.told(),
        [
            "session.started test:work",
            "session.started test:play",
            "session.ended test:work \"owner_ended\"",
            "session.ended test:play \"owner_ended\"",
        ]
    );
}

#[test]
fn another_process_with_the_same_number_is_not_the_owner() {
    let world = world();
    world.open(wish(world.processes.start(7)));
    world.processes.start(7);
    assert_eq!(world.live(), []);
}

#[test]
fn nothing_of_an_earlier_boot_is_alive() {
    let world = world();
    let before = world.processes.own();
    world.open(wish(before.clone()));
    world.processes.reboot();
    let after = world.processes.own();
    assert_eq!(
        (after.number, after.started),
        (before.number, before.started),
        "only the boot tells them apart"
    );
    assert_eq!(world.live(), []);
}

#[test]
fn a_process_nobody_can_see_is_believed_until_its_deadline_or_for_a_day() {
    let world = world();
    let elsewhere = ProcessId { machine: "another".into(), boot: "its own".into(), ..world.processes.own() };
    let bounded = NewSession { until: Some(later(&world, 60)), ..wish(elsewhere.clone()) };
    world.open(bounded);
    world.open(wish(elsewhere));
    assert_eq!(world.live().len(), 2);
    world.clock.jump(SignedDuration::from_secs(60));
    assert_eq!(world.live().len(), 1);
    world.clock.jump(SignedDuration::from_hours(24));
    assert_eq!(world.live(), []);
    assert_eq!(world.collected(), 2);
}

#[test]
fn a_lease_ends_at_its_deadline_unless_it_is_renewed() {
    let world = world();
    let lease = NewSession {
        purpose: Purpose::Lease { label: "editor".into() },
        until: Some(later(&world, 60)),
        ..wish(world.processes.own())
    };
    let id = world.open(lease).id;
    let renew = |seconds| block_on(world.engine.renew_session(&id, later(&world, seconds))).unwrap();
    assert!(renew(120));
    world.clock.jump(SignedDuration::from_secs(119));
    assert_eq!(world.live().len(), 1);
    world.clock.jump(SignedDuration::from_secs(1));
    assert_eq!(world.live(), []);
    assert!(!renew(60), "what has ended stays ended");
    assert_eq!(world.live(), []);
    assert!(!block_on(world.engine.end_session(&id)).unwrap());
    assert!(!renew(60));
    assert_eq!(world.told().last().unwrap(), "session.ended test:play \"expired\"");
}

#[test]
fn a_session_is_ended_once() {
    let world = world();
    let id = world.open(wish(world.processes.own())).id;
    let end = || block_on(world.engine.end_session(&id)).unwrap();
    assert!(end());
    assert!(!end());
    assert!(!block_on(world.engine.renew_session(&id, Timestamp::MAX)).unwrap());
    assert_eq!(world.collected(), 0);
    assert_eq!(world.told().last().unwrap(), "session.ended test:play \"told\"");
}

#[test]
fn a_session_is_found_by_its_secret_while_it_lives() {
    let world = world();
    let token = Secret::new("the session's secret").fingerprint();
    let owner = world.processes.start(7);
    let routes = vec!["github".to_owned()];
    let other = NewSession { token: Some(Secret::new("another").fingerprint()), ..wish(owner.clone()) };
    world.open(other);
    let session = world.open(NewSession { token: Some(token.clone()), routes, ..wish(owner) });
    let found = || block_on(world.engine.session_of_token(&token)).unwrap();
    assert_eq!(found(), Some(session));
    assert_eq!(block_on(world.engine.session_of_token(&Secret::new("wrong").fingerprint())).unwrap(), None);
    world.processes.end(7);
    assert_eq!(found(), None);
}

#[test]
fn many_begin_and_end_at_once_and_none_is_lost() {
    let world = world();
    let ids: Vec<String> = std::thread::scope(|scope| {
        let openers: Vec<_> =
            (0..64).map(|_| scope.spawn(|| world.open(wish(world.processes.own())).id)).collect();
        openers.into_iter().map(|opener| opener.join().unwrap()).collect()
    });
    assert_eq!(ids.iter().collect::<HashSet<_>>().len(), 64);
    assert_eq!(sessions_by_account(&world.live())["test:work"], 64);
    // Half of them end while everything is collected that has ended, which is nothing.
    let ended = std::thread::scope(|scope| {
        let enders: Vec<_> = ids[..32]
            .iter()
            .map(|id| scope.spawn(|| block_on(world.engine.end_session(id)).unwrap()))
            .collect();
        assert_eq!(world.collected(), 0);
        enders.into_iter().map(|ender| usize::from(ender.join().unwrap())).sum::<usize>()
    });
    assert_eq!(ended, 32);
    assert_eq!(world.live().len(), 32);
    world.processes.reboot();
    let collected = block_on(join_all((0..4).map(|_| world.engine.collect_sessions())));
    assert_eq!(collected.into_iter().map(Result::unwrap).sum::<usize>(), 32, "each is counted by one");
}

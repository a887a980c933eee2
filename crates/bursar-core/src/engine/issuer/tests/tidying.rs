//! What has ended leaves, whatever is left is counted, and nothing else is touched.

use futures::executor::block_on;

use super::stage::{Stage, assert_refused};
use crate::engine::issuer::AuthorizationServer;
use crate::engine::issuer::statistics::{CodeCounts, LoginCounts, Statistics};
use crate::engine::issuer::tidying::{BATCH, Tidied};
use crate::engine::records::KINDS;
use crate::oauth::error::ErrorCode;
use crate::ports::event::Event;
use crate::ports::store::{EventQuery, Scope, Space};

fn statistics(stage: &Stage) -> Statistics {
    block_on(stage.server.statistics()).unwrap()
}

fn clean(stage: &Stage) -> Tidied {
    block_on(stage.server.clean_up()).unwrap()
}

fn events(server: &AuthorizationServer) -> Vec<Event> {
    let query = EventQuery { after: 0, subject: None, limit: 100_000 };
    let events = block_on(server.store().events(server.space(), query)).unwrap().value;
    events.into_iter().map(|stored| stored.event).collect()
}

const DAY: u64 = 24 * 3600;

#[test]
fn statistics_count_what_lives_and_what_is_over() {
    let stage = Stage::new();
    let first = stage.log_in().refresh_token.unwrap();
    stage.log_in();
    stage.code();
    let counts = statistics(&stage);
    assert_eq!(counts.active_tokens, 2);
    assert_eq!(counts.logins, LoginCounts { active: 2, with_access_token: 2, over: 0 });
    assert_eq!(counts.codes, CodeCounts { waiting: 1, over: 2 });
    assert_eq!((counts.clients.added, counts.users.active, counts.resources), (1, 1, 1));
    assert_eq!((counts.grants.standing, counts.browser_sessions, counts.expired), (1, 1, 0));
    let second = stage.refresh(&first).unwrap().refresh_token.unwrap();
    stage.refresh(&second).unwrap();
    assert_refused(stage.refresh(&first), &ErrorCode::InvalidGrant);
    let counts = statistics(&stage);
    assert_eq!((counts.active_tokens, counts.logins.over, counts.revocations), (1, 1, 1));
    stage.pass(16 * 60);
    let counts = statistics(&stage);
    assert_eq!(counts.logins, LoginCounts { active: 1, with_access_token: 0, over: 1 });
    assert_eq!(counts.codes, CodeCounts { waiting: 0, over: 3 });
}

#[test]
fn tokens_of_a_disabled_user_or_a_withdrawn_grant_are_not_active() {
    let stage = Stage::new();
    stage.log_in();
    let eve = stage.another("eve");
    eve.log_in();
    assert_eq!(statistics(&stage).active_tokens, 2);
    block_on(stage.server.withdraw_grant(&eve.user.id, &eve.client.id)).unwrap();
    let counts = statistics(&stage);
    assert_eq!((counts.active_tokens, counts.grants.standing, counts.grants.withdrawn), (1, 1, 1));
    eve.log_in();
    assert_eq!(statistics(&stage).active_tokens, 2);
    block_on(stage.server.set_user_disabled(&eve.user.id, true)).unwrap();
    let counts = statistics(&stage);
    assert_eq!((counts.active_tokens, counts.users.active, counts.users.disabled), (1, 1, 1));
}

#[test]
fn a_dry_run_tells_what_would_go_and_removes_nothing() {
    let stage = Stage::new();
    stage.log_in();
    stage.code();
    stage.pass(2 * DAY);
    let would = block_on(stage.server.untidy()).unwrap();
    assert_eq!(would.expired, [("code", 2), ("spent", 1)]);
    assert_eq!(block_on(stage.server.untidy()).unwrap(), would);
    assert_eq!(statistics(&stage).expired, 3);
    assert_eq!(clean(&stage).expired, would.expired);
    assert_eq!(clean(&stage), Tidied::default());
}

#[test]
fn everything_leaves_in_the_end_and_what_was_given_stays() {
    let stage = Stage::new();
    let count = 300;
    for _ in 0..count {
        stage.log_in();
    }
    stage.pass(91 * DAY);
    let gone = clean(&stage);
    let of = |kind: &str| gone.expired.iter().find(|(name, _)| *name == kind).map(|(_, count)| *count);
    assert_eq!((of("code"), of("family"), of("browser_session")), (Some(count), Some(count), Some(1)));
    let counts = statistics(&stage);
    assert_eq!((counts.active_tokens, counts.logins, counts.expired), (0, LoginCounts::default(), 0));
    assert_eq!((counts.clients.added, counts.users.active, counts.grants.standing), (1, 1, 1));
}

#[test]
fn events_are_kept_for_a_season() {
    let stage = Stage::new();
    stage.log_in();
    let before = events(&stage.server).len();
    assert!(before > 0);
    stage.pass(89 * DAY);
    stage.another("eve");
    assert_eq!(clean(&stage).events, 0);
    stage.pass(2 * DAY);
    assert_eq!(block_on(stage.server.untidy()).unwrap().events, u64::try_from(before).unwrap());
    assert_eq!(clean(&stage).events, u64::try_from(before).unwrap());
    let left = events(&stage.server);
    assert!(left.iter().any(|event| event.name == "user.added"), "{left:?}");
    let brief = stage.ruled(|rules| rules.events_kept = jiff::SignedDuration::from_hours(1));
    assert_eq!(clean(&brief).events, u64::try_from(left.len()).unwrap());
}

#[test]
fn events_of_the_installation_go_with_those_of_its_server() {
    let stage = Stage::new();
    let events = |space: &Space| {
        let query = EventQuery { after: 0, subject: None, limit: 100_000 };
        block_on(stage.world.store.events(space, query)).unwrap().value.len()
    };
    let some = (0..300).map(|number| Event::new(stage.world.now(), "sandbox.added", number.to_string()));
    block_on(stage.world.store.append(&Space::System, some.collect())).unwrap();
    let all = events(&Space::System) + events(stage.server.space());
    stage.pass(91 * DAY);
    assert_eq!(block_on(stage.server.untidy()).unwrap().events, u64::try_from(all).unwrap());
    block_on(stage.server.tidy_up()).unwrap();
    assert_eq!(events(&Space::System), 0);
}

/// Every round issues more than one batch of anything, and tidying up once a round keeps up, however long that goes on.
#[test]
fn what_is_issued_again_and_again_does_not_pile_up() {
    let stage = Stage::new().ruled(|rules| {
        rules.lifetimes.login = jiff::SignedDuration::from_hours(24);
        rules.events_kept = jiff::SignedDuration::from_hours(24);
    });
    let mut seen = Vec::new();
    for _ in 0..3 {
        for _ in 0..BATCH + 10 {
            let first = stage.log_in().refresh_token.unwrap();
            stage.refresh(&first).unwrap();
        }
        stage.pass(2 * DAY);
        let round = block_on(stage.server.tidy_up()).unwrap();
        assert!(!round.unfinished);
        let stored = KINDS.iter().filter(|kind| kind.scope == Scope::Sandbox).map(|kind| {
            let tally = block_on(stage.server.store().tally(stage.server.space(), kind)).unwrap().value;
            (kind.name, tally.alive + tally.expired)
        });
        let stored: Vec<(&str, u64)> = stored.filter(|(_, count)| *count > 0).collect();
        seen.push((stored, events(&stage.server).len()));
    }
    assert_eq!(seen[0], seen[2]);
    let left: u64 = seen[0].0.iter().map(|(_, count)| count).sum();
    assert!(left < 20, "{:?}", seen[0]);
}

#[test]
fn of_every_kind_the_operators_are_told_when_it_goes() {
    let told = include_str!("../../../../../../docs/operations/capacity.md");
    for kind in KINDS {
        assert!(told.contains(&format!("| `{}` ", kind.name)), "{} is missing in capacity.md", kind.name);
    }
}

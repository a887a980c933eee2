use proptest::prelude::*;

use super::super::account::{Failing, LoginMethod};
use super::super::sample::{access_fingerprint, account, at};
use super::super::transition::open_journal;
use super::*;
use crate::provider::Reuse;
use crate::secret::Secret;

fn served(decision: &Decision) -> bool {
    matches!(decision, Decision::Serve)
}

fn refreshes(decision: &Decision) -> Option<Meanwhile> {
    match decision {
        Decision::Refresh { meanwhile, .. } => Some(*meanwhile),
        _ => None,
    }
}

fn asked(account: &Account, ask: &Ask, now: i64) -> Decision {
    decide(account, ask, Standpoint::Outside, at(now))
}

#[test]
fn the_windows_open_five_minutes_before_the_end() {
    let account = account();
    let table = [
        (0, None),
        (3600 - 301, None),
        (3600 - 260, Some(Meanwhile::Serve)),
        (3600 - 100, Some(Meanwhile::ServeAfterWait)),
        (3600, Some(Meanwhile::Nothing)),
        (90_000, Some(Meanwhile::Nothing)),
    ];
    for (now, expected) in table {
        assert_eq!(refreshes(&asked(&account, &Ask::default(), now)), expected, "at {now}");
    }
}

#[test]
fn the_lead_is_never_more_than_a_third_of_the_life() {
    let mut account = account();
    account.access.as_mut().unwrap().expires_at = Some(at(9));
    assert!(served(&asked(&account, &Ask::default(), 5)));
    assert!(refreshes(&asked(&account, &Ask::default(), 7)).is_some());
}

#[test]
fn a_longer_validity_is_refreshed_for_and_an_impossible_one_cut_to_what_can_be_had() {
    let account = account();
    let quarter = Ask { min_valid: Some(SignedDuration::from_mins(15)), ..Ask::default() };
    assert!(served(&asked(&account, &quarter, 3600 - 901)));
    assert_eq!(refreshes(&asked(&account, &quarter, 3600 - 899)), Some(Meanwhile::ServeAfterWait));
    let day = Ask { min_valid: Some(SignedDuration::from_hours(24)), ..Ask::default() };
    assert!(
        served(&asked(&account, &day, 60)),
        "a token of an hour cannot last a day: a new one is its maximum"
    );
    assert!(refreshes(&asked(&account, &day, 600)).is_some());
}

#[test]
fn a_rejected_token_is_never_handed_out_again() {
    let rejected = Ask { rejected: Some(access_fingerprint()), ..Ask::default() };
    assert_eq!(refreshes(&asked(&account(), &rejected, 10)), Some(Meanwhile::Nothing));
    let other = Ask { rejected: Some(Secret::new("an older one").fingerprint()), ..Ask::default() };
    assert!(served(&asked(&account(), &other, 10)), "somebody has refreshed since: no call is needed");
}

#[test]
fn what_cannot_be_refreshed_is_served_to_its_end() {
    let mut key = account();
    key.method = LoginMethod::ApiKey;
    key.refresh = None;
    assert!(served(&asked(&key, &Ask::default(), 3599)));
    let Decision::Refuse(Refusal::LoginRequired(cause)) = asked(&key, &Ask::default(), 3600) else {
        panic!("an expired key needs a person")
    };
    assert_eq!(cause.kind, CauseKind::Expired);
    let rejected = Ask { rejected: Some(access_fingerprint()), ..Ask::default() };
    assert!(matches!(asked(&key, &rejected, 10), Decision::Refuse(Refusal::LoginRequired(_))));
    key.access.as_mut().unwrap().expires_at = None;
    assert!(served(&asked(&key, &Ask::default(), 999_999_999)));
}

#[test]
fn while_a_refresh_fails_the_old_token_serves_and_nobody_calls_before_the_next_try() {
    let mut failing = account();
    failing.standing = Standing::Failing(Failing {
        since: at(3400),
        attempts: 3,
        next_try: at(3590),
        cause: Cause::new(CauseKind::ServerError, "HTTP 503"),
    });
    assert!(served(&asked(&failing, &Ask::default(), 3500)));
    assert!(refreshes(&asked(&failing, &Ask::default(), 3590)).is_some());
    failing.standing = Standing::Failing(Failing {
        since: at(3400),
        attempts: 3,
        next_try: at(4000),
        cause: Cause::new(CauseKind::ServerError, "HTTP 503"),
    });
    assert!(matches!(asked(&failing, &Ask::default(), 3700), Decision::Refuse(Refusal::TryLater { .. })));
}

#[test]
fn a_login_that_needs_a_person_still_serves_its_unexpired_token() {
    let mut account = account();
    let cause = Cause::new(CauseKind::GrantRefused, "invalid_grant");
    account.standing = Standing::NeedsLogin { cause: cause.clone(), at: at(10) };
    assert!(served(&asked(&account, &Ask::default(), 3500)));
    assert_eq!(asked(&account, &Ask::default(), 3600), Decision::Refuse(Refusal::LoginRequired(cause)));
}

#[test]
fn an_open_journal_matters_only_to_the_holder_of_the_lock() {
    let mut account = account();
    account.policy.reuse = Reuse::RevokeFamily;
    let account = open_journal(account, Secret::new("refresh").fingerprint(), at(3500));
    let ask = Ask::default();
    assert!(refreshes(&decide(&account, &ask, Standpoint::Outside, at(3510))).is_some());
    assert!(
        served(&decide(&account, &ask, Standpoint::HoldingLock, at(3510))),
        "the access token still lives"
    );
    assert!(refreshes(&decide(&account, &ask, Standpoint::HoldingLock, at(3600))).is_some());
}

#[test]
fn a_clock_set_back_makes_the_end_doubtful_but_serves_meanwhile() {
    let decision = decide(&account(), &Ask::default(), Standpoint::Outside, at(-86_400));
    assert_eq!(
        decision,
        Decision::Refresh { reason: Reason::ClockSetBack, meanwhile: Meanwhile::ServeAfterWait }
    );
    assert!(served(&decide(&account(), &Ask::default(), Standpoint::Outside, at(-30))));
}

#[test]
fn a_forced_refresh_happens_once_for_everybody_who_asked_for_it() {
    let mut account = account();
    let forced = Ask { newer_than: Some(account.generation), ..Ask::default() };
    assert_eq!(refreshes(&asked(&account, &forced, 10)), Some(Meanwhile::Nothing));
    account.generation = account.generation.next();
    assert!(served(&asked(&account, &forced, 10)));
}

#[test]
fn the_providers_own_limits_hold_while_the_token_serves() {
    let mut account = account();
    account.policy.before = Some(SignedDuration::from_mins(15));
    account.policy.earliest = Some(SignedDuration::from_mins(2));
    assert!(served(&asked(&account, &Ask::default(), 3600 - 300)));
    assert!(refreshes(&asked(&account, &Ask::default(), 3600 - 119)).is_some());
    account.policy.earliest = None;
    account.policy.spacing = Some(SignedDuration::from_mins(10));
    account.last_refreshed = Some(at(3000));
    assert!(served(&asked(&account, &Ask::default(), 3599)));
    assert!(
        refreshes(&asked(&account, &Ask::default(), 3600)).is_some(),
        "an ended token has nothing to wait for"
    );
}

#[test]
fn a_paused_account_is_kept_fresh_but_not_handed_out() {
    let mut account = account();
    account.paused = true;
    assert_eq!(asked(&account, &Ask::default(), 10), Decision::Refuse(Refusal::Paused));
    let forced = Ask { newer_than: Some(account.generation), ..Ask::default() };
    assert!(refreshes(&asked(&account, &forced, 10)).is_some());
}

proptest! {
    /// Whatever the times and wishes: an ended or rejected token is never served, a living one never refused.
    #[test]
    fn only_living_accepted_tokens_are_served(
        now in -100_000_i64..100_000,
        life in proptest::option::of(0_i64..50_000),
        min_valid in proptest::option::of(0_i64..50_000),
        rejected in any::<bool>(),
        next_try in proptest::option::of(-10_000_i64..60_000),
        journal in any::<bool>(),
        holding in any::<bool>(),
    ) {
        let mut account = account();
        account.access.as_mut().unwrap().expires_at = life.map(at);
        if let Some(next_try) = next_try {
            account.standing = Standing::Failing(Failing {
                since: at(0), attempts: 1, next_try: at(next_try), cause: Cause::new(CauseKind::Dns, "dns"),
            });
        }
        if journal {
            account = open_journal(account, Secret::new("refresh").fingerprint(), at(now));
        }
        let ask = Ask {
            min_valid: min_valid.map(SignedDuration::from_secs),
            rejected: rejected.then(access_fingerprint),
            ..Ask::default()
        };
        let standpoint = if holding { Standpoint::HoldingLock } else { Standpoint::Outside };
        let decision = decide(&account, &ask, standpoint, at(now));
        let alive = account.access.as_ref().unwrap().is_alive(at(now)) && !rejected;
        match decision {
            Decision::Serve => prop_assert!(alive),
            Decision::Refuse(_) => prop_assert!(!alive),
            Decision::Refresh { meanwhile, .. } => prop_assert_eq!(meanwhile == Meanwhile::Nothing, !alive),
        }
    }
}

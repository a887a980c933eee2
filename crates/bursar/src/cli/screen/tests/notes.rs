//! Notes beyond those of the plain states.

use bursar_core::lifecycle::account::{Account, Failing, LoginMethod, Standing};
use bursar_core::lifecycle::failure::{Cause, CauseKind};
use bursar_core::lifecycle::journal::Journal;
use bursar_core::lifecycle::shown::ShownState;
use bursar_core::secret::Secret;
use jiff::SignedDuration;

use crate::cli::screen::fixtures::{account, at, ending, view};

fn note(account: &Account) -> String {
    view(account).note.unwrap_or_default()
}

fn without_renewal(end: &str, method: LoginMethod) -> Account {
    let mut account = ending(account("openai", "work"), end);
    (account.method, account.refresh) = (method, None);
    account
}

#[test]
fn a_healthy_account_has_no_note() {
    assert_eq!(view(&account("google", "work")).note, None);
}

#[test]
fn a_refresh_under_way_is_told() {
    let mut busy = account("google", "work");
    busy.journal = Some(Journal {
        generation: busy.generation,
        fingerprint: Secret::new("refresh").fingerprint(),
        first_opened_at: at("2026-11-21T15:04:50Z"),
        opened_at: at("2026-11-21T15:04:50Z"),
        attempts: 1,
        cause: None,
    });
    assert_eq!(view(&busy).state, ShownState::Valid);
    assert_eq!(note(&busy), "being refreshed now");
    busy.journal.as_mut().unwrap().opened_at = at("2026-11-21T15:00:00Z");
    assert_eq!(
        note(&busy),
        "the last refresh was cut off and its outcome is unknown; tries again at 15:30 (in 25 minutes); \
         the current token still serves"
    );
}

#[test]
fn a_login_that_only_use_keeps_alive_asks_to_be_used() {
    let mut idle = account("google", "work");
    idle.policy.grant_idle = Some(SignedDuration::from_hours(24));
    assert_eq!(note(&idle), "login ends in 23 hours unless it is used; run `bursar refresh google:work`");
}

#[test]
fn a_token_nobody_can_refresh_names_the_login_that_made_it() {
    let soon = without_renewal("2026-11-21T16:00:00Z", LoginMethod::ApiKey);
    assert_eq!(view(&soon).state, ShownState::Expiring);
    assert_eq!(
        note(&soon),
        "ends in 55 minutes and cannot be refreshed; run `bursar login openai --as work --api-key-file FILE`"
    );
    let over = without_renewal("2026-11-21T13:00:00Z", LoginMethod::Device);
    assert_eq!(view(&over).state, ShownState::LoginRequired);
    assert_eq!(
        note(&over),
        "ended 2 hours ago and cannot be refreshed; run `bursar login openai --as work --device`"
    );
}

#[test]
fn an_ended_grant_asks_for_a_login() {
    let mut over = ending(account("google", "work"), "2026-11-21T13:00:00Z");
    over.policy.grant_absolute = Some(SignedDuration::from_hours(24));
    assert_eq!(note(&over), "the login ended 19 days ago; run `bursar login google --as work`");
}

#[test]
fn an_old_login_is_remembered_beside_the_rest() {
    let mut old = account("google", "work");
    old.policy.rotate_after = Some(SignedDuration::from_hours(14 * 24));
    let reminder =
        "login is 20 days old (rotate_after 14 days); renew it with `bursar login google --as work`";
    assert_eq!(note(&old), reminder);
    assert_eq!(view(&old).state.exit_code(), 0, "a reminder is no trouble");
    old.paused = true;
    assert_eq!(
        note(&old),
        format!("kept fresh but not handed out; run `bursar resume google:work`; {reminder}")
    );
    old.paused = false;
    old.policy.grant_absolute = Some(SignedDuration::from_hours(22 * 24));
    assert_eq!(
        note(&old),
        "login ends in 40 hours; it cannot be extended; run `bursar login google --as work`",
        "once is enough to ask for a login"
    );
}

#[test]
fn a_login_is_old_after_thirty_days_unless_its_provider_says_otherwise() {
    let mut old = account("google", "work");
    old.logged_in_at = at("2026-10-22T15:05:00Z");
    assert_eq!(note(&old), "", "thirty days to the second");
    old.logged_in_at = at("2026-10-22T15:04:59Z");
    assert_eq!(
        note(&old),
        "login is 30 days old (rotate_after 30 days); renew it with `bursar login google --as work`"
    );
    old.policy.rotate_after = Some(SignedDuration::ZERO);
    assert_eq!(note(&old), "");
}

#[test]
fn a_retry_that_is_due_happens_on_next_use() {
    let mut failing = ending(account("google", "work"), "2026-11-21T13:00:00Z");
    failing.standing = Standing::Failing(Failing {
        since: at("2026-11-21T14:00:00Z"),
        attempts: 3,
        next_try: at("2026-11-21T15:00:00Z"),
        cause: Cause::new(CauseKind::Dns, "no address for accounts.example.com"),
    });
    assert_eq!(note(&failing), "no address for accounts.example.com; tries again on next use");
}

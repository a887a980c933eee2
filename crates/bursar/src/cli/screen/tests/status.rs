//! The screen of `bursar status`.

use jiff::tz::TimeZone;

use super::{assert_narrow, bare};
use crate::account_view::{AccountView, Viewing};
use crate::cli::screen::fixtures::{VIEWING, account, every_state, view};
use crate::cli::screen::status_screen::{StatusScreen, one_line};

fn render(accounts: &[AccountView], viewing: &Viewing<'_>) -> String {
    let screen = StatusScreen {
        accounts,
        protection: Some("key file (chosen when the vault was made)"),
        revocations: 0,
    };
    let text = bare(&screen.render(viewing));
    assert_narrow(&text);
    text
}

#[test]
fn every_state_on_the_screen() {
    let views: Vec<_> = every_state().iter().map(|(_, account)| view(account)).collect();
    insta::assert_snapshot!(render(&views, &VIEWING), @"
    Google:
      [OK]    work (work@example.com), default
              state           valid
              expires         2026-11-21 15:30:00 (in 25 minutes)
              logged in       2026-11-01 08:00:00 (20 days ago)
              last refreshed  2026-11-21 14:25:00 (40 minutes ago)
              last used       2026-11-21 15:04:00 (1 minute ago)
              sessions        2

      [WARN]  guest (guest@example.com)
              state           expiring
              expires         2026-11-21 15:30:00 (in 25 minutes)
              login ends      2026-11-23 08:00:00 (in 40 hours)
              logged in       2026-11-01 08:00:00 (20 days ago)
              last refreshed  2026-11-21 14:25:00 (40 minutes ago)
              sessions        0
              note            login ends in 40 hours; it cannot be extended; run
                              `bursar login google --as guest`

    GitHub:
      [WARN]  private (private@example.com)
              state           expired
              expires         2026-11-21 14:00:00 (1 hour ago)
              logged in       2026-11-01 08:00:00 (20 days ago)
              last refreshed  2026-11-21 12:00:00 (3 hours ago)
              sessions        0
              note            refreshed on next use

      [WARN]  work (work@example.com), default
              state           failing
              expires         2026-11-21 15:30:00 (in 25 minutes)
              logged in       2026-11-01 08:00:00 (20 days ago)
              last refreshed  2026-11-21 14:25:00 (40 minutes ago)
              last used       2026-11-21 15:04:00 (1 minute ago)
              sessions        2
              note            the provider answered HTTP 503: no JSON; tries again
                              at 15:10 (in 5 minutes); the current token still
                              serves

    GitLab Cloud (gitlab):
      [WARN]  work (work@example.com), default
              state           uncertain
              expires         2026-11-21 15:08:00 (in 3 minutes)
              logged in       2026-11-01 08:00:00 (20 days ago)
              last refreshed  2026-11-21 12:00:00 (3 hours ago)
              last used       2026-11-21 15:04:00 (1 minute ago)
              sessions        2
              note            the outcome of the last refresh is unknown (no answer
                              within 30 s); tries again at 15:08 (in 3 minutes); the
                              current token still serves

    slack:
      [ERROR] team (team@example.com)
              state           login_required
              expires         2026-11-21 14:00:00 (1 hour ago)
              logged in       2026-11-01 08:00:00 (20 days ago)
              last refreshed  2026-11-21 12:00:00 (3 hours ago)
              sessions        0
              note            the provider answered invalid_grant: token was
                              revoked; run `bursar login slack --as team`

      [ERROR] old (old@example.com)
              state           revoked
              expires         2026-11-21 15:30:00 (in 25 minutes)
              logged in       2026-11-01 08:00:00 (20 days ago)
              last refreshed  2026-11-21 14:25:00 (40 minutes ago)
              sessions        0
              note            revoked 2 days ago; run `bursar login slack --as old`

    zoom:
      [OK]    default, paused
              state           paused
              expires         2026-11-21 15:30:00 (in 25 minutes)
              logged in       2026-11-01 08:00:00 (20 days ago)
              last refreshed  2026-11-21 14:25:00 (40 minutes ago)
              sessions        0
              note            kept fresh but not handed out; run
                              `bursar resume zoom:default`

    Healthy: 2  Expiring soon: 3  Expired: 3
    Tokens are sealed; master key: key file (chosen when the vault was made)
    ");
}

#[test]
fn times_follow_the_readers_zone() {
    let zone = TimeZone::posix("EST5").unwrap();
    let text = render(&[view(&account("google", "work"))], &Viewing { zone: &zone, ..VIEWING });
    assert!(text.contains("expires         2026-11-21 10:30:00 (in 25 minutes)"), "{text}");
}

#[test]
fn waiting_revocations_and_a_missing_vault_are_told() {
    let screen = StatusScreen { accounts: &[], protection: None, revocations: 1 };
    insta::assert_snapshot!(bare(&screen.render(&VIEWING)), @r#"
    Healthy: 0  Expiring soon: 0  Expired: 0
    Waiting to be revoked at the provider: 1 login; try again with `bursar cleanup`
    "#);
}

#[test]
fn what_strangers_call_themselves_cannot_steer_the_terminal_or_break_the_layout() {
    let mut stranger = account("google", &"n".repeat(50));
    stranger.identity.as_mut().unwrap().label = format!("\u{1b}[2J{}@example.com", "x".repeat(100));
    let screen = StatusScreen { accounts: &[view(&stranger)], protection: None, revocations: 0 };
    let text = bare(&screen.render(&VIEWING));
    assert_narrow(&text);
    assert!(!text.chars().any(|character| character.is_control() && character != '\n'), "{text:?}");
}

#[test]
fn one_line_tells_state_and_next_step() {
    let lines: Vec<_> = every_state().iter().map(|(_, account)| bare(&one_line(&view(account)))).collect();
    insta::assert_snapshot!(lines.join("\n"), @r#"
    [OK] google:work is valid
    [WARN] google:guest is expiring: login ends in 40 hours; it cannot be extended; run `bursar login google --as guest`
    [WARN] github:private is expired: refreshed on next use
    [WARN] github:work is failing: the provider answered HTTP 503: no JSON; tries again at 15:10 (in 5 minutes); the current token still serves
    [WARN] gitlab:work is uncertain: the outcome of the last refresh is unknown (no answer within 30 s); tries again at 15:08 (in 3 minutes); the current token still serves
    [ERROR] slack:team is login_required: the provider answered invalid_grant: token was revoked; run `bursar login slack --as team`
    [ERROR] slack:old is revoked: revoked 2 days ago; run `bursar login slack --as old`
    [OK] zoom:default is paused: kept fresh but not handed out; run `bursar resume zoom:default`
    "#);
}

//! The table of `bursar status --calendar`.

use bursar_core::lifecycle::account::Account;
use bursar_core::lifecycle::calendar::calendar;
use jiff::SignedDuration;

use super::{assert_narrow, bare};
use crate::cli::screen::calendar_screen::{render, to_json};
use crate::cli::screen::fixtures::{VIEWING, account, every_state};

fn rendered(accounts: &[Account]) -> String {
    let text = bare(&render(&calendar(accounts), &VIEWING));
    assert_narrow(&text);
    text
}

#[test]
fn every_state_in_order_of_date() {
    let mut accounts: Vec<Account> = every_state().into_iter().map(|(_, account)| account).collect();
    let mut idle = account("zoom", "idle");
    idle.policy.grant_idle = Some(SignedDuration::from_hours(36));
    accounts.push(idle);
    insta::assert_snapshot!(rendered(&accounts), @"
    2026-11-19 15:05:00  2 days ago   slack:old       login required
    2026-11-21 14:01:00  1 hour ago   slack:team      login required
    2026-11-23 02:25:00  in 35 hours  zoom:idle       login ends unless used
    2026-11-23 08:00:00  in 40 hours  google:guest    login ends
    2026-12-01 08:00:00  in 9 days    github:private  login gets old
    2026-12-01 08:00:00  in 9 days    github:work     login gets old
    2026-12-01 08:00:00  in 9 days    gitlab:work     login gets old
    2026-12-01 08:00:00  in 9 days    google:work     login gets old
    2026-12-01 08:00:00  in 9 days    zoom:default    login gets old
    2026-12-01 08:00:00  in 9 days    zoom:idle       login gets old

    Next: slack:old: login required 2 days ago; run `bursar login slack --as old`
    ");
    let json = to_json(&calendar(&accounts), VIEWING.now);
    insta::assert_snapshot!(serde_json::to_string_pretty(&json[2]).unwrap(), @r#"
    {
      "schema": 1,
      "ref": "zoom:idle",
      "provider": "zoom",
      "account": "idle",
      "identity": "idle@example.com",
      "occasion": "login_unused",
      "at": "2026-11-23T02:25:00Z",
      "seconds_left": 127200,
      "command": "bursar refresh zoom:idle"
    }
    "#);
}

#[test]
fn long_names_are_cut_so_that_the_table_fits() {
    let long = account("a-provider-with-a-name", &"nickname".repeat(6));
    let text = bare(&render(&calendar(&[long]), &VIEWING));
    let row = text.lines().next().unwrap();
    assert_narrow(row);
    assert!(row.ends_with("…  login gets old"), "{text}");
    // A command stays on one line, so that it can be copied.
    assert!(text.contains("\n`bursar login a-provider-with-a-name --as nickname"), "{text}");
}

#[test]
fn where_nothing_ends_it_says_so() {
    let mut endless = account("google", "work");
    endless.policy.rotate_after = Some(SignedDuration::ZERO);
    assert_eq!(rendered(&[endless]), "No login has an end that is known.\n");
}

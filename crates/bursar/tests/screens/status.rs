//! `bursar status`.

use misbehaving_provider::{Endpoint, Times};
use rustix::process::{Pid, Signal, kill_process};
use tokio::io::{AsyncBufReadExt as _, BufReader};

use super::stored::{busy, change, elements, expired, failing, logged_in, needs_login};
use crate::support::{FILTERS, Home};

#[tokio::test(flavor = "multi_thread")]
async fn without_accounts_it_says_how_to_get_one() {
    let home = Home::new();
    for command in ["status", "list", "check", "tokens"] {
        let ended = home.run(&[command]).await;
        assert_eq!((ended.code, ended.stdout.as_str()), (0, ""), "{ended}");
        assert!(ended.stderr.contains("`bursar login PROVIDER`"), "{ended}");
        let ended = home.run(&[command, "--json"]).await;
        assert_eq!((ended.code, ended.stdout.as_str(), ended.stderr.as_str()), (0, "[]\n", ""), "{ended}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_that_is_not_there_is_exit_3() {
    let (home, _provider) = logged_in().await;
    for command in ["status", "list", "check"] {
        let ended = home.run(&[command, "wrok"]).await;
        assert_eq!((ended.code, ended.stdout.as_str()), (3, ""), "{ended}");
        assert!(
            ended.stderr.contains("Account 'wrok' not found") && ended.stderr.contains(":work"),
            "{ended}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_tree_shows_account_times_and_what_protects_the_tokens() {
    let (home, provider) = logged_in().await;
    let ended = home.run(&["status"]).await;
    assert_eq!(ended.code, 0, "{ended}");
    insta::with_settings!({filters => filters()}, {
        insta::assert_snapshot!(ended.stdout, @"
        [PROVIDER]:
          [OK]    work (ada@example.com)
                  state           valid
                  expires         [TIME] [RELATIVE]
                  logged in       [TIME] [RELATIVE]
                  last refreshed  never
                  sessions        0

        Healthy: 1  Expiring soon: 0  Expired: 0
        Tokens are sealed; master key: key file
        (BURSAR_MASTER_KEY_FILE=[FOLDER]/key)
        ");
    });
    for secret in provider.secrets() {
        assert!(!ended.stdout.contains(&secret));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pipe_gets_no_colours() {
    let (home, _provider) = logged_in().await;
    let ended = home.run(&["status"]).await;
    assert!(!ended.stdout.contains('\u{1b}'), "{ended}");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_state_decides_the_exit_code_of_status_and_check() {
    let (home, _provider) = logged_in().await;
    let code = async |expected: i32, state: &str| {
        for command in ["status", "check"] {
            let ended = home.run(&[command]).await;
            assert_eq!(ended.code, expected, "{ended}");
        }
        assert_eq!(elements(&home, &["status"]).await[0]["state"], state);
    };
    code(0, "valid").await;
    change(&home, "work", expired).await;
    code(9, "expired").await;
    change(&home, "work", failing).await;
    code(5, "failing").await;
    change(&home, "work", needs_login(1)).await;
    code(4, "login_required").await;
    change(&home, "work", |account| account.paused = true).await;
    code(4, "login_required").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_documented_filter_finds_expired_accounts_and_times_are_utc() {
    let (home, provider) = logged_in().await;
    change(&home, "work", expired).await;
    let found = elements(&home, &["status"]).await;
    assert_eq!(found.len(), 1);
    assert_eq!((found[0]["status"].as_str(), found[0]["account"].as_str()), (Some("expired"), Some("work")));
    assert_eq!(found[0]["schema"], 1);
    let expires_at = found[0]["expires_at"].as_str().unwrap();
    assert!(expires_at.parse::<jiff::Timestamp>().is_ok() && expires_at.ends_with('Z'), "{expires_at}");
    let text = serde_json::to_string(&found).unwrap();
    for secret in provider.secrets() {
        assert!(!text.contains(&secret));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_locked_vault_is_no_reason_to_hide_the_accounts() {
    let (home, _provider) = logged_in().await;
    std::fs::remove_file(home.key_file()).unwrap();
    let ended = home.run(&["status"]).await;
    assert_eq!(ended.code, 0, "{ended}");
    assert!(ended.stdout.contains("[OK]    work"), "{ended}");
}

#[tokio::test(flavor = "multi_thread")]
async fn revocations_that_wait_are_counted() {
    let (home, provider) = logged_in().await;
    assert_eq!(home.login(&provider, "play").await.code, 0);
    provider.inject(Endpoint::Revoke, busy(), Times::Always);
    assert_eq!(home.run(&["logout", "play"]).await.code, 0);
    let ended = home.run(&["status"]).await;
    assert!(ended.stdout.contains("Waiting to be revoked at the provider: 1 login"), "{ended}");
}

#[tokio::test(flavor = "multi_thread")]
async fn watching_shows_a_screen_and_ends_well_on_an_interrupt() {
    let (home, _provider) = logged_in().await;
    let mut child = home.command(&["status", "--watch", "--interval", "1h"]).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    while let Some(line) = lines.next_line().await.unwrap() {
        if line.starts_with("Healthy: 1") {
            break;
        }
    }
    let pid = Pid::from_raw(child.id().unwrap().try_into().unwrap()).unwrap();
    kill_process(pid, Signal::INT).unwrap();
    assert_eq!(child.wait().await.unwrap().code(), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn watching_shows_again_after_the_interval() {
    let (home, _provider) = logged_in().await;
    let mut child = home.command(&["status", "--watch", "--interval", "1s", "--json"]).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut screens = 0;
    while screens < 2 {
        let line = lines.next_line().await.unwrap().unwrap();
        screens += usize::from(line == "[");
    }
    child.kill().await.unwrap();
}

/// Times and durations differ from run to run.
fn filters() -> Vec<(&'static str, &'static str)> {
    let mut filters = FILTERS.to_vec();
    filters.extend([
        (r"\d{4}-\d{2}-\d{2} \d{2}:\d{2}:\d{2}", "[TIME]"),
        (r"\((in )?\d+ [a-z]+( ago)?\)", "[RELATIVE]"),
        (r"\(now\)", "[RELATIVE]"),
        (r"127[.-]0[.-]0[.-]1[.:-]\d+", "[PROVIDER]"),
    ]);
    filters
}

//! `bursar doctor` finds what was broken on purpose, names the next step, and never hangs.

mod desktop;
mod obstacles;
mod records;
mod system;

use std::time::Duration;

use bursar::system::SystemClock;
use bursar_core::ports::clock::Clock as _;
use misbehaving_provider::{Behaviour, Endpoint, MisbehavingProvider, When};
use serde_json::Value;

use crate::support::{Ended, Home, ended, filters};

/// A home with one account.
async fn logged_in(behaviour: Behaviour) -> (Home, MisbehavingProvider) {
    let provider = MisbehavingProvider::start(behaviour).await;
    let home = Home::new();
    let ended = home.login(&provider, "work").await;
    assert_eq!(ended.code, 0, "{ended}");
    (home, provider)
}

/// The findings of one check.
fn findings(ended: &Ended, name: &str) -> Vec<Value> {
    let all: Vec<Value> = serde_json::from_str(&ended.stdout).unwrap_or_else(|_| panic!("{ended}"));
    assert!(all.iter().all(|finding| finding["schema"] == 1));
    all.into_iter().filter(|finding| finding["name"] == name).collect()
}

/// Examines again and again until it shows what is awaited.
async fn until(home: &Home, shows: impl Fn(&Ended) -> bool) -> Ended {
    let deadline = SystemClock.stopwatch() + Duration::from_secs(30);
    loop {
        let examined = home.run(&["doctor", "--json"]).await;
        if shows(&examined) {
            return examined;
        }
        assert!(SystemClock.stopwatch() < deadline, "{examined}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_in_order_is_said_line_by_line() {
    let _filters = filters();
    let (home, provider) = logged_in(Behaviour::default()).await;
    let refreshes = provider.refreshes();
    let examined = home.run(&["doctor"]).await;
    assert!(
        examined.stdout.lines().all(|line| line.starts_with("[OK]") || line.starts_with(' ')),
        "{examined}"
    );
    // The temporary folder's length decides where lines break; the provider's name has its port.
    let unbroken = examined.to_string().replace("\n       ", " ");
    insta::assert_snapshot!(unbroken.replace(&provider.address().port().to_string(), "[PORT]"), @"
    exit 0
    --- stdout
    [OK]   only you can look into [FOLDER]/home and its files
    [OK]   the files are outside of any git work tree
    [OK]   the configuration is fine
    [OK]   no proxy is set
    [OK]   nobody holds a refresh lock; the files in the folder locks are no locks, stay there by design and are harmless: the kernel drops a lock with its process
    [OK]   the agent is not started at login; `bursar agent install` sees to that
    [OK]   no agent is running; commands refresh by themselves
    [OK]   there is no desktop here, so nothing pops up; `bursar check` tells scripts
    [OK]   [FOLDER]/home/bursar.db opens and holds 1 account
    [OK]   the vault opens with the key from the key file (BURSAR_MASTER_KEY_FILE=[FOLDER]/key)
    [OK]   127.0.0.1-[PORT] answers: authorize (127.0.0.1, HTTP 405), token (127.0.0.1, HTTP 405)
    [OK]   this computer's clock agrees with the providers'
    [OK]   127.0.0.1-[PORT] describes itself as at the login
    [OK]   127.0.0.1-[PORT]:work is in order
    [OK]   a firewall has to allow: 127.0.0.1:[PORT]
    --- stderr
    15 checks, 0 to look at, 0 failed
    ");
    assert_eq!(provider.refreshes(), refreshes, "nothing is refreshed");
    assert_eq!(home.run(&["doctor", "work"]).await.code, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_is_down_fails_with_a_remedy() {
    let (home, provider) = logged_in(Behaviour::default()).await;
    provider.stop().await;
    let examined = home.run(&["doctor", "--json"]).await;
    assert_eq!(examined.code, 1, "{examined}");
    let endpoints = findings(&examined, "endpoint");
    assert_eq!(endpoints.len(), 2, "authorize and token: {examined}");
    for endpoint in endpoints {
        assert_eq!(endpoint["verdict"], "fail");
        assert!(endpoint["what"].as_str().unwrap().contains("connection failed"), "{endpoint}");
        assert!(endpoint["remedy"].as_str().unwrap().contains("firewall"), "{endpoint}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_that_never_answers_ends_at_the_limit() {
    let (home, provider) = logged_in(Behaviour::default()).await;
    let held = [Endpoint::Token, Endpoint::Authorize]
        .map(|endpoint| provider.hold(endpoint, When::BeforeProcessing));
    let started = SystemClock.stopwatch();
    let examined = home.run(&["doctor", "--json"]).await;
    let took = SystemClock.stopwatch().saturating_sub(started);
    drop(held);
    assert_eq!(examined.code, 1, "{examined}");
    assert!(findings(&examined, "endpoint").iter().all(|finding| finding["verdict"] == "fail"), "{examined}");
    assert!(took < Duration::from_secs(9), "both together within one limit of 5 s, took {took:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_clock_is_noticed() {
    let (home, provider) = logged_in(Behaviour::default()).await;
    for (skew, words) in [(600, "behind the providers'"), (-600, "ahead of the providers'")] {
        provider.change(|behaviour| behaviour.date_skew_seconds = skew);
        let examined = home.run(&["doctor", "--json"]).await;
        assert_eq!(examined.code, 0, "a warning is no failure: {examined}");
        let [clock] = &*findings(&examined, "clock") else { panic!("{examined}") };
        assert_eq!(clock["verdict"], "warn", "{clock}");
        assert!(clock["what"].as_str().unwrap().ends_with(words), "{clock}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_that_needs_a_login_is_told_with_the_command() {
    let (home, provider) = logged_in(Behaviour::default()).await;
    for secret in provider.secrets() {
        provider.revoke(&secret);
    }
    assert_eq!(home.run(&["refresh", "work"]).await.code, 4);
    let examined = home.run(&["doctor", "--json"]).await;
    assert_eq!(examined.code, 1, "{examined}");
    let [account] = &*findings(&examined, "accounts") else { panic!("{examined}") };
    assert_eq!(account["verdict"], "fail");
    assert!(account["what"].as_str().unwrap().contains("needs a new login"), "{account}");
    assert!(account["remedy"].as_str().unwrap().contains("bursar login"), "{account}");
}

#[tokio::test(flavor = "multi_thread")]
async fn proxies_are_shown_without_their_logins() {
    let home = Home::new();
    let mut command = home.command(&["doctor"]);
    command.env("HTTPS_PROXY", "http://ada:hunter2@proxy.test:3128").env("NO_PROXY", "localhost");
    let examined = ended(&mut command).await;
    assert!(examined.stdout.contains("HTTPS_PROXY=http://proxy.test:3128"), "{examined}");
    assert!(!examined.stdout.contains("hunter2"), "{examined}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_home_in_a_git_work_tree_is_a_warning() {
    let home = Home::new();
    std::fs::create_dir(home.beside(".git")).unwrap();
    let examined = home.run(&["doctor", "--json"]).await;
    assert_eq!(examined.code, 0, "{examined}");
    assert_eq!(findings(&examined, "git_work_tree")[0]["verdict"], "warn");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mistake_in_the_configuration_does_not_stop_the_other_checks() {
    let (home, _provider) = logged_in(Behaviour::default()).await;
    home.write_config("[network]\ntimout = \"10s\"\n");
    let examined = home.run(&["doctor", "--json"]).await;
    assert_eq!(examined.code, 1, "{examined}");
    let configuration = &findings(&examined, "configuration")[0];
    assert_eq!(configuration["verdict"], "fail");
    assert_eq!(configuration["remedy"], "did you mean `timeout`?");
    for name in ["store", "vault", "endpoint", "accounts"] {
        assert_eq!(findings(&examined, name)[0]["verdict"], "ok", "{examined}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_key_is_told_and_no_new_one_is_made() {
    let (home, _provider) = logged_in(Behaviour::default()).await;
    std::fs::remove_file(home.key_file()).unwrap();
    let examined = home.run(&["doctor", "--json"]).await;
    assert_eq!(examined.code, 1, "{examined}");
    assert_eq!(findings(&examined, "vault")[0]["verdict"], "fail");
    assert_eq!(findings(&examined, "endpoint")[0]["verdict"], "ok", "the network is examined all the same");
    assert!(!home.key_file().exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_vault_the_place_of_the_next_key_is_told_and_nothing_is_made() {
    let home = Home::new();
    let named = home.run(&["doctor", "--json"]).await;
    assert!(
        findings(&named, "keychain")[0]["what"].as_str().unwrap().contains("BURSAR_MASTER_KEY_FILE"),
        "{named}"
    );
    // A bus that is not there.
    let mut command = home.command(&["doctor", "--json"]);
    command
        .env_remove("BURSAR_MASTER_KEY_FILE")
        .env("DBUS_SESSION_BUS_ADDRESS", "unix:path=/there/is/no/bus");
    let unnamed = ended(&mut command).await;
    assert_eq!(unnamed.code, 0, "{unnamed}");
    let what = findings(&unnamed, "keychain")[0]["what"].as_str().unwrap().to_owned();
    assert!(what.starts_with("no keychain: ") && what.ends_with("master.key"), "{what}");
    assert!(!home.path().exists());
}

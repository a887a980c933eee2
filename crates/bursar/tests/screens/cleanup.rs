//! `bursar cleanup`.

use misbehaving_provider::{Endpoint, Times};

use super::stored::{busy, change, elements, hours_ago, logged_in, needs_login};

/// Longer than any rule keeps a dead login.
const LONG: i64 = 200 * 24;

#[tokio::test(flavor = "multi_thread")]
async fn a_healthy_login_stays() {
    let (home, _provider) = logged_in().await;
    let ended = home.run(&["cleanup"]).await;
    assert_eq!((ended.code, ended.stdout.as_str()), (0, ""), "{ended}");
    assert!(ended.stderr.contains("nothing to clean up"), "{ended}");
    assert_eq!(elements(&home, &["list"]).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_tells_and_changes_nothing() {
    let (home, _provider) = logged_in().await;
    change(&home, "work", needs_login(LONG)).await;
    let ended = home.run(&["cleanup", "--dry-run"]).await;
    assert_eq!(ended.code, 0, "{ended}");
    assert!(
        ended.stdout.starts_with("would remove ") && ended.stdout.contains(":work: it has needed"),
        "{ended}"
    );
    assert_eq!(elements(&home, &["cleanup", "--dry-run"]).await[0]["removed"], false);
    assert_eq!(elements(&home, &["list"]).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_login_is_revoked_and_removed_and_a_live_one_stays() {
    let (home, provider) = logged_in().await;
    let token = home.run(&["token", "work"]).await.stdout;
    assert_eq!(home.login(&provider, "play").await.code, 0);
    change(&home, "work", needs_login(LONG)).await;
    let ended = home.run(&["cleanup"]).await;
    assert_eq!(ended.code, 0, "{ended}");
    assert!(ended.stdout.contains("removed ") && ended.stdout.contains("revoked at the provider"), "{ended}");
    assert!(!provider.is_live(token.trim()));
    let left = elements(&home, &["list"]).await;
    assert_eq!(left.iter().map(|element| &element["account"]).collect::<Vec<_>>(), ["play"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unused_login_goes_only_on_request() {
    let (home, _provider) = logged_in().await;
    change(&home, "work", |account| account.logged_in_at = hours_ago(8 * 24)).await;
    assert!(elements(&home, &["cleanup"]).await.is_empty());
    assert!(elements(&home, &["cleanup", "--unused", "9d"]).await.is_empty());
    let removed = elements(&home, &["cleanup", "--unused", "7d"]).await;
    assert_eq!((&removed[0]["ground"], &removed[0]["removed"]), (&"unused".into(), &true.into()));
    assert_eq!(removed[0]["revocation"]["outcome"], "revoked");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revocation_that_fails_is_told_and_waits() {
    let (home, provider) = logged_in().await;
    change(&home, "work", needs_login(LONG)).await;
    provider.inject(Endpoint::Revoke, busy(), Times::Always);
    let removed = elements(&home, &["cleanup"]).await;
    assert_eq!(
        (&removed[0]["removed"], &removed[0]["revocation"]["outcome"]),
        (&true.into(), &"queued".into())
    );
    assert!(elements(&home, &["list"]).await.is_empty());
    let ended = home.run(&["cleanup", "--dry-run"]).await;
    assert!(
        ended.stdout.contains("given up earlier: ") && ended.stdout.contains("not revoked yet"),
        "{ended}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_whose_secrets_cannot_be_opened_stays_and_the_reason_is_told() {
    let (home, _provider) = logged_in().await;
    change(&home, "work", needs_login(LONG)).await;
    home.write_key("c29tZWJvZHkgZWxzZSdzIGtleSwgMzIgYnl0ZXMhISE=");
    let ended = home.run(&["cleanup"]).await;
    assert_eq!(ended.code, 7, "{ended}");
    assert!(ended.stdout.contains("could not remove "), "{ended}");
    assert_eq!(elements(&home, &["list"]).await.len(), 1);
}

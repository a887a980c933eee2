//! `bursar refresh --status`: the beginning and the end of a working day.

use std::time::Duration;

use misbehaving_provider::{Behaviour, MisbehavingProvider};
use serde_json::Value;

use super::store_key;
use crate::support::Home;

/// A home with one account whose token lives so many hours.
async fn logged_in(hours: u64) -> (Home, MisbehavingProvider) {
    let (home, provider) = (Home::new(), MisbehavingProvider::start(Behaviour::default()).await);
    provider.change(|behaviour| behaviour.token.access_lifetime = Duration::from_hours(hours));
    assert_eq!(home.login(&provider, "work").await.code, 0);
    (home, provider)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_ends_within_the_day_is_refreshed_and_then_everything_shown() {
    let (home, provider) = logged_in(9).await;
    let morning = home.run(&["refresh", "--status"]).await;
    assert_eq!((morning.code, provider.refreshes()), (0, 1), "{morning}");
    assert!(
        morning.stdout.contains(":work: refreshed, expires ") && morning.stdout.contains("Healthy: 1"),
        "{morning}"
    );
    provider.change(|behaviour| behaviour.token.access_lifetime = Duration::from_hours(12));
    assert_eq!(home.run(&["refresh", "--status", "--all"]).await.code, 0);
    assert_eq!(provider.refreshes(), 2);
    let nothing_to_do = home.run(&["refresh", "--status"]).await;
    assert_eq!((nothing_to_do.code, provider.refreshes()), (0, 2), "{nothing_to_do}");
    assert!(!nothing_to_do.stdout.contains("refreshed, ") && nothing_to_do.stdout.contains("Healthy: 1"));
    let night = home.run(&["refresh", "--expiring", "13h", "--status"]).await;
    assert_eq!((night.code, provider.refreshes()), (0, 3), "{night}");
}

#[tokio::test(flavor = "multi_thread")]
async fn it_exits_as_status_does_and_warns_of_what_ends_during_the_day() {
    let (home, provider) = logged_in(9).await;
    store_key(&home, "ci", "key", Some("9h")).await;
    assert_eq!(home.run(&["status"]).await.code, 0, "two hours ahead all is well");
    let morning = home.run(&["refresh", "--status", "--json"]).await;
    assert_eq!((morning.code, provider.refreshes()), (9, 1), "{morning}");
    let elements: Value = serde_json::from_str(&morning.stdout).unwrap();
    let of =
        |account: &str| elements.as_array().unwrap().iter().find(|one| one["account"] == account).unwrap();
    assert_eq!((&of("work")["refreshed"], &of("work")["state"]), (&true.into(), &"valid".into()));
    assert_eq!((&of("ci")["refreshed"], &of("ci")["state"]), (&Value::Null, &"expiring".into()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refresh_that_fails_is_told_and_the_rest_goes_on() {
    let (home, provider) = logged_in(9).await;
    drop(provider);
    let morning = home.run(&["refresh", "--status"]).await;
    assert_eq!(morning.code, 5, "{morning}");
    assert!(morning.stderr.contains("error: ") && morning.stdout.contains("failing"), "{morning}");
    let json = home.run(&["refresh", "--status", "--all", "--json"]).await;
    let elements: Value = serde_json::from_str(&json.stdout).unwrap();
    assert_eq!((json.code, &elements[0]["refreshed"]), (5, &false.into()), "{json}");
    assert!(elements[0]["error"].is_string(), "{json}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_locked_vault_does_not_look_like_a_good_morning() {
    let (home, _provider) = logged_in(9).await;
    home.write_key("bm90IHRoZSBrZXkgdGhpcyB2YXVsdCB3YXMgbWFkZSA=");
    let morning = home.run(&["refresh", "--status"]).await;
    assert_eq!(morning.code, 7, "{morning}");
    assert!(morning.stdout.contains("Healthy: 1"), "the status is shown all the same: {morning}");
}

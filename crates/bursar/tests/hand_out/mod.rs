//! `bursar token` and `bursar refresh`: the forms a token is handed out in, and which accounts are refreshed.

use std::time::Duration;

use misbehaving_provider::{Behaviour, MisbehavingProvider};
use serde_json::Value;

use crate::support::{Home, ended};

async fn logged_in(nicknames: &[&str]) -> (Home, MisbehavingProvider) {
    let (home, provider) = (Home::new(), MisbehavingProvider::start(Behaviour::default()).await);
    for nickname in nicknames {
        let login = home.login(&provider, nickname).await;
        assert_eq!(login.code, 0, "{login}");
    }
    (home, provider)
}

async fn output(home: &Home, arguments: &[&str]) -> String {
    let run = home.run(arguments).await;
    assert_eq!(run.code, 0, "{run}");
    run.stdout
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_comes_alone_as_a_header_or_with_its_facts() {
    let (home, provider) = logged_in(&["work"]).await;
    let alone = home.run(&["token", "work"]).await;
    assert_eq!(alone.stderr, "", "nothing but the token");
    let token = alone.stdout.strip_suffix('\n').unwrap();
    assert!(provider.is_live(token));
    assert_eq!(
        output(&home, &["token", "work", "--header"]).await,
        format!("Authorization: Bearer {token}\n")
    );
    let facts: Value = serde_json::from_str(&output(&home, &["token", "work", "--json"]).await).unwrap();
    assert_eq!((&facts["schema"], &facts["access_token"]), (&Value::from(1), &Value::from(token)));
    assert_eq!(facts["identity"], "ada@example.com");
    assert!(facts["seconds_left"].as_i64().unwrap() > 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_stored_token_is_handed_out_unseen_on_request() {
    let (home, provider) = logged_in(&["work"]).await;
    provider.change(|behaviour| behaviour.token.access_lifetime = Duration::from_secs(0));
    output(&home, &["refresh", "work"]).await;
    let refreshes = provider.refreshes();
    let unseen = output(&home, &["token", "work", "--no-check"]).await;
    let unseen_too = ended(home.command(&["token", "work"]).env("BURSAR_SKIP_PREFLIGHT", "1")).await;
    assert_eq!((unseen_too.code, unseen_too.stdout), (0, unseen));
    assert_eq!(provider.refreshes(), refreshes, "an ended token, and nobody was asked");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_all_or_only_those_that_end_soon_are_refreshed() {
    let (home, provider) = logged_in(&["one", "two"]).await;
    output(&home, &["refresh", "one"]).await;
    assert_eq!(provider.refresh_successes(), 1);
    output(&home, &["refresh", "--all"]).await;
    assert_eq!(provider.refresh_successes(), 3);
    provider.change(|behaviour| behaviour.token.access_lifetime = Duration::from_hours(5));
    output(&home, &["refresh", "two"]).await;
    let reports: Value =
        serde_json::from_str(&output(&home, &["refresh", "--expiring", "2h", "--json"]).await).unwrap();
    let refreshed: Vec<&str> =
        reports.as_array().unwrap().iter().map(|report| report["ref"].as_str().unwrap()).collect();
    assert!(refreshed.len() == 1 && refreshed[0].ends_with(":one"), "{refreshed:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_decision_is_told_on_request() {
    let (home, _provider) = logged_in(&["work"]).await;
    assert_eq!(home.run(&["token", "work"]).await.stderr, "");
    let told = home.run(&["-v", "refresh", "work"]).await;
    for decision in ["hand-out decided", "refresh decided under the lock"] {
        assert!(told.stderr.contains(decision), "{told}");
    }
    let by_variable = ended(home.command(&["token", "work"]).env("BURSAR_LOG", "debug")).await;
    assert!(by_variable.stderr.contains("account chosen"), "{by_variable}");
}

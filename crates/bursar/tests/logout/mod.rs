//! `bursar logout`: gone here in every case, and the truth about what happened at the provider.

mod later;

use misbehaving_provider::{Behaviour, Endpoint, MisbehavingProvider, RevocationStyle};

use crate::support::{FILTERS, Home};

async fn logged_in(style: RevocationStyle) -> (Home, MisbehavingProvider, String, String) {
    let (home, provider) = (Home::new(), MisbehavingProvider::start(Behaviour::default()).await);
    provider.change(|behaviour| behaviour.revocation.style = style);
    let login = home.login(&provider, "work").await;
    assert_eq!(login.code, 0, "{login}");
    let reference = format!("127.0.0.1-{}:work", provider.address().port());
    let token = home.run(&["token", &reference]).await.stdout.trim_end().to_owned();
    assert!(provider.is_live(&token));
    (home, provider, reference, token)
}

fn filters() -> Vec<(&'static str, &'static str)> {
    let mut filters = FILTERS.to_vec();
    filters.push((r"127\.0\.0\.1-\d+", "127.0.0.1-[PORT]"));
    filters.push((r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", "[TIME]"));
    filters
}

#[tokio::test(flavor = "multi_thread")]
async fn a_logout_revokes_the_whole_login_at_the_provider() {
    let (home, provider, reference, token) = logged_in(RevocationStyle::Rfc7009).await;
    let ended = home.run(&["logout", &reference]).await;
    insta::with_settings!({filters => filters()}, { insta::assert_snapshot!(ended, @"
        exit 0
        --- stdout
        --- stderr
        Logged out of 127.0.0.1-[PORT]:work: 127.0.0.1-[PORT] has revoked it
        "); });
    assert!(provider.revoked(&token));
    assert!(!provider.is_live(&token));
    assert_eq!(home.stored().await, []);
    let gone = home.run(&["token", &reference]).await;
    assert_eq!((gone.code, gone.stdout.as_str()), (3, ""), "{gone}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_nobody_can_revoke_is_gone_here_and_its_end_is_told() {
    let (home, provider, reference, token) = logged_in(RevocationStyle::Unsupported).await;
    let ended = home.run(&["logout", &reference]).await;
    insta::with_settings!({filters => filters()}, { insta::assert_snapshot!(ended, @"
        exit 0
        --- stdout
        --- stderr
        Logged out of 127.0.0.1-[PORT]:work: it is gone here
        127.0.0.1-[PORT] offers no revocation and names no end
        to end it now, remove the access on its website
        "); });
    assert!(provider.is_live(&token), "the provider was not asked");
    assert_eq!(home.stored().await, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_in_trouble_is_asked_again_later() {
    let (home, provider, reference, token) = logged_in(RevocationStyle::Failing).await;
    let ended = home.run(&["logout", &reference]).await;
    insta::with_settings!({filters => filters()}, { insta::assert_snapshot!(ended, @"
        exit 0
        --- stdout
        --- stderr
        Logged out of 127.0.0.1-[PORT]:work: it is gone here, but not yet revoked
          because: status 503
        revoking is tried again by `bursar cleanup`, until [TIME]
        "); });
    assert_eq!(home.stored().await, []);
    assert!(!provider.revoked(&token));
    // Not due for some minutes: a cleanup right away leaves the provider alone.
    let asked = provider.calls_to(Endpoint::Revoke);
    let cleanup = home.run(&["cleanup"]).await;
    assert_eq!(cleanup.code, 0, "{cleanup}");
    assert_eq!(provider.calls_to(Endpoint::Revoke), asked);

    provider.change(|behaviour| behaviour.revocation.style = RevocationStyle::Rfc7009);
    assert!(later::cleans_up(&home).await);
    assert!(provider.revoked(&token));
    // Done is done.
    let asked = provider.calls_to(Endpoint::Revoke);
    assert!(later::cleans_up(&home).await);
    assert_eq!(provider.calls_to(Endpoint::Revoke), asked);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_is_down_does_not_keep_the_login_alive() {
    let (home, provider, reference, _) = logged_in(RevocationStyle::Rfc7009).await;
    provider.stop().await;
    let ended = home.run(&["logout", &reference, "--json"]).await;
    assert_eq!(ended.code, 0, "{ended}");
    let told: serde_json::Value = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!((&told["schema"], &told["ref"]), (&1.into(), &reference.as_str().into()));
    assert_eq!(told["revocation"], "queued");
    assert!(told["tried_until"].is_string() && told["detail"].is_string(), "{told}");
    assert_eq!(home.stored().await, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_account_is_named_with_its_neighbours() {
    let (home, _provider, _, _) = logged_in(RevocationStyle::Rfc7009).await;
    let ended = home.run(&["logout", "wrok"]).await;
    insta::with_settings!({filters => filters()}, { insta::assert_snapshot!(ended, @"
        exit 3
        --- stdout
        --- stderr
        error: Account 'wrok' not found
        hint: did you mean `127.0.0.1-[PORT]:work`?
        "); });
    assert_eq!(home.stored().await.len(), 1);
}

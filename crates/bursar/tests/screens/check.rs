//! `bursar check`.

use super::stored::{change, elements, expired, logged_in, needs_login};

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_printed_while_all_is_well_and_words_only_about_the_bad() {
    let (home, provider) = logged_in().await;
    assert_eq!(home.login(&provider, "play").await.code, 0);
    let ended = home.run(&["check"]).await;
    assert_eq!((ended.code, ended.stdout.as_str(), ended.stderr.as_str()), (0, "", ""));
    change(&home, "work", needs_login(1)).await;
    let ended = home.run(&["check"]).await;
    assert_eq!((ended.code, ended.stdout.as_str()), (4, ""));
    assert_eq!(ended.stderr.lines().count(), 1, "{ended}");
    assert!(
        ended.stderr.starts_with("[ERROR] ") && ended.stderr.contains(":work is login_required"),
        "{ended}"
    );
    assert!(ended.stderr.contains("run `bursar login "), "{ended}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_warning_window_can_be_chosen() {
    let (home, _provider) = logged_in().await;
    // A token nobody can refresh.
    change(&home, "work", |account| account.refresh = None).await;
    assert_eq!(home.run(&["check", "--warn", "1s"]).await.code, 0);
    assert_eq!(home.run(&["check", "--warn", "30d"]).await.code, 9);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_the_provider_accepts_is_exit_0() {
    let (home, _provider) = logged_in().await;
    let ended = home.run(&["check", "--live"]).await;
    assert_eq!((ended.code, ended.stdout.as_str(), ended.stderr.as_str()), (0, "", ""));
    assert_eq!(elements(&home, &["check", "--live"]).await[0]["live"]["outcome"], "accepted");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_the_provider_refuses_is_exit_4_although_it_looks_fine() {
    let (home, provider) = logged_in().await;
    let token = home.run(&["token", "work"]).await.stdout;
    assert!(provider.revoke(token.trim()));
    let ended = home.run(&["check", "--live"]).await;
    assert_eq!(ended.code, 4, "{ended}");
    assert!(ended.stderr.contains("the provider refuses its token"), "{ended}");
    assert_eq!(elements(&home, &["check", "--live"]).await[0]["live"]["outcome"], "refused");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_cannot_be_asked_is_exit_5() {
    let (home, provider) = logged_in().await;
    provider.stop().await;
    let ended = home.run(&["check", "--live"]).await;
    assert_eq!(ended.code, 5, "{ended}");
    assert!(ended.stderr.contains("could not be asked"), "{ended}");
}

#[tokio::test(flavor = "multi_thread")]
async fn asking_refreshes_an_expired_token_first() {
    let (home, provider) = logged_in().await;
    change(&home, "work", expired).await;
    assert_eq!(home.run(&["check"]).await.code, 9);
    let ended = home.run(&["check", "--live"]).await;
    assert_eq!((ended.code, provider.refresh_successes()), (0, 1), "{ended}");
}

//! The help of the program and of every command, as it looks at eighty columns without colour.

use crate::support::Home;

/// What `--help` prints; it must fit.
async fn help(arguments: &[&str]) -> String {
    let ended = Home::new().run(&[arguments, &["--help"]].concat()).await;
    assert_eq!((ended.code, ended.stderr.as_str()), (0, ""), "{ended}");
    assert!(ended.stdout.lines().all(|line| line.chars().count() <= 80), "{ended}");
    assert!(!ended.stdout.contains('\u{1b}'), "no colour without a terminal");
    ended.stdout
}

#[tokio::test(flavor = "multi_thread")]
async fn program() {
    insta::assert_snapshot!(help(&[]).await, @"");
}

#[tokio::test(flavor = "multi_thread")]
async fn login() {
    insta::assert_snapshot!(help(&["login"]).await, @"");
}

#[tokio::test(flavor = "multi_thread")]
async fn logout() {
    insta::assert_snapshot!(help(&["logout"]).await, @"");
}

#[tokio::test(flavor = "multi_thread")]
async fn list() {
    insta::assert_snapshot!(help(&["list"]).await, @"");
}

#[tokio::test(flavor = "multi_thread")]
async fn status() {
    insta::assert_snapshot!(help(&["status"]).await, @"");
}

#[tokio::test(flavor = "multi_thread")]
async fn check() {
    insta::assert_snapshot!(help(&["check"]).await, @"");
}

#[tokio::test(flavor = "multi_thread")]
async fn token() {
    insta::assert_snapshot!(help(&["token"]).await, @"");
}

#[tokio::test(flavor = "multi_thread")]
async fn refresh() {
    insta::assert_snapshot!(help(&["refresh"]).await, @"");
}

#[tokio::test(flavor = "multi_thread")]
async fn use_account() {
    insta::assert_snapshot!(help(&["use"]).await, @"");
}

#[tokio::test(flavor = "multi_thread")]
async fn which() {
    insta::assert_snapshot!(help(&["which"]).await, @"");
}

#[tokio::test(flavor = "multi_thread")]
async fn exec() {
    insta::assert_snapshot!(help(&["exec"]).await, @"");
}

#[tokio::test(flavor = "multi_thread")]
async fn cleanup() {
    insta::assert_snapshot!(help(&["cleanup"]).await, @"");
}

#[tokio::test(flavor = "multi_thread")]
async fn rebuild() {
    insta::assert_snapshot!(help(&["rebuild"]).await, @"");
}

#[tokio::test(flavor = "multi_thread")]
async fn doctor() {
    insta::assert_snapshot!(help(&["doctor"]).await, @"");
}

#[tokio::test(flavor = "multi_thread")]
async fn configuration() {
    insta::assert_snapshot!(help(&["config"]).await, @"");
}

#[tokio::test(flavor = "multi_thread")]
async fn completions() {
    insta::assert_snapshot!(help(&["completions"]).await, @"");
}

#[tokio::test(flavor = "multi_thread")]
async fn man() {
    insta::assert_snapshot!(help(&["man"]).await, @"");
}

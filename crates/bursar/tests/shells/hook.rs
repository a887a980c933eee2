//! The settings for Claude Code, and the command in them as Claude Code runs it.

use serde_json::Value;

use super::{Shell, run, store_key};
use crate::support::Home;

async fn command(home: &Home, account: &[&str]) -> String {
    let printed = home.run(&[&["env", "--claude-hook"], account].concat()).await;
    assert_eq!((printed.code, printed.stderr.as_str()), (0, ""), "{printed}");
    let settings: Value = serde_json::from_str(&printed.stdout).unwrap();
    let group = &settings["hooks"]["SessionStart"][0];
    assert_eq!(
        (&group["matcher"], &group["hooks"][0]["type"]),
        (&"startup|resume".into(), &"command".into())
    );
    group["hooks"][0]["command"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_starts_in_silence_unless_an_account_needs_a_person() {
    let home = Home::new();
    let all = command(&home, &[]).await;
    store_key(&home, "good", "one", None).await;
    let fine = run(&home, Shell::Dash, &all).await;
    assert_eq!((fine.code, fine.stdout.as_str(), fine.stderr.as_str()), (0, "", ""));
    store_key(&home, "short", "two", Some("1h")).await;
    let warned = run(&home, Shell::Dash, &all).await;
    assert_eq!((warned.code, warned.stdout.as_str()), (2, ""), "2 shows stderr to the person: {warned}");
    assert!(warned.stderr.contains("gitlab:short is expiring"), "{warned}");
    let of_one = command(&home, &["gitlab:good"]).await;
    assert_eq!(run(&home, Shell::Dash, &of_one).await.code, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn several_accounts_are_no_hook() {
    let refused = Home::new().run(&["env", "--claude-hook", "a", "b"]).await;
    assert_eq!((refused.code, refused.stdout.as_str()), (2, ""), "{refused}");
}

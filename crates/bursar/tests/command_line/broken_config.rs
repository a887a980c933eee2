//! A configuration with a mistake: its place, the nearest key, and exit 2, whatever the command.

use crate::support::{Home, filters};

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_key_is_told_with_its_place_and_the_nearest_one() {
    let _filters = filters();
    let home = Home::new();
    home.write_config("[status]\nwarn = \"1h\"\n\n[network]\n  timout = \"10s\"\n");
    let before = home.files();
    insta::assert_snapshot!(home.run(&["config", "check"]).await, @"");
    insta::assert_snapshot!(home.run(&["list"]).await, @"");
    assert_eq!(home.run(&["token", "nobody"]).await.code, 2);
    let kept = |files: &[_]| files.iter().find(|(path, _): &&(std::path::PathBuf, _)| path.ends_with("config.toml")).cloned();
    assert_eq!(kept(&home.files()), kept(&before));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_duration_is_told_with_the_form() {
    let _filters = filters();
    let home = Home::new();
    home.write_config("[refresh]\nwait = \"half an hour\"\n");
    insta::assert_snapshot!(home.run(&["config", "check"]).await, @"");
    home.write_config("[refresh]\nwait = 30\n");
    insta::assert_snapshot!(home.run(&["config", "show"]).await, @"");
}

#[tokio::test(flavor = "multi_thread")]
async fn text_that_is_no_toml_is_told_with_its_place() {
    let _filters = filters();
    let home = Home::new();
    home.write_config("[refresh\nwait = \"30s\"\n");
    insta::assert_snapshot!(home.run(&["config", "check"]).await, @"");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_variable_is_refused_like_an_unknown_key() {
    let _filters = filters();
    let home = Home::new();
    let ended = crate::support::ended(home.command(&["config", "check"]).env("BURSAR_NETWORK_TIMOUT", "10s")).await;
    insta::assert_snapshot!(ended, @"");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_configuration_without_mistakes_is_shown_with_origins_and_without_secrets() {
    let _filters = filters();
    let home = Home::new();
    home.write_config(
        "[network]\nproxy = \"http://ada:hunter2@proxy.test:3128\"\n\n[providers.acme]\nclient_id = \"cli\"\n",
    );
    let with_variables = |arguments: &[&str]| {
        let mut command = home.command(arguments);
        command.env("BURSAR_REFRESH_WAIT", "1m").env("BURSAR_PROVIDERS_ACME_CLIENT_SECRET", "hunter3");
        command
    };
    let text = crate::support::ended(&mut with_variables(&["config", "show"])).await;
    insta::assert_snapshot!(text, @"");
    let json = crate::support::ended(&mut with_variables(&["config", "show", "--json"])).await.stdout;
    assert!(!json.contains("hunter") && !text.stdout.contains("hunter"));
    let keys: Vec<serde_json::Value> = serde_json::from_str(&json).unwrap();
    assert!(keys.iter().all(|key| key["schema"] == 1));
    let wait = keys.iter().find(|key| key["key"] == "refresh.wait").unwrap();
    assert_eq!((&wait["value"], &wait["origin"]), (&"1m".into(), &"environment variable BURSAR_REFRESH_WAIT".into()));
    insta::assert_snapshot!(home.run(&["config", "check"]).await, @"");
}

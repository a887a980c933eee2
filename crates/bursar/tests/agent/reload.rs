//! Files that change while the agent runs: settings, provider entries, the store.

use serde_json::json;

use super::raw::ask;
use super::running::{Agent, a_moment, status};
use super::world::with_keys;
use crate::support::Home;

/// The nickname that the provider's bare name means in this folder; `None`: the agent does not know.
async fn meant(home: &Home, account: &str, folder: &str) -> Option<String> {
    let body = json!({ "directory": folder }).to_string();
    let answer = ask(home, "POST", &format!("/v1/accounts/{account}/token"), &body).await;
    Some(answer.json()["account"].as_str()?.to_owned())
}

async fn wait_for_meaning(home: &Home, account: &str, nickname: &str) {
    while meant(home, account, "/usr").await.as_deref() != Some(nickname) {
        a_moment().await;
    }
}

fn rule(nickname: &str) -> String {
    format!("[[rules]]\naccount = \"gitlab:{nickname}\"\ndirectory = \"/usr\"\n")
}

#[tokio::test(flavor = "multi_thread")]
async fn new_settings_are_in_force_without_a_restart() {
    let home = with_keys(2).await;
    let agent = Agent::start(&home).await;
    assert_eq!(meant(&home, "gitlab", "/usr").await, None, "two fit");
    home.write_config(&rule("ci1"));
    wait_for_meaning(&home, "gitlab", "ci1").await;
    home.write_config(&rule("ci0"));
    wait_for_meaning(&home, "gitlab", "ci0").await;

    assert!(status(&home).await["nightly"].is_null());
    home.write_config("[agent]\nnightly = \"03:00\"\n");
    while status(&home).await["nightly"].is_null() {}
    std::fs::remove_file(home.path().join("config.toml")).unwrap();
    while !status(&home).await["nightly"].is_null() {}
    assert!(agent.is_there());
}

#[tokio::test(flavor = "multi_thread")]
async fn broken_settings_change_nothing_but_what_the_status_says() {
    let home = with_keys(2).await;
    home.write_config(&rule("ci1"));
    let agent = Agent::start(&home).await;
    assert_eq!(meant(&home, "gitlab", "/usr").await.as_deref(), Some("ci1"));
    for broken in ["[[rules]\n", "[refresh]\nwait = \"soon\"\n", "[agnet]\n", "\u{0}"] {
        home.write_config(broken);
        let told = loop {
            let error = &status(&home).await["config_error"];
            if let Some(error) = error.as_str() {
                break error.to_owned();
            }
        };
        assert!(told.contains("config.toml"), "{told}");
        let shown = home.run(&["agent", "status"]).await.succeeded();
        assert!(shown.stdout.contains("config.toml"), "{shown}");
        assert_eq!(meant(&home, "gitlab", "/usr").await.as_deref(), Some("ci1"), "the old rules hold");
        home.write_config(&rule("ci1"));
        while !status(&home).await["config_error"].is_null() {}
    }
    home.write_config(&rule("ci0"));
    wait_for_meaning(&home, "gitlab", "ci0").await;
    assert!(agent.is_there());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_entry_written_later_counts_even_in_a_folder_made_later() {
    let home = with_keys(1).await;
    let agent = Agent::start(&home).await;
    assert_eq!(meant(&home, "lab", "/usr").await, None);
    let folder = home.path().join("providers");
    std::fs::create_dir(&folder).unwrap();
    let entry = folder.join("mine.toml");
    std::fs::write(&entry, "extends = \"gitlab\"\naliases = [\"lab\"]\n").unwrap();
    wait_for_meaning(&home, "lab", "ci0").await;
    std::fs::write(&entry, "extends = \"gitlab\"\naliasses = [\"lab\"]\n").unwrap();
    while status(&home).await["config_error"].is_null() {}
    assert_eq!(meant(&home, "lab", "/usr").await.as_deref(), Some("ci0"), "the old entry holds");
    std::fs::remove_file(&entry).unwrap();
    while meant(&home, "lab", "/usr").await.is_some() {
        a_moment().await;
    }
    assert!(agent.is_there());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_is_removed_is_gone_for_the_agent_too() {
    let home = with_keys(1).await;
    let agent = Agent::start(&home).await;
    home.run(&["token", "gitlab:ci0"]).await.succeeded();
    for end in ["", "-wal", "-shm"] {
        let _none = std::fs::remove_file(home.path().join(format!("bursar.db{end}")));
    }
    while home.run(&["token", "gitlab:ci0"]).await.code != 3 {
        assert!(agent.is_there(), "{}", agent.log());
    }
    assert_eq!(ask(&home, "GET", "/v1/accounts", "").await.succeeded(), json!([]));

    let key = home.beside("api-key");
    let login = ["login", "gitlab", "--api-key-file", key.to_str().unwrap(), "--as", "new"];
    home.run(&login).await.succeeded();
    let token = home.run(&["token", "gitlab:new"]).await.succeeded();
    assert_eq!(token.stdout, "glpat-never-print-me-0\n");
    while meant(&home, "gitlab", "/usr").await.as_deref() != Some("new") {
        assert!(agent.is_there(), "{}", agent.log());
        a_moment().await;
    }
}

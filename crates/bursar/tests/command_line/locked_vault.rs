//! Vaults whose key is missing or wrong: exit 7, and everything that needs no secret still works.

use misbehaving_provider::{Behaviour, MisbehavingProvider};

use crate::support::{Home, filters};

/// A home with one account.
async fn logged_in() -> (Home, MisbehavingProvider) {
    let provider = MisbehavingProvider::start(Behaviour::default()).await;
    let home = Home::new();
    let ended = home.login(&provider, "work").await;
    assert_eq!(ended.code, 0, "{ended}");
    (home, provider)
}

/// The accounts as they are, without what the passing of time changes.
async fn accounts(home: &Home) -> Vec<serde_json::Value> {
    let listed = home.run(&["list", "--json"]).await;
    let mut accounts: Vec<serde_json::Value> = serde_json::from_str(&listed.stdout).unwrap();
    for account in &mut accounts {
        assert!(account.as_object_mut().unwrap().remove("seconds_left").is_some());
    }
    accounts
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_master_key_opens_nothing_and_changes_nothing() {
    let _filters = filters();
    let (home, provider) = logged_in().await;
    let listed = accounts(&home).await;
    home.write_key("vFKQZNiZDh8Lyp9oCxrFG2c3UDEeferWQUm0dafUSzI=");
    let calls = provider.calls().len();
    insta::assert_snapshot!(home.run(&["token", "work"]).await, @"
    exit 7
    --- stdout
    --- stderr
    error: the master key does not fit this vault
    hint: give the key this vault was made with; `bursar doctor` tells which
          source that was
    ");
    assert_eq!(home.run(&["refresh", "work"]).await.code, 7);
    assert_eq!(provider.calls().len(), calls, "nothing was sent");
    assert_eq!(accounts(&home).await, listed);
    let examined = home.run(&["doctor"]).await;
    assert_eq!(examined.code, 1, "{examined}");
    assert!(examined.stdout.contains("[FAIL] the master key does not fit this vault"), "{examined}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_key_locks_the_vault_and_status_still_works() {
    let _filters = filters();
    let (home, provider) = logged_in().await;
    let listed = accounts(&home).await;
    let key = std::fs::read_to_string(home.key_file()).unwrap();
    std::fs::remove_file(home.key_file()).unwrap();
    insta::assert_snapshot!(home.run(&["token", "work"]).await, @"
    exit 7
    --- stdout
    --- stderr
    error: no master key from the key file: cannot read [FOLDER]/key: No such file or directory (os error 2)
    hint: check the path, its owner and mode
    ");
    assert_eq!(home.run(&["status"]).await.code, 0);
    assert_eq!(accounts(&home).await, listed);
    assert!(!home.key_file().exists(), "no new key is made for an old vault");
    home.write_key(&key);
    let handed = home.run(&["token", "work"]).await;
    assert!(provider.is_live(handed.stdout.trim()), "{handed}");
}

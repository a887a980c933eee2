//! What is wrong with what bursar itself keeps: damaged pages, choices that name nobody, tokens and providers that are
//! not as described.

use std::path::PathBuf;

use misbehaving_provider::{Behaviour, Endpoint};
use serde_json::Value;

use super::{findings, logged_in};
use crate::support::{Home, ended, write_private};

fn said(finding: &Value, member: &str) -> String {
    finding[member].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_page_that_nobody_has_read_yet_is_found() {
    let (home, _provider) = logged_in(Behaviour::default()).await;
    let file = home.path().join("bursar.db");
    // Everything is in the file itself once its last user has gone.
    let mut bytes = std::fs::read(&file).unwrap();
    // Tables come first, and are read by the other checks; among the last pages are those that only the check reads.
    let pages = bytes.len() / 4096;
    let damaged = (pages / 2..pages).rev().find(|page| {
        let mut tried = bytes.clone();
        tried[page * 4096..(page + 1) * 4096].fill(0x5a);
        std::fs::write(&file, &tried).unwrap();
        let listed = std::process::Command::new(env!("CARGO_BIN_EXE_bursar"))
            .args(["list", "--json"])
            .env_clear()
            .env("HOME", home.beside(""))
            .env("BURSAR_HOME", home.path())
            .output()
            .unwrap();
        listed.status.success() && String::from_utf8_lossy(&listed.stdout).contains(":work")
    });
    let damaged = damaged.expect("some page is not needed to list accounts");
    bytes[damaged * 4096..(damaged + 1) * 4096].fill(0x5a);
    std::fs::write(&file, &bytes).unwrap();

    let examined = home.run(&["doctor", "--json"]).await;
    assert_eq!(examined.code, 1, "{examined}");
    let store = findings(&examined, "store");
    let failed =
        store.iter().find(|finding| finding["verdict"] == "fail").unwrap_or_else(|| panic!("{examined}"));
    assert!(said(failed, "what").contains("the store is damaged"), "{failed}");
    assert!(said(failed, "remedy").contains("bursar rebuild"), "{failed}");
}

/// A provider of one's own, and keys for it under these names.
async fn with_keys(entry: &str, nicknames: &[&str]) -> Home {
    let home = Home::new();
    home.write_config("");
    let folder: PathBuf = home.path().join("providers");
    std::fs::create_dir(&folder).unwrap();
    std::fs::write(folder.join("acme.toml"), entry).unwrap();
    let key = home.beside("api-key");
    write_private(&key, "key-of-acme");
    for nickname in nicknames {
        let login =
            home.run(&["login", "acme", "--api-key-file", key.to_str().unwrap(), "--as", nickname]).await;
        assert_eq!(login.code, 0, "{login}");
    }
    home
}

const WITHOUT_ENDPOINTS: &str = "id = \"acme\"\n";

#[tokio::test(flavor = "multi_thread")]
async fn choices_that_cannot_be_meant_are_told_with_the_command() {
    let home = with_keys(WITHOUT_ENDPOINTS, &["one", "two"]).await;
    assert_eq!(home.run(&["use", "acme:one"]).await.code, 0);
    assert!(findings(&home.run(&["doctor", "--json"]).await, "choice").is_empty());

    let mut command = home.command(&["doctor", "--json"]);
    command.env("BURSAR_ACCOUNT_ACME", "three").env("BURSAR_ACCOUNT_NOBODY", "x");
    let named = findings(&ended(&mut command).await, "choice");
    assert_eq!(named.len(), 2, "{named:?}");
    assert!(said(&named[0], "remedy").contains("one, two"), "{named:?}");
    assert!(said(&named[1], "remedy").contains("unset BURSAR_ACCOUNT_NOBODY"), "{named:?}");

    assert_eq!(home.run(&["pause", "acme:one"]).await.code, 0);
    let [paused] = &*findings(&home.run(&["doctor", "--json"]).await, "choice") else {
        panic!("one finding")
    };
    assert!(said(paused, "remedy").contains("bursar use acme:two"), "{paused}");

    home.write_config("[[rules]]\naccount = \"acme:gone\"\ndirectory = \"/\"\n");
    let examined = home.run(&["doctor", "--json"]).await;
    let told = findings(&examined, "choice");
    let rule = told
        .iter()
        .find(|finding| said(finding, "what").starts_with("rule 1"))
        .unwrap_or_else(|| panic!("{examined}"));
    assert!(said(rule, "remedy").contains("bursar login acme --as gone"), "{rule}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_grant_that_has_expired_says_since_when() {
    let home = with_keys(WITHOUT_ENDPOINTS, &[]).await;
    let key = home.beside("api-key");
    let arguments =
        ["login", "acme", "--api-key-file", key.to_str().unwrap(), "--as", "short", "--expires", "1s"];
    assert_eq!(home.run(&arguments).await.code, 0);
    let examined =
        super::until(&home, |examined| findings(examined, "accounts")[0]["verdict"] == "fail").await;
    let account = &findings(&examined, "accounts")[0];
    assert!(said(account, "what").contains("needs a new login: its token expired at 20"), "{account}");
    assert!(said(account, "remedy").contains("bursar login"), "{account}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_that_ends_soon_is_told_with_the_command() {
    let home = with_keys(WITHOUT_ENDPOINTS, &[]).await;
    let key = home.beside("api-key");
    let arguments =
        ["login", "acme", "--api-key-file", key.to_str().unwrap(), "--as", "soon", "--expires", "1h"];
    assert_eq!(home.run(&arguments).await.code, 0);
    let account = findings(&home.run(&["doctor", "--json"]).await, "accounts")[0].clone();
    assert_eq!(account["verdict"], "warn", "{account}");
    assert!(said(&account, "what").contains("only a person can renew it"), "{account}");
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_that_live_shorter_than_the_catalogue_says_are_told() {
    let entry = "id = \"acme\"\n[lifetimes]\naccess = \"365d\"\n";
    let home = with_keys(entry, &[]).await;
    let key = home.beside("api-key");
    let arguments =
        ["login", "acme", "--api-key-file", key.to_str().unwrap(), "--as", "ci", "--expires", "30d"];
    assert_eq!(home.run(&arguments).await.code, 0);
    let [lives] = &*findings(&home.run(&["doctor", "--json"]).await, "lifetimes") else {
        panic!("one finding")
    };
    assert_eq!(lives["verdict"], "warn", "{lives}");
    assert!(said(lives, "what").contains("the catalogue says"), "{lives}");
    assert!(said(lives, "remedy").contains("providers_dir"), "{lives}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_describes_itself_otherwise_is_noticed() {
    let (home, provider) = logged_in(Behaviour::default()).await;
    let registry = async || findings(&home.run(&["doctor", "--json"]).await, "registry");
    assert_eq!(registry().await[0]["verdict"], "ok");
    provider.change(|behaviour| {
        behaviour.metadata.missing.insert(Endpoint::Revoke);
    });
    let drifted = registry().await;
    assert_eq!(drifted[0]["verdict"], "warn", "{drifted:?}");
    assert!(said(&drifted[0], "what").contains("revoke is not named any more"), "{drifted:?}");
    assert!(
        said(&drifted[0], "remedy").contains(&format!("bursar login {}", provider.issuer())),
        "{drifted:?}"
    );
    provider.change(|behaviour| behaviour.metadata.not_json = true);
    let broken = registry().await;
    assert!(
        said(&broken[0], "what").contains("does not describe itself as at the login any more"),
        "{broken:?}"
    );
}

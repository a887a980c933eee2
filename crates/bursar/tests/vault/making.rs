//! `vault init`, and where the key of a new vault is.

use std::os::unix::fs::PermissionsExt as _;

use serde_json::Value;

use super::world::World;
use crate::support::filters;

#[tokio::test]
async fn a_vault_is_made_before_the_first_login_and_only_once() {
    let _filters = filters();
    let world = World::with(&[]);
    let made = world.run(&["vault", "init"]).await;
    insta::assert_snapshot!(made, @"
    exit 0
    --- stdout
    --- stderr
    [OK] A vault was made. What opens it: key file (chosen when the vault was made)
    note: no master key from the keychain: there is no D-Bus session bus; the master key is in the file [FOLDER]/home/master.key instead (readable by you alone)
    ");
    let file = world.home.path().join("master.key");
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    let key = std::fs::read(&file).unwrap();

    insta::assert_snapshot!(world.run(&["vault", "init"]).await, @"
    exit 0
    --- stdout
    --- stderr
    [OK] There is a vault already. What opens it: key file (chosen when the vault was made)
    ");
    assert_eq!(std::fs::read(&file).unwrap(), key);
    world.log_in().await;
    world.opens().await;
}

#[tokio::test]
async fn what_opens_it_is_told_to_programs() {
    let world = World::with_key_file();
    let read = |text: &str| serde_json::from_str::<Value>(text).unwrap();
    let made = read(&world.run(&["vault", "init", "--json"]).await.succeeded().stdout);
    assert_eq!(
        (&made["schema"], &made["created"], &made["key"]),
        (&1.into(), &true.into(), &"key_file".into())
    );
    assert!(made["origin"].as_str().unwrap().starts_with("BURSAR_MASTER_KEY_FILE="), "{made}");
    let again = read(&world.run(&["vault", "init", "--json"]).await.succeeded().stdout);
    assert_eq!(again["created"], false);
}

#[tokio::test]
async fn the_place_of_the_key_is_chosen_and_never_against_what_counts_later() {
    let mut world = World::with(&[]);
    world.run(&["vault", "init", "--key", "key-file"]).await.succeeded();
    let other = world.run(&["vault", "init", "--key", "passphrase"]).await;
    assert_eq!(other.code, 2, "{other}");
    assert!(other.stderr.contains("its key is in the key file"), "{other}");

    world = World::with_key_file();
    let contradicted = world.run(&["vault", "init", "--key", "keychain"]).await;
    assert_eq!(contradicted.code, 7, "{contradicted}");
    assert!(contradicted.stderr.contains("BURSAR_MASTER_KEY_FILE"), "{contradicted}");
    assert!(!world.home.path().join("master.key").exists());

    world = World::with(&[]);
    world.home.write_config("[vault]\nkey = \"key_file\"\n");
    let contradicted = world.run(&["vault", "init", "--key", "passphrase"]).await;
    assert!(contradicted.stderr.contains("config.toml"), "{contradicted}");
}

#[tokio::test]
async fn a_passphrase_needs_somebody_who_knows_it() {
    let world = World::with(&[]);
    let nobody = world.run(&["vault", "init", "--key", "passphrase"]).await;
    assert_eq!(nobody.code, 7, "{nobody}");
    assert!(nobody.stderr.contains("BURSAR_PASSPHRASE_FILE"), "{nobody}");
    let short = World::with_passphrase("hunter2").run(&["vault", "init"]).await;
    assert_eq!(short.code, 7, "{short}");
    let world = World::with_passphrase("five random words as advised");
    world.run(&["vault", "init"]).await.succeeded();
    world.log_in().await;
    world.opens().await;
}

#[tokio::test]
async fn without_a_vault_there_is_nothing_to_open_lock_or_rotate() {
    let world = World::with_key_file();
    for action in ["lock", "rotate"] {
        let ended = world.run(&["vault", action]).await;
        assert_eq!(ended.code, 7, "{ended}");
        assert!(ended.stderr.contains("`bursar vault init`"), "{ended}");
    }
    assert!(!world.home.path().join("master.key").exists());
}

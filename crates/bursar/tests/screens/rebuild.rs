//! `bursar rebuild`.

use std::path::PathBuf;

use serde_json::Value;

use super::stored::{elements, logged_in};
use crate::support::Home;

#[tokio::test(flavor = "multi_thread")]
async fn a_sound_store_is_read_through_and_left_alone() {
    let (home, _provider) = logged_in().await;
    let before = database(&home);
    let ended = home.run(&["rebuild"]).await;
    assert_eq!((ended.code, ended.stdout.as_str()), (0, ""), "{ended}");
    assert!(ended.stderr.contains("nothing to rebuild"), "{ended}");
    assert_eq!(database(&home), before);
    let told: Value = serde_json::from_str(&home.run(&["rebuild", "--json"]).await.stdout).unwrap();
    assert_eq!((&told["schema"], &told["rebuilt"]), (&1.into(), &false.into()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_home_without_a_store_stays_without_one() {
    let home = Home::new();
    let ended = home.run(&["rebuild"]).await;
    assert_eq!(ended.code, 0, "{ended}");
    assert!(!home.path().join("bursar.db").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_lost_header_every_account_works_again_and_the_damaged_file_is_kept() {
    let (home, _provider) = logged_in().await;
    let damaged = damage(&home, |bytes| bytes[..100].fill(0));
    let ended = home.run(&["rebuild"]).await;
    assert_eq!(ended.code, 0, "{ended}");
    assert!(ended.stdout.contains("saved: 1 account,"), "{ended}");
    assert_eq!(std::fs::read(kept(&home)).unwrap(), damaged);
    let token = home.run(&["token", "work"]).await;
    assert_eq!(token.code, 0, "{token}");
    assert_eq!(home.run(&["refresh", "work"]).await.code, 0);
    assert_eq!(home.run(&["rebuild"]).await.code, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_account_is_named_with_the_command_that_brings_it_back() {
    let (home, provider) = logged_in().await;
    assert_eq!(home.login(&provider, "play").await.code, 0);
    let reference = elements(&home, &["list", "play"]).await[0]["ref"].as_str().unwrap().to_owned();
    // The JSON of one account's record, wherever it lies in the file.
    let nickname = br#""nickname":"play""#;
    damage(&home, |bytes| {
        let places: Vec<usize> =
            (0..bytes.len() - nickname.len()).filter(|at| bytes[*at..].starts_with(nickname)).collect();
        assert!(!places.is_empty());
        for at in places {
            bytes[at..at + nickname.len()].fill(b'{');
        }
    });
    let ended = home.run(&["rebuild"]).await;
    assert_eq!(ended.code, 4, "{ended}");
    let command = format!("bursar login {} --as play", provider.issuer());
    assert!(ended.stdout.contains(&command), "{reference}: {ended}");
    assert_eq!(elements(&home, &["list"]).await.len(), 1);
    assert_eq!(home.run(&["token", "work"]).await.code, 0);
}

/// Changes bytes of the database behind the program's back; answers what is in the file then.
fn damage(home: &Home, change: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let mut bytes = database(home);
    change(&mut bytes);
    std::fs::write(home.path().join("bursar.db"), &bytes).unwrap();
    bytes
}

fn database(home: &Home) -> Vec<u8> {
    std::fs::read(home.path().join("bursar.db")).unwrap()
}

/// The damaged file's new place.
fn kept(home: &Home) -> PathBuf {
    let mut found =
        std::fs::read_dir(home.path()).unwrap().map(|entry| entry.unwrap().path()).filter(|path| {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            name.starts_with("bursar.db.damaged-") && !name.ends_with("-wal") && !name.ends_with("-shm")
        });
    found.next().unwrap()
}

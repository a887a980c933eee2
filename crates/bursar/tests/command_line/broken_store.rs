//! Stores that cannot be used: written by a newer version, damaged. Every command says so and touches nothing.

use std::path::PathBuf;

use crate::support::{Home, filters};

fn database(home: &Home) -> PathBuf {
    home.path().join("bursar.db")
}

/// Changes the store's bytes behind the program's back.
async fn changed(change: impl FnOnce(&mut Vec<u8>)) -> Home {
    let home = Home::new();
    assert_eq!(home.run(&["list"]).await.code, 0);
    let mut bytes = std::fs::read(database(&home)).unwrap();
    change(&mut bytes);
    std::fs::write(database(&home), bytes).unwrap();
    home
}

/// The database's own bytes; what `SQLite` keeps beside them comes and goes with its readers.
fn bytes(home: &Home) -> Vec<u8> {
    std::fs::read(database(home)).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_of_a_newer_version_is_left_alone() {
    let _filters = filters();
    // The file format has the schema's number (`user_version`) at offset 60, big-endian.
    let home = changed(|bytes| bytes[60..64].copy_from_slice(&9999_u32.to_be_bytes())).await;
    let before = bytes(&home);
    insta::assert_snapshot!(home.run(&["list"]).await, @"
    exit 1
    --- stdout
    --- stderr
    error: the store has schema 9999, this bursar knows 3
    hint: install the newer bursar that wrote it; nothing was changed
    ");
    for arguments in [&["status"][..], &["token", "nobody"], &["refresh", "--all"], &["cleanup"]] {
        let ended = home.run(arguments).await;
        assert_eq!((ended.code, ended.stdout.as_str()), (1, ""), "{arguments:?}: {ended}");
    }
    let examined = home.run(&["doctor"]).await;
    assert_eq!(examined.code, 1, "{examined}");
    assert!(examined.stdout.contains("[FAIL] the store has schema 9999"), "{examined}");
    assert_eq!(bytes(&home), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_no_store_is_left_alone_and_rebuild_is_named() {
    let _filters = filters();
    let home = changed(|bytes| bytes[..16].copy_from_slice(b"not a database!!")).await;
    let before = bytes(&home);
    insta::assert_snapshot!(home.run(&["list"]).await, @"
    exit 1
    --- stdout
    --- stderr
    error: the store is damaged: file is not a database
    hint: run `bursar rebuild`: it keeps the damaged file and saves what is
          readable
    ");
    let examined = home.run(&["doctor"]).await;
    assert_eq!(examined.code, 1, "{examined}");
    assert!(examined.stdout.contains("bursar rebuild"), "{examined}");
    assert_eq!(bytes(&home), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn damage_in_the_middle_is_told_by_every_command() {
    // The first page, with the list of tables, stays; every table behind it is gone.
    let home = changed(|bytes| bytes[4096..].fill(0x5a)).await;
    let before = bytes(&home);
    for arguments in [&["list"][..], &["status"], &["doctor"]] {
        let ended = home.run(arguments).await;
        assert_eq!(ended.code, 1, "{arguments:?}: {ended}");
        assert!(
            format!("{}{}", ended.stdout, ended.stderr).contains("bursar rebuild"),
            "{arguments:?}: {ended}"
        );
    }
    assert_eq!(bytes(&home), before);
}

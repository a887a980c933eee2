//! `bursar user`.

use super::world::{document, done, filters, given};
use crate::support::{Home, write_private};

#[tokio::test(flavor = "multi_thread")]
async fn a_user_is_added_shown_disabled_and_removed() {
    let _filters = filters();
    let home = Home::new();
    let arguments = ["user", "add", "ada", "--name", "Ada Lovelace", "--admin", "--password-file", "-"];
    insta::assert_snapshot!(given(&home, &arguments, "correct horse\n").await, @"
    exit 0
    --- stdout
    usr_[ID]
    --- stderr
    user `ada` was added
    ");
    insta::assert_snapshot!(home.run(&["user", "show", "ADA"]).await, @"
    exit 0
    --- stdout
    user         ada
    id           usr_[ID]
    name         Ada Lovelace
    e-mail       -
    role         -
    permissions  -
    password     set at [TIME]
    notes        admin
    added        [TIME]
    --- stderr
    ");
    done(&home, &["user", "disable", "ada"]).await;
    insta::assert_snapshot!(home.run(&["user", "list"]).await, @"
    exit 0
    --- stdout
    USER  ID                              NAME
    ada   usr_[ID]  Ada Lovelace  admin, disabled
    --- stderr
    ");
    done(&home, &["user", "enable", "ada"]).await;
    let changed = document(&home, &["user", "update", "ada", "--no-admin", "--email", "a@test"]).await;
    assert_eq!((&changed["admin"], &changed["email"]), (&false.into(), &"a@test".into()));
    assert_eq!(changed["name"], "Ada Lovelace");
    insta::assert_snapshot!(home.run(&["user", "remove", "ada"]).await, @"
    exit 0
    --- stdout
    --- stderr
    user `ada` was removed, and everything issued in their name has ended; nobody else gets the name unless you run `bursar user free ada`
    ");
    insta::assert_snapshot!(home.run(&["user", "add", "Ada", "--no-password"]).await, @"
    exit 2
    --- stdout
    --- stderr
    error: the user name `Ada` was used by somebody who was removed
    hint: choose another name, or free this one with `bursar user free`
    ");
    done(&home, &["user", "free", "ada"]).await;
    done(&home, &["user", "add", "Ada", "--no-password"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn applications_are_told_more_of_a_user() {
    let home = Home::new();
    let said = ["--avatar-url", "https://a.test/ada.png", "--claim", "plan=\"team\"", "--claim", "seats=5"];
    done(&home, &[&["user", "add", "ada", "--no-password"][..], &said].concat()).await;
    let shown = document(&home, &["user", "show", "ada"]).await;
    assert_eq!(shown["avatar_url"], "https://a.test/ada.png");
    assert_eq!(shown["claims"], serde_json::json!({ "plan": "team", "seats": 5 }));
    let changed = document(&home, &["user", "update", "ada", "--avatar-url", "", "--claim", "plan="]).await;
    assert!(changed["avatar_url"].is_null());
    assert_eq!(changed["claims"], serde_json::json!({ "seats": 5 }));
    insta::assert_snapshot!(home.run(&["user", "update", "ada", "--claim", "plan=team"]).await, @r#"
    exit 2
    --- stdout
    --- stderr
    error: invalid value 'plan=team' for '--claim <NAME=VALUE>': the value of `plan` is no JSON; write a text in quotes: 'plan="team"'

    For more information, try '--help'.
    "#);
}

#[tokio::test(flavor = "multi_thread")]
async fn passwords_come_from_where_nobody_else_looks() {
    let _filters = filters();
    let home = Home::new();
    insta::assert_snapshot!(home.run(&["user", "add", "bob"]).await, @"
    exit 2
    --- stdout
    --- stderr
    error: there is no terminal to ask at
      because: No such device or address (os error 6)
    hint: give it in a file with `--password-file FILE`, or on stdin with
          `--password-file -`
    ");
    insta::assert_snapshot!(given(&home, &["user", "add", "bob", "--password-file", "-"], "short").await, @"
    exit 2
    --- stdout
    --- stderr
    error: a password needs at least 8 characters and at most 1024 bytes
    hint: choose a longer one; a sentence is easy to remember
    ");
    let file = home.beside("password");
    write_private(&file, "correct horse\n");
    let path = file.to_str().unwrap();
    done(&home, &["user", "add", "bob", "--password-file", path]).await;
    let before = document(&home, &["user", "show", "bob"]).await;
    assert_eq!(before["has_password"], true);
    done(&home, &["user", "set-password", "bob", "--no-password"]).await;
    assert_eq!(document(&home, &["user", "show", "bob"]).await["has_password"], false);
    let passkeys = home.run(&["user", "forget-passkeys", "bob"]).await;
    assert_eq!((passkeys.code, passkeys.stderr.trim()), (0, "user `bob` had no passkey"));
    std::fs::set_permissions(&file, std::os::unix::fs::PermissionsExt::from_mode(0o644)).unwrap();
    let loose = home.run(&["user", "set-password", "bob", "--password-file", path]).await;
    assert_eq!(loose.code, 2, "{loose}");
    for (path, bytes) in home.files() {
        assert!(!String::from_utf8_lossy(&bytes).contains("correct horse"), "{}", path.display());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_is_one_person() {
    let _filters = filters();
    let home = Home::new();
    done(&home, &["user", "add", "ada", "--no-password"]).await;
    insta::assert_snapshot!(home.run(&["user", "add", "ADA", "--no-password"]).await, @"
    exit 2
    --- stdout
    --- stderr
    error: there is a user `ADA` already
    hint: choose another name, or change that one with `bursar user update`
    ");
    insta::assert_snapshot!(home.run(&["user", "show", "eve"]).await, @"
    exit 1
    --- stdout
    --- stderr
    error: there is no user `eve`
    hint: see who there is with `bursar user list`
    ");
    insta::assert_snapshot!(home.run(&["user", "add", "two words", "--no-password"]).await, @"
    exit 2
    --- stdout
    --- stderr
    error: `two words` cannot be a user name: use 1 to 64 characters without blanks and control characters
    hint: choose a name such as ada
    ");
    insta::assert_snapshot!(home.run(&["user", "free", "ada"]).await, @"
    exit 1
    --- stdout
    --- stderr
    error: no removed user had the name `ada`
    hint: see who there is with `bursar user list`
    ");
}

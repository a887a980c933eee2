//! `bursar client`.

use super::world::{document, done, filters};
use crate::support::Home;

#[tokio::test(flavor = "multi_thread")]
async fn a_client_is_added_shown_listed_and_removed() {
    let _filters = filters();
    let home = Home::new();
    let redirect = "http://127.0.0.1/callback";
    insta::assert_snapshot!(home.run(&["client", "add", "--name", "Editor", "--redirect", redirect]).await, @"
    exit 0
    --- stdout
    cli_[ID]
    --- stderr
    the client was added
    ");
    let listed = document(&home, &["client", "list"]).await;
    let id = listed[0]["id"].as_str().unwrap().to_owned();
    insta::assert_snapshot!(home.run(&["client", "show", &id]).await, @"
    exit 0
    --- stdout
    id             cli_[ID]
    name           Editor
    from           administrator
    proves itself  none
    secrets        -
    grants         authorization_code
                   refresh_token
    redirects      http://127.0.0.1/callback
    scope          whatever the resources offer
    rotation       with every use
    added          [TIME]
    --- stderr
    ");
    insta::assert_snapshot!(home.run(&["client", "list"]).await, @"
    exit 0
    --- stdout
    ID                              NAME      PROVES ITSELF  FROM
    cli_[ID]  Editor    none           administrator
    --- stderr
    ");
    insta::assert_snapshot!(home.run(&["client", "remove", &id]).await, @"
    exit 0
    --- stdout
    --- stderr
    client `cli_[ID]` was removed, and everything issued to it has ended
    ");
    insta::assert_snapshot!(home.run(&["client", "list"]).await, @"
    exit 0
    --- stdout
    --- stderr
    there is no client; add one with `bursar client add`, or let programs bring themselves
    ");
    insta::assert_snapshot!(home.run(&["client", "list", "--removed"]).await, @"
    exit 0
    --- stdout
    ID                              NAME      PROVES ITSELF  FROM
    cli_[ID]  Editor    none           removed
    --- stderr
    ");
    insta::assert_snapshot!(home.run(&["client", "remove", &id]).await, @"
    exit 1
    --- stdout
    --- stderr
    error: there is no client `cli_[ID]`
    hint: see what there is with `bursar client list`
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_is_told_once_and_kept_nowhere() {
    let _filters = filters();
    let home = Home::new();
    let added = document(&home, &["client", "add", "--name", "Service", "--confidential"]).await;
    assert_eq!((&added["schema"], &added["grant_types"][0]), (&1.into(), &"client_credentials".into()));
    let (id, first) = (added["id"].as_str().unwrap(), added["client_secret"].as_str().unwrap());
    let renewed = done(&home, &["client", "renew-secret", id]).await;
    insta::assert_snapshot!(renewed, @"
    exit 0
    --- stdout
    bcs_[SECRET]
    --- stderr
    the new secret is shown this once; the old one works until [TIME]
    ");
    let second = renewed.stdout.trim();
    assert_ne!(first, second);
    let shown = document(&home, &["client", "show", id]).await;
    assert_eq!(shown["secrets"].as_array().unwrap().len(), 2);
    assert!(!shown["secrets"][0]["expires_at"].is_null() && shown["secrets"][1]["expires_at"].is_null());
    done(&home, &["client", "renew-secret", id, "--overlap", "0s"]).await;
    assert_eq!(document(&home, &["client", "show", id]).await["secrets"].as_array().unwrap().len(), 1);
    for (path, bytes) in home.files() {
        let text = String::from_utf8_lossy(&bytes);
        assert!(!text.contains(&first[4..]) && !text.contains(&second[4..]), "{}", path.display());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_touches_what_is_named_and_nothing_else() {
    let home = Home::new();
    let arguments =
        ["client", "add", "--name", "Editor", "--redirect", "https://a.test/cb", "--scope", "read"];
    let added = document(&home, &arguments).await;
    let id = added["id"].as_str().unwrap();
    let changed = document(&home, &["client", "update", id, "--name", "Other"]).await;
    assert_eq!(changed["name"], "Other");
    assert_eq!((&changed["redirect_uris"], &changed["scope"]), (&added["redirect_uris"], &added["scope"]));
    let arguments = [
        "client",
        "update",
        id,
        "--redirect",
        "https://b.test/cb",
        "--redirect",
        "https://c.test/cb",
        "--any-scope",
    ];
    let changed = document(&home, &arguments).await;
    assert_eq!(changed["redirect_uris"].as_array().unwrap().len(), 2);
    assert!(changed["scope"].is_null());
}

#[tokio::test(flavor = "multi_thread")]
async fn mistakes_are_told_with_the_next_step() {
    let _filters = filters();
    let home = Home::new();
    let add = |rest: &[&'static str]| [&["client", "add", "--name", "X"], rest].concat();
    insta::assert_snapshot!(home.run(&add(&[])).await, @"
    exit 2
    --- stdout
    --- stderr
    error: the client has no way to get tokens
    hint: add `--redirect URI`, `--grant device-code`, or `--confidential`
    ");
    insta::assert_snapshot!(home.run(&add(&["--grant", "client-credentials"])).await, @"
    exit 2
    --- stdout
    --- stderr
    error: a client that proves nothing gets no tokens in its own name
    hint: add `--confidential`, `--keys-file FILE` or `--keys-url URL`
    ");
    insta::assert_snapshot!(home.run(&add(&["--redirect", "http://evil.test/cb"])).await, @"
    exit 2
    --- stdout
    --- stderr
    error: `redirect_uris` is not acceptable
      because: the redirect URI `http://evil.test/cb` is not acceptable
      because: http:// is for localhost, 127.0.0.1 and [::1] only; use https://
    hint: see `bursar client add --help`
    ");
    insta::assert_snapshot!(home.run(&["client", "show", "cli_x"]).await, @"
    exit 1
    --- stdout
    --- stderr
    error: there is no client `cli_x`
    hint: see what there is with `bursar client list`
    ");
    let added = document(&home, &add(&["--redirect", "https://a.test/cb"])).await;
    let id = added["id"].as_str().unwrap();
    insta::assert_snapshot!(home.run(&["client", "renew-secret", id]).await, @"
    exit 2
    --- stdout
    --- stderr
    error: the client `cli_[ID]` does not prove itself with a secret
    hint: see how it proves itself with `bursar client show`
    ");
    insta::assert_snapshot!(home.run(&["client", "update", id, "--rotation", "false"]).await, @"
    exit 2
    --- stdout
    --- stderr
    error: a client whose tokens are bound to no key must get a new refresh token with every use
    hint: bind its tokens to a key as well, with `--dpop`
    ");
}

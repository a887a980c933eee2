//! `bursar grant` and `bursar key` where nothing was issued yet.

use super::world::filters;
use crate::support::Home;

#[tokio::test(flavor = "multi_thread")]
async fn where_nothing_was_issued_there_is_nothing_to_see_or_take_back() {
    let _filters = filters();
    let home = Home::new();
    insta::assert_snapshot!(home.run(&["grant", "list"]).await, @"
    exit 0
    --- stdout
    --- stderr
    nobody lets a client do anything
    ");
    insta::assert_snapshot!(home.run(&["grant", "withdraw", "nothing"]).await, @"
    exit 1
    --- stdout
    --- stderr
    error: there is no such grant
    hint: see what there is with `bursar grant list`
    ");
    insta::assert_snapshot!(home.run(&["grant", "list", "--user", "eve"]).await, @"
    exit 1
    --- stdout
    --- stderr
    error: there is no user `eve`
    hint: see who there is with `bursar user list`
    ");
    insta::assert_snapshot!(home.run(&["key", "list"]).await, @"
    exit 0
    --- stdout
    --- stderr
    there is no key yet; the server makes them when they are needed
    ");
    insta::assert_snapshot!(home.run(&["key", "renew"]).await, @"
    exit 2
    --- stdout
    --- stderr
    error: there is no key yet
    hint: the server makes them when they are needed; start it with
          `bursar serve`
    ");
    insta::assert_snapshot!(home.run(&["key", "remove", "x"]).await, @"
    exit 1
    --- stdout
    --- stderr
    error: `x` does not name one key
    hint: see what there is with `bursar key list`
    ");
}

/// Ids are base64url, so that one of 64 begins with a hyphen.
#[tokio::test(flavor = "multi_thread")]
async fn an_id_that_begins_with_a_hyphen_is_an_id() {
    let home = Home::new();
    for id in ["--PGACm9Q2fWTIP4ert1AQ", "-q9mPGAC2fWTIP4ert1AQx", "-"] {
        let ended = home.run(&["grant", "withdraw", id, "--json"]).await;
        assert_eq!(ended.code, 1, "{ended}");
        assert!(ended.stderr.contains("there is no such grant"), "{ended}");
        let ended = home.run(&["key", "remove", id, "--end-its-tokens"]).await;
        assert_eq!(ended.code, 1, "{ended}");
        assert!(ended.stderr.contains(&format!("`{id}` does not name one key")), "{ended}");
    }
}

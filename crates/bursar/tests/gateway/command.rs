//! `bursar gateway` at the keyboard: its tokens, what it says, and what it refuses to start with.

use rustix::process::Signal;

use super::upstream::Upstream;
use super::world::{World, add_token, address, route};
use crate::support::{Home, filters};

#[tokio::test(flavor = "multi_thread")]
async fn tokens_are_made_listed_and_removed() {
    let _filters = filters();
    let home = Home::new();
    home.write_config("[gateway.routes.api]\naccount = \"work\"\n");
    let made = home.run(&["gateway", "token", "add", "ci", "--route", "api", "--expires", "30d"]).await;
    assert_eq!(made.code, 0, "{made}");
    let secret = made.stdout.trim_end();
    assert!(secret.starts_with("bgw_") && secret.len() == 47, "{made}");
    assert!(!made.stderr.contains(secret));
    add_token(&home, &["everything"]).await;

    let listed = home.run(&["gateway", "token", "list"]).await;
    let (ci, everything) = listed.stdout.split_once('\n').unwrap();
    assert!(ci.starts_with("ci          opens api, until 2"), "{listed}");
    assert_eq!(everything, "everything  opens every route\n");
    let listed = home.run(&["gateway", "token", "list", "--json"]).await;
    assert!(!listed.stdout.contains("digest") && !listed.stdout.contains(secret));
    let tokens: serde_json::Value = serde_json::from_str(&listed.stdout).unwrap();
    assert_eq!((&tokens[0]["name"], &tokens[0]["routes"][0]), (&"ci".into(), &"api".into()));
    assert_eq!(tokens[1]["expires_at"], serde_json::Value::Null);

    let removed = home.run(&["gateway", "token", "remove", "CI"]).await;
    assert_eq!(removed.code, 0, "{removed}");
    for file in home.files() {
        assert!(!String::from_utf8_lossy(&file.1).contains(secret), "{}", file.0.display());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn mistakes_are_told_with_the_next_step() {
    let _filters = filters();
    let home = Home::new();
    home.write_config("[gateway.routes.api]\naccount = \"work\"\n");
    add_token(&home, &["ci"]).await;
    insta::assert_snapshot!(home.run(&["gateway", "token", "add", "ci"]).await, @"
    exit 2
    --- stdout
    --- stderr
    error: there is a gateway token `ci` already
    hint: choose another name, or end that one with
          `bursar gateway token remove ci`
    ");
    insta::assert_snapshot!(home.run(&["gateway", "token", "add", "a b"]).await, @"
    exit 2
    --- stdout
    --- stderr
    error: `a b` cannot name a gateway token: use 1 to 50 letters, digits, `.`, `-` and `_`
    hint: choose a name such as ci or laptop-editor
    ");
    insta::assert_snapshot!(home.run(&["gateway", "token", "add", "new", "--route", "other"]).await, @"
    exit 2
    --- stdout
    --- stderr
    error: there is no route `other`
    hint: config.toml has these routes: api
    ");
    insta::assert_snapshot!(home.run(&["gateway", "token", "remove", "other"]).await, @"
    exit 1
    --- stdout
    --- stderr
    error: there is no gateway token `other`
    hint: see what there is with `bursar gateway token list`
    ");
    insta::assert_snapshot!(home.run(&["gateway", "--listen", "0.0.0.0:0"]).await, @"
    exit 2
    --- stdout
    --- stderr
    error: invalid value '0.0.0.0:0' for '--listen <ADDRESS>': the gateway listens on loopback only, such as 127.0.0.1:[PORT]

    For more information, try '--help'.
    ");
    home.write_config("");
    insta::assert_snapshot!(home.run(&["gateway"]).await, @"
    exit 2
    --- stdout
    --- stderr
    error: there is no route to serve
    hint: add a section `[gateway.routes.NAME]` with an `account` to
          config.toml
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn it_says_where_it_listens_and_ends_in_order() {
    let home = Home::new();
    home.write_config("[gateway.routes.api]\naccount = \"work\"\n");
    for signal in [Signal::TERM, Signal::INT] {
        let mut gateway = home.start(&["gateway", "--listen", "127.0.0.1:0", "--json"]);
        let url = address(&mut gateway).await;
        gateway.signal(signal);
        let ended = gateway.ended().await;
        assert_eq!(ended.code, 0, "{ended}");
        let told: serde_json::Value = serde_json::from_str(&ended.stdout).unwrap();
        assert_eq!((&told["schema"], &told["url"]), (&1.into(), &url.into()));
        assert!(ended.stderr.contains("/gateway/api/"), "{ended}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_gateway_on_the_same_address_says_why_it_cannot_start() {
    let upstream = Upstream::agreeable().await;
    let world = World::with(&route("api", &upstream.url(""))).await;
    let second = world.home.run(&["gateway", "--listen", world.address()]).await;
    assert_eq!(second.code, 1, "{second}");
    assert!(second.stderr.contains("cannot listen on") && second.stderr.contains("hint"), "{second}");
    assert_eq!(world.get("/x").send().await.unwrap().status(), 200);
}

//! `bursar resource`.

use serde_json::json;

use super::world::{document, done, filters};
use crate::support::Home;

const NOTES: &str = "https://notes.test/mcp";

#[tokio::test(flavor = "multi_thread")]
async fn a_resource_is_added_shown_changed_and_removed() {
    let _filters = filters();
    let home = Home::new();
    let scopes = ["--scope", "read=Read notes", "--scope", "write", "--lifetime", "5m"];
    let tools = ["--tool", "search=read", "--tool", "move=write", "--tool", "move=read"];
    let arguments = [&["resource", "add", NOTES][..], &scopes, &tools].concat();
    insta::assert_snapshot!(home.run(&arguments).await, @r#"
    exit 0
    --- stdout
    WWW-Authenticate: Bearer scope="read write", resource_metadata="https://notes.test/.well-known/oauth-protected-resource/mcp"
    --- stderr
    resource `https://notes.test/mcp` was added
    to requests without a good token it answers 401 with this header:
    its metadata is asked for at its own host: let that pass such requests on to this server, or answer them itself
    "#);
    insta::assert_snapshot!(home.run(&["resource", "show", NOTES]).await, @"
    exit 0
    --- stdout
    url             https://notes.test/mcp
    name            -
    scopes          read: Read notes
                    write
    tools           move: read write
                    search: read
    format          es256
    lifetime        300 s
    introspectors   -
    proof of a key  not required
    metadata        https://notes.test/.well-known/oauth-protected-resource/mcp
    added           [TIME]
    --- stderr
    ");
    insta::assert_snapshot!(home.run(&["resource", "list"]).await, @"
    exit 0
    --- stdout
    URL                     FORMAT  SCOPES
    https://notes.test/mcp  es256   read write
    --- stderr
    ");
    insta::assert_snapshot!(home.run(&["resource", "challenge", NOTES]).await, @r#"
    exit 0
    --- stdout
    https://notes.test/.well-known/oauth-protected-resource/mcp
    WWW-Authenticate: Bearer scope="read write", resource_metadata="https://notes.test/.well-known/oauth-protected-resource/mcp"
    --- stderr
    its metadata is asked for at its own host: let that pass such requests on to this server, or answer them itself
    "#);
    let changed =
        document(&home, &["resource", "update", NOTES, "--format", "opaque", "--lifetime", "0s"]).await;
    assert_eq!((&changed["format"], &changed["scopes"]["read"]), (&"opaque".into(), &"Read notes".into()));
    assert!(changed["access_lifetime"].is_null());
    assert_eq!(changed["tools"], json!({ "move": ["read", "write"], "search": ["read"] }));
    let fewer = document(&home, &["resource", "update", NOTES, "--tool", "search=write"]).await;
    assert_eq!(fewer["tools"], json!({ "search": ["write"] }));
    let none = document(&home, &["resource", "update", NOTES, "--tool", ""]).await;
    assert_eq!(none["tools"], json!({}));
    insta::assert_snapshot!(home.run(&["resource", "add", NOTES]).await, @"
    exit 2
    --- stdout
    --- stderr
    error: there is a resource `https://notes.test/mcp` already
    hint: change it with `bursar resource update https://notes.test/mcp`
    ");
    done(&home, &["resource", "remove", NOTES]).await;
    insta::assert_snapshot!(home.run(&["resource", "show", NOTES]).await, @"
    exit 1
    --- stdout
    --- stderr
    error: there is no resource `https://notes.test/mcp`
    hint: see what there is with `bursar resource list`; addresses count
          character by character
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn resources_nobody_should_have_are_refused_with_the_next_step() {
    let _filters = filters();
    let home = Home::new();
    insta::assert_snapshot!(home.run(&["resource", "add", "http://notes.test/"]).await, @"
    exit 2
    --- stdout
    --- stderr
    error: the resource's address is not acceptable
      because: the resource `http://notes.test/` must start with https:// (http://
          is for localhost, 127.0.0.1 and [::1] only)
    hint: write it as clients will, such as https://mcp.example.com/mcp
    ");
    insta::assert_snapshot!(home.run(&["resource", "add", "http://localhost:8790/"]).await, @"
    exit 2
    --- stdout
    --- stderr
    error: the address is this server's own
    hint: give the API an address of its own
    ");
    insta::assert_snapshot!(home.run(&["resource", "add", NOTES, "--scope", "bursar:admin"]).await, @"
    exit 2
    --- stdout
    --- stderr
    error: `bursar:admin` is kept for this server's own administration
    hint: choose another name, such as notes:read
    ");
    insta::assert_snapshot!(home.run(&["resource", "add", NOTES, "--lifetime", "2d"]).await, @"
    exit 2
    --- stdout
    --- stderr
    error: access tokens live between 1 s and 24 h
    hint: choose a short one, such as 15m
    ");
    insta::assert_snapshot!(home.run(&["resource", "add", NOTES, "--scope", "read", "--tool", "move=write"]).await, @"
    exit 2
    --- stdout
    --- stderr
    error: the tool `move` needs `write`, which is no scope of this resource
    hint: name all its scopes with --scope beside its tools, or correct the
          tool
    ");
    insta::assert_snapshot!(home.run(&["resource", "add", NOTES, "--scope", "read", "--tool", "to move=read"]).await, @"
    exit 2
    --- stdout
    --- stderr
    error: `to move` cannot be a tool: 1 to 128 characters without blanks can
    hint: name it as `tools/list` of the resource does
    ");
    insta::assert_snapshot!(home.run(&["resource", "add", NOTES, "--tool", "move"]).await, @"
    exit 2
    --- stdout
    --- stderr
    error: invalid value 'move' for '--tool <TOOL=SCOPE>': write it as TOOL=SCOPE, once for each scope that the tool needs

    For more information, try '--help'.
    ");
    insta::assert_snapshot!(home.run(&["resource", "add", NOTES, "--introspector", "cli_x"]).await, @"
    exit 2
    --- stdout
    --- stderr
    error: `cli_x` is no client that proves itself, so it cannot ask about tokens
    hint: name the id of a confidential client; see `bursar client list`
    ");
}

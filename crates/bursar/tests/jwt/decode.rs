//! `jwt decode`.

use super::world::World;
use crate::support::filters;

/// RFC 7519 §3.1.
const EXAMPLE: &str = "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";

#[tokio::test]
async fn a_token_is_shown_and_not_believed() {
    let world = World::new();
    insta::assert_snapshot!(world.run(&["decode"], EXAMPLE).await, @r#"
    exit 0
    --- stdout
    {
      "header": {
        "typ": "JWT",
        "alg": "HS256"
      },
      "claims": {
        "iss": "joe",
        "exp": 1300819380,
        "http://example.com/is_root": true
      }
    }
    --- stderr
    nothing of this was verified: anybody can write such a token
    "#);
    world.write("token", &format!("{EXAMPLE}\n"));
    let from_file = world.run(&["decode", "@token", "--json"], "").await;
    let document: serde_json::Value = serde_json::from_str(&from_file.stdout).unwrap();
    assert_eq!((document["schema"].as_i64(), document["verified"].as_bool()), (Some(1), Some(false)));
}

#[tokio::test]
async fn what_is_no_token_is_told_apart() {
    let _filters = filters();
    let world = World::new();
    insta::assert_snapshot!(world.run(&["decode"], " \n").await, @"
    exit 1
    --- stdout
    --- stderr
    error: there is no token
    hint: a JWT is three parts of base64url with dots between them
    ");
    insta::assert_snapshot!(world.run(&["decode"], "a.b").await, @"
    exit 1
    --- stdout
    --- stderr
    error: the token is not three parts of base64url
    hint: a JWT is three parts of base64url with dots between them
    ");
    insta::assert_snapshot!(world.run(&["decode", "@nowhere"], "").await, @"
    exit 2
    --- stdout
    --- stderr
    error: the token cannot be read from `[FOLDER]/nowhere`
      because: No such file or directory (os error 2)
    hint: name a text file, or `-` for stdin
    ");
}

#[tokio::test]
async fn a_token_among_the_arguments_is_refused_and_not_repeated() {
    let world = World::new();
    for action in [&["decode"][..], &["verify", "--secret-file", "@secret"]] {
        let ended = world.run(&[action, &[EXAMPLE, "--json"]].concat(), "").await;
        assert_eq!(ended.code, 2, "{ended}");
        assert!(ended.stderr.contains("every program on the machine can read arguments"), "{ended}");
        assert!(!ended.stderr.contains("eyJ"), "{ended}");
    }
}

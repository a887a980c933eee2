//! `bursar doctor --mcp` at real servers: it finds nothing wrong with ours, and says what is true of others.

use serde_json::{Value, json};

use crate::issuing_peers::foreign_program::ForeignProgram;
use crate::issuing_peers::world::World;
use crate::peers::authorization_server::AuthorizationServer;
use crate::support::{Ended, Home, Running};

#[tokio::test]
async fn nothing_is_wrong_with_ours_behind_an_mcp_server_of_the_sdk() {
    let world = World::start().await;
    let (_resource, url) = world.start_mcp_resource().await;
    let home = Home::new();
    let mut doctor = home.start(&["doctor", "--mcp", &url, "--no-browser", "--json"]);
    for _sign_in in 0..2 {
        let address = doctor.address().await;
        doctor.until(world.person.visit(&address)).await;
    }
    let ended = doctor.ended().await.succeeded();
    assert_eq!(of_verdict(&ended, "fail"), [""; 0], "{ended}");
    assert_eq!(of_verdict(&ended, "warn"), [""; 0], "{ended}");
    assert_eq!(of_verdict(&ended, "untried"), [""; 0], "{ended}");
    assert!(!home.path().exists(), "it stores nothing");
    world.end().await;
}

#[tokio::test]
async fn what_it_says_of_an_independent_server_is_true() {
    let server = AuthorizationServer::start().await;
    let mut resource = ForeignProgram::of_node(&["clients/mcp-resource.mjs"]);
    resource.is_told(&json!({ "issuer": server.issuer(), "control": server.control_url() })).await;
    let url = resource.says().await.expect("it opens").strip_prefix("resource ").unwrap().to_owned();
    resource.is_told(&json!("added")).await;
    assert_eq!(resource.says().await.as_deref(), Some("open"));

    let home = Home::new();
    let mut doctor = home.start(&["doctor", "--mcp", &url, "--no-browser", "--json"]);
    for _sign_in in 0..2 {
        let address = doctor.address().await;
        doctor.until(server.visit(&address)).await;
    }
    let ended = doctor.ended().await.succeeded();
    assert_eq!(of_verdict(&ended, "fail"), [""; 0], "{ended}");
    // True: it gives every route for clients an answer to preflight requests, and `registration` alone none.
    assert_eq!(of_verdict(&ended, "warn"), ["server-browsers"], "{ended}");
    // True: it is set up without client metadata documents, and its tokens are opaque.
    assert_eq!(of_verdict(&ended, "untried"), ["client-document", "audience"], "{ended}");
}

#[tokio::test]
async fn without_a_sign_in_ours_is_examined_as_far_as_that_goes() {
    let world = World::start().await;
    let home = Home::new();
    let ended = home.run(&["doctor", "--mcp", &world.issuer, "--no-sign-in", "--json"]).await.succeeded();
    assert_eq!(of_verdict(&ended, "fail"), [""; 0], "{ended}");
    let untried = of_verdict(&ended, "untried");
    assert!(untried.contains(&"challenge".to_owned()) && untried.contains(&"rotation".to_owned()), "{ended}");
    let refused = home.run(&["doctor", "--mcp", "http://host.example/mcp"]).await;
    assert_eq!(refused.code, 2, "{refused}");
    world.end().await;
}

#[tokio::test]
async fn a_server_that_lets_no_stranger_in_is_told_what_to_change() {
    let closed = Home::new();
    let mut command = closed.command(&["serve", "--listen", "127.0.0.1:0"]);
    command.env("BURSAR_REGISTRATION_OPEN", "false").env("BURSAR_REGISTRATION_METADATA_DOCUMENTS", "false");
    let mut server = Running::of(&mut command);
    let issuer = server.says(|line| line.strip_prefix("its issuer is ").map(str::to_owned)).await;
    let ended = Home::new().run(&["doctor", "--mcp", &issuer, "--no-sign-in"]).await;
    assert_eq!(ended.code, 1, "{ended}");
    for told in [
        "client-ways",
        "it names neither a registration endpoint nor support for client metadata documents",
        "a client that nobody registered beforehand cannot get in",
        "understand client metadata documents, or offer a `registration_endpoint`",
        "MCP authorization",
    ] {
        let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(words(&ended.stdout).contains(told), "not told: {told}\n{ended}");
    }
}

/// The names of the lines with this verdict.
fn of_verdict(ended: &Ended, verdict: &str) -> Vec<String> {
    let lines: Vec<Value> = serde_json::from_str(&ended.stdout).unwrap_or_else(|_| panic!("{ended}"));
    let chosen = lines.iter().filter(|line| line["verdict"] == verdict);
    chosen.map(|line| line["name"].as_str().unwrap().to_owned()).collect()
}

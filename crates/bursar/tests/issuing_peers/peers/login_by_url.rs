//! `bursar login https://host/mcp` against MCP servers of others.

use serde_json::{Value, json};

use crate::issuing_peers::foreign_program::ForeignProgram;
use crate::issuing_peers::world::World;
use crate::peers::authorization_server::AuthorizationServer;
use crate::support::Home;

#[tokio::test]
async fn an_mcp_server_of_the_sdk_behind_the_real_program_lets_it_in() {
    let world = World::start().await;
    let (_resource, url) = world.start_mcp_resource().await;
    let home = Home::new();
    let mut login = home.start(&["login", &url, "--no-browser", "--json"]);
    let address = login.address().await;
    login.until(world.person.visit(&address)).await;
    let account: Value = serde_json::from_str(&login.ended().await.succeeded().stdout).unwrap();
    let reference = account["ref"].as_str().unwrap();

    assert_eq!(call(&home, reference, &url).await, 200);
    home.run(&["refresh", reference]).await.succeeded();
    assert_eq!(call(&home, reference, &url).await, 200);
    world.end().await;
}

#[tokio::test]
async fn an_mcp_server_of_fastmcp_behind_the_real_program_lets_it_in() {
    let world = World::start().await;
    let (_resource, url) = world.start_fastmcp_resource().await;
    let home = Home::new();
    let mut login = home.start(&["login", &url, "--no-browser", "--json"]);
    let address = login.address().await;
    login.until(world.person.visit(&address)).await;
    let account: Value = serde_json::from_str(&login.ended().await.succeeded().stdout).unwrap();
    let reference = account["ref"].as_str().unwrap();
    assert_eq!(call(&home, reference, &url).await, 200);
    home.run(&["refresh", reference]).await.succeeded();
    assert_eq!(call(&home, reference, &url).await, 200);
    world.end().await;
}

#[tokio::test]
async fn an_mcp_server_behind_an_independent_authorization_server_lets_it_in() {
    let server = AuthorizationServer::start().await;
    let mut resource = ForeignProgram::of_node(&["clients/mcp-resource.mjs"]);
    resource.is_told(&json!({ "issuer": server.issuer(), "control": server.control_url() })).await;
    let url = resource.says().await.expect("it opens").strip_prefix("resource ").unwrap().to_owned();
    resource.is_told(&json!("added")).await;
    assert_eq!(resource.says().await.as_deref(), Some("open"));

    let home = Home::new();
    let mut login = home.start(&["login", &url, "--no-browser", "--json"]);
    let address = login.address().await;
    login.until(server.visit(&address)).await;
    let account: Value = serde_json::from_str(&login.ended().await.succeeded().stdout).unwrap();
    let reference = account["ref"].as_str().unwrap();
    assert_eq!(call(&home, reference, &url).await, 200);
    home.run(&["refresh", reference]).await.succeeded();
    assert_eq!(call(&home, reference, &url).await, 200);
    assert_eq!(server.counts().await.refresh_successes, 1);
}

/// Greets the MCP server with the account's header; the status says whether it was let in.
async fn call(home: &Home, reference: &str, url: &str) -> u16 {
    let header = home.run(&["token", reference, "--header"]).await.succeeded();
    let (name, value) = header.stdout.trim_end().split_once(": ").unwrap();
    let greeting = json!({
        "jsonrpc": "2.0", "id": 1, "method": "initialize",
        "params": {
            "protocolVersion": "2025-06-18", "capabilities": {},
            "clientInfo": { "name": "test", "version": "1" },
        },
    });
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let request = client.post(url).header(name, value).body(greeting.to_string());
    let request = request.header("accept", "application/json, text/event-stream");
    request.header("content-type", "application/json").send().await.unwrap().status().as_u16()
}

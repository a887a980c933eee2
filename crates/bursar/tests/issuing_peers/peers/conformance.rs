//! The conformance suite of the Model Context Protocol, in its mode for authorization servers.

use std::net::TcpListener;

use crate::issuing_peers::foreign_program::ForeignProgram;
use crate::issuing_peers::world::{RESOURCE, World};

#[tokio::test]
async fn both_authorization_scenarios_of_the_mcp_suite_pass() {
    let world = World::start().await;
    let client = world.add_client(&["--public"]).await;
    // The suite wants to be told its own port.
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port().to_string();
    let mut suite = ForeignProgram::of_node(&[
        "node_modules/@modelcontextprotocol/conformance/dist/index.js",
        "authorization",
        "--url",
        &world.issuer,
        "--client-id",
        client["id"].as_str().unwrap(),
        "--resource",
        RESOURCE,
        "--port",
        &port,
    ]);
    while let Some(line) = suite.says().await {
        if line.starts_with(&world.issuer) {
            world.person.visit(&line).await;
        }
    }
    let said = suite.succeeded().await;
    for line in [
        "✓ authorization-server-metadata-endpoint: 2 passed, 0 failed",
        "✓ authorization-code-grant: 1 passed, 0 failed",
        "Total: 3 passed, 0 failed",
    ] {
        assert!(said.lines().any(|said| said == line), "not said: {line}\n{said}");
    }
    world.end().await;
}

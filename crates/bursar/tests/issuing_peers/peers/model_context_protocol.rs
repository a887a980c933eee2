//! The SDKs of the Model Context Protocol: a client that knows nothing but the address of an MCP server gets in, and stays in.
//!
//! It finds the authorization server by the server's metadata (RFC 9728, RFC 8414), registers (RFC 7591), has the user agree
//! (PKCE, RFC 8707), calls a tool, and renews its token by itself when the MCP server finds it expired. The one for Python
//! also asks for more when a tool needs another scope; the one for TypeScript renews what it has then, which is not enough.

use serde_json::json;

use crate::issuing_peers::foreign_program::ForeignProgram;
use crate::issuing_peers::world::World;

#[tokio::test]
async fn the_mcp_sdk_for_typescript_gets_in_and_stays_in() {
    let world = World::start().await;
    let (_resource, url) = world.start_mcp_resource().await;
    let client = ForeignProgram::of_node(&["clients/mcp-client.mjs"]);
    let steps = ["registration", "code", "call", "refresh", "done"];
    assert_eq!(world.steps_of(client, json!({ "issuer": world.issuer, "resource": url })).await, steps);
    world.end().await;
}

#[tokio::test]
async fn the_mcp_sdk_for_python_gets_in_and_stays_in() {
    let world = World::start().await;
    let (_resource, url) = world.start_mcp_resource().await;
    let client = ForeignProgram::of_python("clients/mcp_client.py");
    let steps = ["registration", "code", "call", "refresh", "step up", "done"];
    assert_eq!(world.steps_of(client, json!({ "issuer": world.issuer, "resource": url })).await, steps);
    world.end().await;
}

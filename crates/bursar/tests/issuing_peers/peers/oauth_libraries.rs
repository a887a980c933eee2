//! Libraries for OAuth 2 and `OpenID` Connect, each with all the checks it has switched on.

use serde_json::json;

use crate::issuing_peers::foreign_program::ForeignProgram;
use crate::issuing_peers::world::{RESOURCE, World};

#[tokio::test]
async fn oauth4webapi_completes_its_flows_with_a_secret_and_with_a_key() {
    let world = World::start().await;
    let settings = json!({
        "issuer": world.issuer,
        "resource": RESOURCE,
        "confidential": world.add_confidential_client().await,
        "public": world.add_client(&["--public", "--dpop"]).await,
    });
    let client = ForeignProgram::of_node(&["clients/oauth4webapi.mjs"]);
    let steps = [
        "discovery",
        "code",
        "userinfo",
        "refresh",
        "introspection",
        "revocation",
        "pushed request",
        "client credentials",
        "code with a key",
        "refresh with a key",
        "metadata document",
        "bound code",
        "bound refresh",
        "another key is refused",
        "bound refresh after an attempt",
        "done",
    ];
    assert_eq!(world.steps_of(client, settings).await, steps);
    world.end().await;
}

#[tokio::test]
async fn openid_client_registers_itself_and_signs_in_here_and_on_a_device() {
    let world = World::start().await;
    let client = ForeignProgram::of_node(&["clients/openid-client.mjs"]);
    let steps = [
        "registration",
        "discovery",
        "code",
        "userinfo",
        "refresh",
        "introspection",
        "pushed request",
        "device",
        "revocation",
        "logout",
        "back-channel logout",
        "done",
    ];
    assert_eq!(world.steps_of(client, json!({ "issuer": world.issuer })).await, steps);
    world.end().await;
}

#[tokio::test]
async fn authlib_completes_its_flows() {
    let world = World::start().await;
    let settings = json!({
        "issuer": world.issuer,
        "resource": RESOURCE,
        "confidential": world.add_confidential_client().await,
    });
    let client = ForeignProgram::of_python("clients/authlib_client.py");
    let steps = [
        "discovery",
        "code",
        "userinfo",
        "refresh",
        "introspection",
        "revocation",
        "resource",
        "client credentials",
        "done",
    ];
    assert_eq!(world.steps_of(client, settings).await, steps);
    world.end().await;
}

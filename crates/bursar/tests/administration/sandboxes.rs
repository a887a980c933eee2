//! `bursar sandbox` and `/v1/sandboxes` on the running program.

use reqwest::Method;
use serde_json::{Value, json};

use super::over_http::World;
use super::world::{document, done};
use crate::support::write_private;

const SEED: &str = r#"
[[clients]]
scope = "read"
[clients.metadata]
client_name = "api"
grant_types = ["client_credentials"]
token_endpoint_auth_method = "client_secret_basic"

[[resources]]
url = "https://api.test/"
[resources.said]
scopes = { read = "Read" }
introspectors = ["api"]

[[users]]
username = "ada"
said = { email = "ada@api.test" }

[[users]]
username = "grace"
password_file = "grace"
"#;

async fn get(world: &World, path: &str) -> (u16, Value) {
    let answer = world.http.get(world.at(path)).send().await.unwrap();
    let status = answer.status().as_u16();
    (status, serde_json::from_str(&answer.text().await.unwrap()).unwrap_or(Value::Null))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sandbox_is_made_seeded_used_and_ended_by_commands() {
    let world = World::start().await;
    let seed = world.home.beside("seed.toml");
    std::fs::write(&seed, SEED).unwrap();
    write_private(&world.home.beside("grace"), "correct horse battery");
    let seed = seed.to_str().unwrap();
    // The port is nobody's but the server's to know.
    let made = document(&world.home, &["sandbox", "new", "ci", "--ttl", "1h", "--seed", seed]).await;
    assert_eq!(made["issuer"], world.at("/s/ci"));
    let seeded = &made["seeded"];
    assert!(seeded["users"][0]["password"].as_str().unwrap().len() > 40);
    assert_eq!(seeded["users"][1].get("password"), None, "it was given");
    assert_eq!(seeded["resources"][0]["introspectors"][0], seeded["clients"][0]["id"]);
    let (status, metadata) = get(&world, "/.well-known/oauth-authorization-server/s/ci").await;
    assert_eq!((status, &metadata["issuer"]), (200, &made["issuer"]));

    // The client is one of the sandbox, and nobody at the server around it.
    let text = |name: &str| seeded["clients"][0][name].as_str().unwrap().to_owned();
    let (id, secret) = (text("id"), text("client_secret"));
    let asked = async |path: &str| {
        let form = "grant_type=client_credentials&resource=https%3A%2F%2Fapi.test%2F";
        let request = world.http.post(world.at(path)).basic_auth(&id, Some(&secret)).body(form);
        let request = request.header("content-type", "application/x-www-form-urlencoded");
        request.send().await.unwrap().status().as_u16()
    };
    assert_eq!(asked("/s/ci/oauth/token").await, 200);
    assert_eq!(asked("/oauth/token").await, 401);

    // Other commands look where they are told to.
    let users = document(&world.home, &["user", "list", "--sandbox", "ci"]).await;
    assert_eq!(users.as_array().unwrap().len(), 2);
    assert!(document(&world.home, &["user", "list"]).await.as_array().unwrap().is_empty());
    let mut command = world.home.command(&["client", "list", "--json"]);
    let there = crate::support::ended(command.env("BURSAR_SERVER_SANDBOX", "ci")).await;
    assert!(there.stdout.contains(&id), "{there}");
    let nowhere = world.home.run(&["key", "list", "--sandbox", "none"]).await;
    assert!(nowhere.code == 1 && nowhere.stderr.contains("bursar sandbox list"), "{nowhere}");

    // Sown again, everything is there.
    let again = document(&world.home, &["sandbox", "seed", "ci", seed]).await;
    assert_eq!(again["existing"].as_array().unwrap().len(), 4);
    let refused = world.home.run(&["sandbox", "delete", "ci"]).await;
    assert!(refused.code == 2 && refused.stderr.contains("--yes"), "{refused}");
    done(&world.home, &["sandbox", "reset", "ci", "--yes"]).await;
    assert!(document(&world.home, &["user", "list", "--sandbox", "ci"]).await.as_array().unwrap().is_empty());
    done(&world.home, &["sandbox", "delete", "ci", "--yes"]).await;
    assert!(document(&world.home, &["sandbox", "list"]).await.as_array().unwrap().is_empty());
    // Another process has ended it.
    while get(&world, "/.well-known/oauth-authorization-server/s/ci").await.0 != 404 {}
}

#[tokio::test(flavor = "multi_thread")]
async fn a_configuration_that_is_newer_than_what_the_server_said_counts() {
    let world = World::start().await;
    let issuer = async || document(&world.home, &["sandbox", "show", "ci"]).await["issuer"].clone();
    document(&world.home, &["sandbox", "new", "ci"]).await;
    assert_eq!(issuer().await, world.at("/s/ci"));
    world.home.write_config("[server]\npublic_url = \"https://auth.example.com\"\n");
    assert_eq!(issuer().await, "https://auth.example.com/s/ci");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_makes_no_sense_is_told_before_anything_is_made() {
    let world = World::start().await;
    let file = world.home.beside("seed.json");
    let path = file.to_str().unwrap();
    let good = json!({ "metadata": {
        "client_name": "api", "grant_types": ["client_credentials"],
        "token_endpoint_auth_method": "client_secret_basic",
    } });
    for (seed, told) in [
        (json!({ "users": [{ "username": "ada", "password": "correct horse" }] }), "password_file"),
        (json!({ "clients": [good, { "metadata": {} }] }), "client 2 of the seed"),
        (json!({ "clients": [good, { "metadata": { "client_name": "Notes" } }] }), "client `Notes`: "),
        (json!({ "clients": [{ "metadata": { "client_name": "Notes" }, "rotate": 1 }] }), "client `Notes`: "),
        (json!({ "clients": [good, { "rotates": true }] }), "client 2 of the seed: "),
        (json!({ "users": [{ "username": "grace", "name": "Grace" }] }), "user `grace`: "),
        (json!({ "clients": [{ "metadata": { "client_name": "Notes" } }] }), "redirect_uris"),
        (
            json!({ "resources": [{ "url": "https://a.test", "said": { "format": "x" } }] }),
            "`https://a.test`",
        ),
        (json!({ "tenants": [] }), "tenants"),
        (json!({ "users": [{ "username": "ada", "password_file": "nowhere" }] }), "nowhere"),
    ] {
        std::fs::write(&file, seed.to_string()).unwrap();
        let refused = world.home.run(&["sandbox", "new", "one", "--seed", path]).await;
        assert!(refused.code != 0 && refused.stderr.contains(told), "{seed}: {refused}");
        assert!(!refused.stderr.contains("correct horse"), "{refused}");
    }
    assert!(document(&world.home, &["sandbox", "list"]).await.as_array().unwrap().is_empty());
    for arguments in [
        &["sandbox", "new", "default"][..],
        &["sandbox", "new", "No"],
        &["sandbox", "new", "one", "--ttl", "0s"],
        &["sandbox", "new", "one", "--host", "http://a"],
        // Nothing would be encrypted there.
        &["sandbox", "new", "one", "--host", "a.example.com"],
        &["sandbox", "new", "one", "--access-token", "0s"],
        &["sandbox", "show", "none"],
        &["sandbox", "reset", "none", "--yes"],
    ] {
        let refused = world.home.run(arguments).await;
        assert!([1, 2].contains(&refused.code), "{arguments:?}: {refused}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_about_sandboxes_is_there_over_http() {
    let world = World::start().await;
    let token = world.token("bursar:sandboxes").await;
    let send = async |method, path: &str, body| world.send(method, path, &token, body).await;
    let wish = json!({ "name": "ci", "lifetime": "1h", "users": 5, "access_token_seconds": 30 });
    let (status, made) = send(Method::POST, "/v1/sandboxes", Some(wish.clone())).await;
    assert_eq!((status, &made["issuer"]), (201, &json!(world.at("/s/ci"))), "{made}");
    assert_eq!(send(Method::POST, "/v1/sandboxes", Some(wish)).await.0, 409);
    for wrong in [
        json!({ "name": "Ci" }),
        json!({ "name": "a", "host": "a.example.com" }),
        json!({ "name": "a", "host": "localhost" }),
        json!({ "name": "a", "lifetime": "soon" }),
        json!({ "name": "a", "access_token_seconds": 0 }),
        json!({ "name": "a", "tenant": true }),
    ] {
        assert_eq!(send(Method::POST, "/v1/sandboxes", Some(wrong.clone())).await.0, 400, "{wrong}");
    }
    let (_, page) = send(Method::GET, "/v1/sandboxes", None).await;
    assert_eq!((&page["items"][0]["name"], &page["next"]), (&json!("ci"), &Value::Null));
    let planted = json!({ "users": [{ "username": "ada", "password": "correct horse battery" }] });
    let (status, people) = send(Method::POST, "/v1/sandboxes/ci/seed", Some(planted)).await;
    assert_eq!((status, &people["users"][0]["username"]), (200, &json!("ada")));
    assert_eq!(send(Method::POST, "/v1/sandboxes/ci/reset", None).await.0, 200);
    assert_eq!(send(Method::GET, "/v1/sandboxes/ci", None).await.1["users"], 5);
    assert_eq!(send(Method::DELETE, "/v1/sandboxes/ci", None).await.0, 204);
    assert_eq!(send(Method::DELETE, "/v1/sandboxes/ci", None).await.0, 404);
    assert_eq!(get(&world, "/s/ci/oauth/jwks").await.0, 404);
    // The right to it is none to anything else, and nobody has it by another.
    assert_eq!(send(Method::GET, "/v1/clients", None).await.0, 403);
    let admin = world.token("bursar:admin").await;
    assert_eq!(world.send(Method::GET, "/v1/sandboxes", &admin, None).await.0, 403);
    assert_eq!(get(&world, "/v1/sandboxes").await.0, 401);
}

//! What configuration and environment say, on a server in a process of its own.

use serde_json::Value;

use super::world::{Server, client, get};
use crate::support::{Ended, Home, Running, ended, filters, write_private};

#[tokio::test(flavor = "multi_thread")]
async fn pages_wear_the_brand_of_whoever_runs_the_server() {
    let home = Home::new();
    home.write_config("[brand]\nname = \"Acme Notes\"\nlogo = \"logo.svg\"\ncolour = \"#b00020\"\n");
    let picture = "<svg xmlns=\"http://www.w3.org/2000/svg\"/>";
    std::fs::write(home.path().join("logo.svg"), picture).unwrap();
    let server = Server::on_loopback(&home).await;
    server.ready().await;
    let (status, page) = get(&format!("{}/oauth/device", server.urls[0])).await;
    assert_eq!(status, 200, "{page}");
    for brand in ["Acme Notes", "\"data:image/svg+xml;base64,PHN2ZyB4bWxu", "--accent:#b00020"] {
        assert!(page.contains(brand), "{brand}: {page}");
    }
    server.stopped().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn lifetimes_come_from_the_environment_of_other_servers_and_from_ours() {
    let home = Home::new();
    let arguments = ["client", "add", "--name", "Robot", "--confidential", "--grant", "client-credentials"];
    let added = home.run(&[&arguments[..], &["--json"]].concat()).await;
    let added: Value = serde_json::from_str(&added.stdout).unwrap();
    let (id, secret) = (added["id"].as_str().unwrap(), added["client_secret"].as_str().unwrap());
    home.write_config("[lifetimes]\naccess_token = \"5m\"\n");
    for (variables, expected) in [
        (&[][..], 300),
        (&[("OAUTH_ACCESS_TOKEN_TTL", "120")], 120),
        (&[("OAUTH_ACCESS_TOKEN_TTL", "120"), ("BURSAR_LIFETIMES_ACCESS_TOKEN", "1m")], 60),
    ] {
        let mut command = home.command(&["serve", "--listen", "127.0.0.1:0"]);
        command.envs(variables.iter().copied());
        let server = Server::of(Running::of(&mut command)).await;
        server.ready().await;
        let request = client().post(format!("{}/oauth/token", server.urls[0]));
        let request = request.header("content-type", "application/x-www-form-urlencoded");
        let request = request.basic_auth(id, Some(secret)).body("grant_type=client_credentials");
        let answer = request.send().await.unwrap().text().await.unwrap();
        let answer: Value = serde_json::from_str(&answer).unwrap();
        // Whole seconds are told of what is left, and one may have begun.
        let left = answer["expires_in"].as_i64().unwrap();
        assert!((expected - 5..=expected).contains(&left), "{variables:?}: {answer}");
        server.stopped().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn another_programs_variable_stops_a_server_and_nothing_else() {
    let home = Home::new();
    let with = |arguments: &[&str]| {
        let mut command = home.command(arguments);
        command.env("OAUTH_AUTH_CODE_TTL", "3600");
        command
    };
    insta::assert_snapshot!(ended(&mut with(&["serve"])).await, @"
    exit 2
    --- stdout
    --- stderr
    error: environment variable OAUTH_AUTH_CODE_TTL: `lifetimes.authorization_code` must be a duration from `10s` to `10m`
    hint: all keys and their forms: bursar config reference
    ");
    assert!(!home.path().join("bursar.db").exists(), "nothing was begun");
    assert_eq!(ended(&mut with(&["config", "check"])).await.code, 2);
    assert_eq!(ended(&mut with(&["config", "show"])).await.code, 0);
    assert_eq!(ended(&mut with(&["list"])).await.code, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_used_stops_the_start() {
    let _filters = filters();
    let home = Home::new();
    let serve = async |config: &str| -> Ended {
        home.write_config(config);
        home.run(&["serve", "--listen", "127.0.0.1:0"]).await
    };
    write_private(&home.beside("short"), "hunter2");
    insta::assert_snapshot!(
        serve("[sessions]\nalgorithm = \"HS256\"\nsecret_file = \"../short\"\n").await, @"
    exit 2
    --- stdout
    --- stderr
    error: session tokens cannot be signed
      because: a secret for HS256 needs at least 32 bytes
    hint: make a secret with: openssl rand -base64 48
    ");
    insta::assert_snapshot!(
        serve("[sessions]\nalgorithm = \"HS256\"\nsecret_command = [\"false\"]\n").await, @"
    exit 2
    --- stdout
    --- stderr
    error: the secret that signs session tokens cannot be read
      because: false gave no secret (exit status: 1)
    hint: run false by hand to see what it says
    ");
    insta::assert_snapshot!(serve("[brand]\nlogo = \"../short\"\n").await, @"
    exit 2
    --- stdout
    --- stderr
    error: [FOLDER]/home/../short cannot be the logo
      because: it is no PNG, JPEG, WebP or SVG picture
    hint: name a small PNG, JPEG, WebP or SVG file in `brand.logo`
    ");
    assert_eq!(home.run(&["config", "check"]).await.code, 2, "the picture is looked at");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_closed_server_announces_no_registration() {
    let home = Home::new();
    home.write_config("[registration]\nopen = false\nmetadata_documents = false\n");
    let server = Server::on_loopback(&home).await;
    server.ready().await;
    let (status, metadata) = get(&format!("{}/.well-known/oauth-authorization-server", server.urls[0])).await;
    assert_eq!(status, 200);
    assert!(metadata.contains("token_endpoint") && !metadata.contains("registration_endpoint"), "{metadata}");
    let answer = client().post(format!("{}/oauth/register", server.urls[0]));
    let answer = answer.header("content-type", "application/json").body("{}").send().await.unwrap();
    assert_eq!(answer.status(), 403);
    server.stopped().await;
}

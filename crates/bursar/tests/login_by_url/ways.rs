//! Logins that need nothing but a URL.

use misbehaving_provider::Endpoint;
use serde_json::json;

use super::resource::Scene;
use crate::support::write_private;

#[tokio::test(flavor = "multi_thread")]
async fn the_url_is_enough_to_register_log_in_and_stay_in() {
    let scene = Scene::set().await;
    let login = scene.log_in(&[]).await.succeeded();
    assert!(login.stderr.contains("next: `bursar token"), "{login}");

    let token = scene.token().await;
    assert!(scene.provider.is_live(token["access_token"].as_str().unwrap()));
    assert_eq!(token["scope"], "read offline_access");
    let header = scene.home.run(&["token", token["ref"].as_str().unwrap(), "--header"]).await.succeeded();
    assert_eq!(
        header.stdout.trim(),
        format!("Authorization: Bearer {}", token["access_token"].as_str().unwrap())
    );

    // A refresh by another process, later: it lives by what was stored, and still says what the token is for.
    scene.home.run(&["refresh", "--all"]).await.succeeded();
    assert!(scene.provider.is_live(scene.token().await["access_token"].as_str().unwrap()));
    let calls = scene.provider.calls();
    for endpoint in [Endpoint::Authorize, Endpoint::Token] {
        let mut asked = calls.iter().filter(|call| call.endpoint == endpoint);
        assert!(asked.clone().next().is_some());
        assert!(asked.all(|call| call.parameters.get("resource") == Some(&scene.url)), "{calls:#?}");
    }
    assert_eq!(scene.provider.calls_to(Endpoint::Register), 1);
    assert_eq!(scene.provider.refresh_successes(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_url_alone_hands_out_what_it_was_logged_in_for() {
    let scene = Scene::set().await;
    let nobody = scene.home.run(&["token", &scene.url]).await;
    assert_eq!(nobody.code, 3, "{nobody}");
    assert!(nobody.stderr.contains(&format!("`bursar login {}`", scene.url)), "{nobody}");

    scene.log_in(&["--as", "first"]).await.succeeded();
    let token = scene.token().await["access_token"].as_str().unwrap().to_owned();
    let handed = scene.home.run(&["token", &scene.url, "--header"]).await.succeeded();
    assert_eq!(handed.stdout, format!("Authorization: Bearer {token}\n"));
    // The form of a URL does not count, its place does.
    let shouted = scene.url.replacen("http", "HTTP", 1);
    assert_eq!(scene.home.run(&["token", &shouted]).await.succeeded().stdout.trim(), token);
    for elsewhere in [format!("{}/", scene.url), scene.url.replace("/mcp", "/"), scene.provider.issuer()] {
        assert_eq!(scene.home.run(&["token", &elsewhere]).await.code, 3, "{elsewhere}");
    }
    let hidden = scene.home.run(&["token", "https://user:hunter2@mcp.example.com/mcp"]).await;
    assert!(hidden.code == 3 && !hidden.stderr.contains("hunter2"), "{hidden}");

    // Among several, whoever runs it chooses.
    scene.log_in(&["--as", "second"]).await.succeeded();
    let both = scene.home.run(&["token", &scene.url]).await;
    assert_eq!(both.code, 2, "{both}");
    assert!(both.stderr.contains(":first") && both.stderr.contains(":second"), "{both}");
    let accounts = scene.accounts().await;
    scene.home.run(&["use", accounts[1]["ref"].as_str().unwrap()]).await.succeeded();
    let chosen = scene.home.run(&["token", &scene.url, "--json"]).await.succeeded();
    assert!(chosen.stdout.contains(accounts[1]["ref"].as_str().unwrap()), "{chosen}");
}

#[tokio::test(flavor = "multi_thread")]
async fn metadata_is_found_wherever_it_may_be() {
    let scene = Scene::set().await;
    // Without a word in the challenge; then at the root of the host; then by speaking to the server.
    scene.says(|words| words.challenge = None);
    scene.log_in(&[]).await.succeeded();
    scene.says(|words| words.root = words.inserted.take());
    scene.log_in(&[]).await.succeeded();
    scene.says(|words| words.is_silent_to_looks = true);
    scene.log_in(&[]).await.succeeded();
    assert_eq!(scene.accounts().await.as_array().map(Vec::len), Some(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_challenge_says_which_scopes_to_ask_for() {
    let scene = Scene::set().await;
    scene.says(|words| words.challenge.as_mut().unwrap().push_str(", scope=\"write\""));
    scene.log_in(&[]).await.succeeded();
    assert_eq!(scene.token().await["scope"], "write offline_access");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_is_registered_once_and_again_when_the_server_has_lost_it() {
    let scene = Scene::set().await;
    scene.log_in(&[]).await.succeeded();
    scene.log_in(&["--as", "second"]).await.succeeded();
    assert_eq!(scene.provider.calls_to(Endpoint::Register), 1);

    scene.provider.change(|behaviour| behaviour.clients.clear());
    scene.log_in(&["--as", "third"]).await.succeeded();
    assert_eq!(scene.provider.calls_to(Endpoint::Register), 2);
    assert_eq!(scene.accounts().await.as_array().map(Vec::len), Some(3));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_issuer_by_its_url_registers_a_client_too() {
    let scene = Scene::set().await;
    let mut login = scene.home.start(&["login", &scene.provider.issuer(), "--no-browser"]);
    let address = login.address().await;
    login.until(crate::support::visit(&address)).await;
    login.ended().await.succeeded();
    assert_eq!(scene.provider.calls_to(Endpoint::Register), 1);
    let accounts = scene.accounts().await;
    assert_eq!(accounts[0]["identity"], "ada@example.com");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_says_when_the_server_binds_its_tokens_to_no_key() {
    let scene = Scene::set().await;
    let login = scene.log_in(&["--dpop"]).await.succeeded();
    assert!(login.stderr.contains("does not bind tokens to a key"), "{login}");
    let handed = scene.home.run(&["token", &scene.url, "--dpop", "GET", &scene.url]).await.succeeded();
    assert!(handed.stdout.starts_with("Authorization: Bearer "), "{handed}");
    assert!(!handed.stdout.contains("DPoP"), "no key, no proof: {handed}");
    let login = scene.log_in(&[]).await.succeeded();
    assert!(!login.stderr.contains("bind"), "nobody has wished for it: {login}");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_of_two_authorization_servers_is_chosen_by_name() {
    let scene = Scene::set().await;
    let issuer = scene.provider.issuer();
    scene.describes_itself("authorization_servers", &json!(["https://other.example", issuer]));
    scene.log_in(&["--issuer", &issuer]).await.succeeded();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_resource_misses_is_asked_for_besides_what_there_is_and_not_twice() {
    let scene = Scene::set().await;
    scene.log_in(&[]).await.succeeded();
    let challenge = scene.home.beside("challenge");
    write_private(&challenge, "WWW-Authenticate: Bearer error=\"insufficient_scope\", scope=\"write\"\n");
    let line = ["--challenge-file", challenge.to_str().unwrap()];
    scene.log_in(&line).await.succeeded();
    assert_eq!(scene.token().await["scope"], "read offline_access write");

    // The resource is still not content: that would go on for ever.
    let again = scene.refused(&line).await;
    assert_eq!(again.code, 8, "{again}");
    assert!(again.stderr.contains("already has write"), "{again}");
    assert_eq!(scene.token().await["scope"], "read offline_access write");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_issuer_withholds_from_a_resource_ends_the_login_with_a_word_on_it() {
    let scene = Scene::set().await;
    scene.log_in(&[]).await.succeeded();
    let challenge = scene.home.beside("challenge");
    write_private(&challenge, "WWW-Authenticate: Bearer error=\"insufficient_scope\", scope=\"write\"\n");
    scene.provider.change(|behaviour| behaviour.authorize.granted_scope = Some("read".to_owned()));
    let ended = scene.log_in(&["--challenge-file", challenge.to_str().unwrap()]).await;
    assert_eq!(ended.code, 8, "{ended}");
    assert!(ended.stderr.contains("does not grant write"), "{ended}");
    // What there is stays.
    assert_eq!(scene.token().await["scope"], "read");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_name_of_the_account_logs_in_again_to_the_same_resource() {
    let scene = Scene::set().await;
    scene.log_in(&["--as", "work"]).await.succeeded();
    let accounts = scene.accounts().await;
    let provider = accounts[0]["provider"].as_str().unwrap();
    let mut login = scene.home.start(&["login", provider, "--as", "work", "--no-browser"]);
    let address = login.address().await;
    login.until(crate::support::visit(&address)).await;
    login.ended().await.succeeded();
    assert_eq!(scene.accounts().await.as_array().map(Vec::len), Some(1));
    let calls = scene.provider.calls();
    let last = calls.iter().rfind(|call| call.endpoint == Endpoint::Authorize).unwrap();
    assert_eq!(last.parameters.get("resource"), Some(&scene.url));
}

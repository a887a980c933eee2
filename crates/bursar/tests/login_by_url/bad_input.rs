//! Servers that cannot be believed, and servers that are never content: each login ends with one clear message, and before
//! anybody has consented to anything.

use misbehaving_provider::{Behaviour, Consent, Endpoint, Fault, MisbehavingProvider, Times};
use serde_json::json;

use super::resource::Scene;
use crate::support::{Ended, FILTERS};

/// The failure alone, without what differs from run to run.
fn failure(ended: &Ended) -> String {
    let start = ended.stderr.find("error:").unwrap_or_else(|| panic!("no error in {ended}"));
    format!("exit {}\n{}", ended.code, &ended.stderr[start..])
}

fn filters() -> impl Drop {
    let mut settings = insta::Settings::clone_current();
    for (differs, name) in FILTERS {
        settings.add_filter(differs, name);
    }
    settings.add_filter(r"127\.0\.0\.1-\d+-mcp-[0-9a-f]{8}", "[PROVIDER]");
    settings.bind_to_scope()
}

impl Scene {
    /// What is said of a login that must not happen, after looking that it has not.
    async fn failure(&self, further: &[&str]) -> String {
        let ended = self.refused(further).await;
        assert_eq!(self.accounts().await, json!([]), "{ended}");
        assert_eq!(self.provider.calls_to(Endpoint::Token), 0, "{ended}");
        failure(&ended)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_resource_without_metadata_is_refused() {
    let scene = Scene::set().await;
    let _filters = filters();
    scene.says(|words| {
        words.inserted = None;
        words.challenge = Some("Bearer".to_owned());
    });
    insta::assert_snapshot!(scene.failure(&[]).await, @"
    exit 2
    error: http://127.0.0.1:[PORT]/mcp wants a token (HTTP 401), and neither it nor its host says from whom
    hint: ask its operator who issues its tokens, then add
          `--issuer https://ISSUER`; if its host does, at `/authorize` and
          `/token`, and has PKCE, add `--assume-pkce`
    ");
    scene.says(|words| words.inserted = Some(json!({ "authorization_servers": [] })));
    insta::assert_snapshot!(scene.failure(&[]).await, @"
    exit 8
    error: the answer is not resource metadata
    hint: this server cannot be used safely; ask its operator to fix its
          metadata
    ");
    scene.says(|words| words.inserted = Some(json!({ "resource": scene.url })));
    insta::assert_snapshot!(scene.failure(&[]).await, @"
    exit 2
    error: http://127.0.0.1:[PORT]/mcp wants a token (HTTP 401), but does not say from whom
    hint: ask its operator who issues its tokens, then add
          `--issuer https://ISSUER`
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_authorization_servers_are_nobody_s_choice_but_the_person_s() {
    let scene = Scene::set().await;
    let _filters = filters();
    scene.describes_itself(
        "authorization_servers",
        &json!([scene.provider.issuer(), "https://other.example"]),
    );
    insta::assert_snapshot!(scene.failure(&[]).await, @"
    exit 2
    error: http://127.0.0.1:[PORT]/mcp takes tokens of several authorization servers: http://127.0.0.1:[PORT], https://other.example
    hint: choose one with `--issuer https://ISSUER`
    ");
    insta::assert_snapshot!(scene.failure(&["--issuer", "https://third.example"]).await, @"
    exit 8
    error: http://127.0.0.1:[PORT]/mcp does not take tokens of https://third.example, but of http://127.0.0.1:[PORT], https://other.example
    hint: leave `--issuer` out, or name `--issuer http://127.0.0.1:[PORT]`
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn metadata_of_another_resource_is_refused() {
    let scene = Scene::set().await;
    let _filters = filters();
    scene.describes_itself("resource", &json!("https://evil.example/mcp"));
    insta::assert_snapshot!(scene.failure(&[]).await, @"
    exit 8
    error: the resource metadata is for `https://evil.example/mcp`, but `http://127.0.0.1:[PORT]/mcp` was asked
    hint: this server cannot be used safely; ask its operator to fix its
          metadata
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_issuer_that_is_somebody_else_is_refused() {
    let scene = Scene::set().await;
    let _filters = filters();
    scene.provider.change(|behaviour| behaviour.metadata.issuer_mismatch = true);
    insta::assert_snapshot!(scene.failure(&[]).await, @"
    exit 8
    error: the server metadata is for `https://somebody-else.example`, but `http://127.0.0.1:[PORT]` was asked
    hint: this server cannot be used safely; ask its operator to fix its
          metadata
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_registers_nobody_is_told_as_it_is() {
    let scene = Scene::set().await;
    let _filters = filters();
    // It says that it does, and does not.
    scene.provider.inject(
        Endpoint::Register,
        Fault::OauthError {
            status: 403,
            code: "access_denied".to_owned(),
            description: Some("no strangers".to_owned()),
        },
        Times::Once,
    );
    insta::assert_snapshot!(scene.failure(&[]).await, @"
    exit 8
    error: http://127.0.0.1:[PORT] did not register a client
      because: it answered access_denied: no strangers
    hint: register a client by hand, then run
          `bursar login http://127.0.0.1:[PORT]/mcp --client-id ID`
    ");
    scene.provider.change(|behaviour| behaviour.registration = false);
    insta::assert_snapshot!(scene.failure(&[]).await, @r#"
    exit 2
    error: there is no client id for [PROVIDER]
    hint: register a native app at [PROVIDER] (redirect URI
          http://127.0.0.1/callback, any port), then run
          `bursar login http://127.0.0.1:[PORT]/mcp --client-id ID`, or set
          `client_id` under [providers."[PROVIDER]"]
    "#);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_without_pkce_is_refused() {
    let scene = Scene::set().await;
    let _filters = filters();
    scene.provider.change(|behaviour| behaviour.metadata.without_pkce_methods = true);
    insta::assert_snapshot!(scene.failure(&[]).await, @"
    exit 8
    error: the server does not announce PKCE with S256
    hint: ask its operator to announce `code_challenge_methods_supported`; if
          you know that it has PKCE, add `--assume-pkce`
    ");
    scene.log_in(&["--assume-pkce"]).await.succeeded();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_without_the_issuer_that_was_announced_is_refused() {
    let scene = Scene::set().await;
    let _filters = filters();
    scene.provider.change(|behaviour| behaviour.authorize.consent = Consent::OmitIss);
    let ended = scene.log_in(&[]).await;
    assert_eq!(scene.accounts().await, json!([]));
    assert_eq!(scene.provider.calls_to(Endpoint::Token), 0);
    insta::assert_snapshot!(failure(&ended), @"
    exit 4
    error: the answer does not name its issuer, although the provider promises that
    hint: start the login again; nothing was stored
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_resource_that_refuses_every_token_is_not_asked_for_ever() {
    let scene = Scene::set().await;
    let _filters = filters();
    scene.says(|words| words.is_never_content = true);
    let ended = scene.log_in(&[]).await;
    insta::assert_snapshot!(failure(&ended), @"
    exit 8
    error: http://127.0.0.1:[PORT]/mcp refuses the token that http://127.0.0.1:[PORT] issued for it
    hint: logging in again changes nothing; tell the operator of the resource
    ");
    // One look, one login, one check: nothing goes round.
    assert_eq!(scene.provider.calls_to(Endpoint::Authorize), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_resource_leads_nobody_inside() {
    let scene = Scene::set().await;
    for inside in
        ["https://169.254.169.254", "https://10.0.0.1", "https://192.168.0.1/realm", "https://[fd00::1]"]
    {
        scene.describes_itself("authorization_servers", &json!([inside]));
        let ended = scene.refused(&[]).await;
        assert_eq!(scene.accounts().await, json!([]), "{ended}");
        assert!(ended.stderr.contains("the address is not allowed"), "{ended}");
    }
    // What the challenge points at is passed by; the usual place is asked.
    let issuer = scene.provider.issuer();
    scene.describes_itself("authorization_servers", &json!([issuer]));
    scene.says(|words| {
        words.challenge =
            Some("Bearer resource_metadata=\"https://169.254.169.254/latest/meta-data\"".to_owned());
    });
    scene.log_in(&[]).await.succeeded();
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_follows_a_resource_anywhere() {
    let scene = Scene::set().await;
    // The server it sends to would be believed.
    let trap = MisbehavingProvider::start(Behaviour::default()).await;
    let place = format!("{}/.well-known/oauth-authorization-server", trap.issuer());
    scene.says(|words| words.sends_away = Some(place));
    let ended = scene.refused(&[]).await;
    assert_eq!(ended.code, 2, "{ended}");
    assert_eq!(scene.accounts().await, json!([]));
    assert!(trap.calls().is_empty(), "{:#?}", trap.calls());
}

#[tokio::test(flavor = "multi_thread")]
async fn credentials_of_one_issuer_never_reach_another() {
    let scene = Scene::set().await;
    scene.log_in(&[]).await.succeeded();
    let first = scene.provider.behaviour().clients.last().unwrap().id.clone();
    let other = MisbehavingProvider::start(Behaviour::default()).await;
    scene.describes_itself("authorization_servers", &json!([other.issuer()]));
    // The resource takes none of the other's tokens, which is not what this is about.
    let ended = scene.log_in(&[]).await;
    assert_eq!(ended.code, 8, "{ended}");
    assert_eq!(other.calls_to(Endpoint::Register), 1);
    for call in other.calls() {
        assert_ne!(call.parameters.get("client_id"), Some(&first), "{call:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_url_that_no_token_may_be_asked_from_is_refused() {
    let scene = Scene::set().await;
    for url in
        ["http://mcp.example.com/mcp", "https://user:hunter2@mcp.example.com/mcp", "ftp://mcp.example.com"]
    {
        let ended = scene.home.run(&["login", url]).await;
        assert_eq!(ended.code, 2, "{ended}");
        assert!(!ended.stderr.contains("hunter2"), "{ended}");
    }
}

//! What a configuration file says, as clients and people notice it.

use std::sync::Arc;
use std::sync::Mutex;

use bursar::config::Config;
use bursar::config::environment::Environment;
use bursar::config::paths::Paths;
use bursar::issuing::{rules, session_signing};
use bursar::system::SystemClock;
use bursar_core::engine::issuer::AuthorizationServer;
use bursar_core::engine::issuer::rules::Rules;
use bursar_core::engine::issuer::session_tokens::SessionProof;
use bursar_core::ports::upstream::{Body, Request, Response, SendError, SendLimits, Upstream};
use bursar_core::secret::Secret;
use futures::FutureExt as _;
use futures::future::BoxFuture;
use serde_json::json;

use super::browser::{Browser, is_consent, is_sign_in};
use super::client::{Form, Tokens, basic, claims, jose_header};
use super::key::Key;
use super::ports::Backwards;
use super::world::{CALLBACK, Known, MCP, PASSWORD, Plan, World, planned};

/// The rules of a server with this file, and the secrets that it names in the environment.
fn written(text: &str, issuer: &str) -> Rules {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("config.toml"), text).unwrap();
    let environment = Environment::from_pairs([
        ("BURSAR_HOME", folder.path().to_str().unwrap()),
        ("BURSAR_SESSIONS_SECRET", if text.contains("HS256") { SECRET } else { "" }),
    ]);
    let config = Config::load(&environment, &Paths::resolve(&environment).unwrap()).unwrap();
    let config = config.issuing().unwrap();
    let mut rules = rules(config, issuer).unwrap();
    let signing = session_signing(&config.sessions, &environment, &SystemClock);
    rules.sessions.signing = signing.now_or_never().expect("nothing to wait for").unwrap();
    rules
}

const SECRET: &str = "a secret of an application, long enough";

/// Runs a test on every store with the rules that `rule` makes.
async fn ruled(rule: fn(&mut Rules), test: impl AsyncFn(World)) {
    planned(&|| Plan { rule: Some(rule), ..Plan::default() }, test).await;
}

fn rewritten(rules: &mut Rules, text: &str) {
    *rules = written(text, rules.issuer.as_str());
}

const LIFETIMES: &str = r#"
    [lifetimes]
    authorization_code = "30s"
    access_token = "2m"
    refresh_token = "10m"
    login = "25m"
    retry_window = "5s"
    id_token = "3m"
    device_code = "4m"
    browser_session = "6m"
"#;

#[tokio::test(flavor = "multi_thread")]
async fn lifetimes_are_told_to_clients_and_kept() {
    ruled(
        |rules| rewritten(rules, LIFETIMES),
        async |world: World| {
            let request = world.request().with("scope", "openid read");
            let code = Browser::of(&world, "ada").agree(&request).await.code();
            world.pass(29);
            let answer = world.token(&world.redeeming(&code)).await;
            assert_eq!(answer.json()["expires_in"], 120, "{answer:?}");
            let length = |token: &str| {
                let claims = claims(token);
                claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap()
            };
            assert_eq!(length(&answer.member("access_token")), 120);
            assert_eq!(length(&answer.member("id_token")), 180);
            world.pass(125);
            assert!(!world.is_active(&answer.member("access_token")).await);

            let late = world.code().await;
            world.pass(31);
            world.token(&world.redeeming(&late)).await.assert_refused(400, "invalid_grant");
            let form =
                Form::of(&[("client_id", &player(&world).await.id), ("scope", "read"), ("resource", MCP)]);
            let device = world.post("/oauth/device_authorization", &form, &[]).await;
            assert_eq!(device.json()["expires_in"], 240, "{device:?}");
        },
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn refresh_tokens_end_when_idle_when_replayed_late_and_with_their_login() {
    ruled(
        |rules| rewritten(rules, LIFETIMES),
        async |world: World| {
            let first = world.log_in().await;
            let second = Tokens::of(&world.refresh(&first.refresh).await);
            world.pass(4);
            assert_eq!(Tokens::of(&world.refresh(&first.refresh).await), second, "a retry");
            world.pass(2);
            world.refresh(&first.refresh).await.assert_refused(400, "invalid_grant");
            world.refresh(&second.refresh).await.assert_refused(400, "invalid_grant");

            let idle = world.log_in().await;
            world.pass(601);
            world.refresh(&idle.refresh).await.assert_refused(400, "invalid_grant");

            let mut tokens = world.log_in().await;
            for _ in 0..2 {
                world.pass(599);
                tokens = Tokens::of(&world.refresh(&tokens.refresh).await);
            }
            world.pass(305);
            world.refresh(&tokens.refresh).await.assert_refused(400, "invalid_grant");
        },
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_browser_stays_signed_in_for_as_long_as_the_file_says() {
    ruled(
        |rules| rewritten(rules, LIFETIMES),
        async |world: World| {
            let browser = Browser::of(&world, "ada");
            browser.agree(&world.request()).await.code();
            world.pass(5 * 60);
            browser.ask(&world.request()).await.code();
            world.pass(61);
            assert!(is_sign_in(&browser.ask(&world.request()).await));
        },
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_look_and_keys_change_as_the_file_says() {
    ruled(
        |rules| {
            rewritten(
                rules,
                "[tokens]\naccess_format = \"eddsa\"\nkey_age = \"2d\"\nproof_nonces = \"required\"\n",
            );
        },
        async |world: World| {
            let form = Form::of(&[("grant_type", "client_credentials")]);
            let answer = world.post("/oauth/token", &form, &[("authorization", &basic(&world.api))]).await;
            assert_eq!(jose_header(&answer.member("access_token"))["alg"], "EdDSA", "{answer:?}");

            let proof = Key::new().proof("POST", &world.named("/oauth/token"), world.now());
            let headers = [("authorization", basic(&world.api)), ("dpop", proof)];
            let headers = headers.each_ref().map(|(name, value)| (*name, value.as_str()));
            world.post("/oauth/token", &form, &headers).await.assert_refused(400, "use_dpop_nonce");

            world.server.published_keys().await.unwrap();
            world.pass(2 * DAY - 60);
            assert_eq!(world.server.rotate_keys().await.unwrap(), 0);
            world.pass(60);
            assert_eq!(world.server.rotate_keys().await.unwrap(), 3);
        },
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_closed_to_strangers_says_so_and_is() {
    ruled(
        |rules| rewritten(rules, "[registration]\nopen = false\nmetadata_documents = false\n"),
        async |world: World| {
            for path in ["/.well-known/oauth-authorization-server", "/.well-known/openid-configuration"] {
                let metadata = world.get(path).await.json();
                assert!(metadata["issuer"].is_string(), "{metadata}");
                assert!(metadata.get("registration_endpoint").is_none(), "{metadata}");
                assert_ne!(metadata["client_id_metadata_document_supported"], true);
            }
            world.register(&program("Editor"), "203.0.113.9").await.assert_refused(403, "access_denied");
            let document = Known { id: "https://app.test/client.json".to_owned(), secret: None };
            Browser::of(&world, "ada").ask(&world.request_of(&document)).await.assert_page();
            world.log_in().await;
        },
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_network_registers_no_more_than_the_file_says() {
    ruled(
        |rules| rewritten(rules, "[registration]\ndifferent_an_hour = 2\nstored_an_hour = 1\n"),
        async |world: World| {
            let talkative = |name: &str| {
                let addresses: Vec<String> = (0..10)
                    .map(|number| format!("https://app{number}.test/callback/{}", "x".repeat(100)))
                    .collect();
                json!({ "redirect_uris": addresses, "client_name": name, "token_endpoint_auth_method": "none" })
            };
            let mut statuses = Vec::new();
            for (document, address) in [
                (talkative("One"), "203.0.113.1"),
                (talkative("Two"), "203.0.113.1"),
                (talkative("Two"), "198.51.100.1"),
                (program("Three"), "198.51.100.1"),
                (program("Four"), "198.51.100.1"),
                (program("Three"), "198.51.100.2"),
            ] {
                statuses.push(world.register(&document, address).await.status);
            }
            assert_eq!(statuses, [201, 429, 201, 201, 429, 201]);
        },
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_that_brought_themselves_are_forgotten_when_the_file_says() {
    ruled(
        |rules| {
            rewritten(rules, "[lifetimes]\nlogin = \"2d\"\n[registration]\nunused_client = \"3d\"\n");
        },
        async |world: World| {
            let id = world.register(&program("Editor"), "203.0.113.9").await.member("client_id");
            let client = Known { id, secret: None };
            Browser::of(&world, "ada").agree(&world.request_of(&client)).await.code();
            let is_known = async || world.server.client(&client.id).await.unwrap().is_some();
            assert!(is_known().await, "somebody has agreed to it");
            world.pass(3 * DAY);
            world.server.tidy_up().await.unwrap();
            assert!(is_known().await);
            world.pass(DAY + 60);
            world.server.tidy_up().await.unwrap();
            assert!(!is_known().await);
        },
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn documents_of_strangers_come_through_the_guarded_proxy() {
    let guarded = Guarded::default();
    let plan = || Plan {
        issuer: Some("https://as.test"),
        upstream: Some(Arc::new(guarded.clone())),
        rule: Some(|rules| {
            rewritten(rules, "[registration]\nguarded_proxy = \"http://guard.test:4750\"\n");
        }),
        ..Plan::default()
    };
    planned(&plan, async |world: World| {
        let client = Known { id: CLIENT_ADDRESS.to_owned(), secret: None };
        let page = Browser::of(&world, "ada").ask_signed_in(&world.request_of(&client)).await;
        assert!(is_consent(&page), "{page:?}");
        let calls = std::mem::take(&mut *guarded.0.lock().unwrap());
        assert_eq!(calls, [Some("http://guard.test:4750".to_owned())]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_users_the_file_names_sign_in() {
    ruled(
        |rules| rewritten(rules, "[sign_in]\nallowed_users = [\"ada\", \"@elsewhere.test\"]\n"),
        async |world: World| {
            world.add_user("eve").await;
            world.log_in().await;
            let browser = Browser::of(&world, "eve");
            let page = browser.ask(&world.request()).await;
            let refused = browser.post_sign_in(&page, PASSWORD).await;
            assert!(refused.text.contains("action=\"/login\""), "{refused:?}");
            assert!(refused.status == 400 && refused.header("set-cookie").is_empty(), "{refused:?}");
        },
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn devices_get_a_complete_address_where_the_file_says_so() {
    ruled(
        |rules| rewritten(rules, "[sign_in]\ncomplete_verification_uri = true\n"),
        async |world: World| {
            let form =
                Form::of(&[("client_id", &player(&world).await.id), ("scope", "read"), ("resource", MCP)]);
            let device = world.post("/oauth/device_authorization", &form, &[]).await;
            let address = device.member("verification_uri_complete");
            assert!(address.contains(&device.member("user_code")), "{address}");
        },
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn session_tokens_are_what_the_application_expects() {
    ruled(
        |_| {},
        async |world: World| {
            let text = format!(
                "[sessions]\naudience = \"app\"\nlifetime = \"1h\"\nalgorithm = \"HS256\"\nclients = [{:?}]\n\
             claims = {{ userId = \"uid\", sessionId = \"session\" }}\n",
                world.client.id
            );
            let rules = written(&text, &world.issuer);
            let server = AuthorizationServer::new(world.server.engine().clone(), rules, Arc::new(Backwards));
            let tokens = world.log_in().await;
            let proof = Secret::new(tokens.refresh.as_str());
            let answer = server.session_token(SessionProof::RefreshToken(&proof)).await.unwrap();
            assert_eq!(answer.expires_in, 3600);
            let token = answer.access_token.expose();
            assert_eq!(jose_header(token)["alg"], "HS256");
            let claims = claims(token);
            assert_eq!(
                (claims["aud"].as_str(), claims["uid"].as_str()),
                (Some("app"), Some(&*world.user.id))
            );
            assert!(claims["session"].is_string() && claims.get("userId").is_none(), "{claims}");
            assert!(server.valid_session(&answer.access_token).await.is_ok());
            // To a server that was not told of this client its users have agreed to less.
            let other = world.server.session_token(SessionProof::RefreshToken(&proof)).await;
            assert!(other.is_err(), "{other:?}");
        },
    )
    .await;
}

fn program(name: &str) -> serde_json::Value {
    json!({
        "redirect_uris": [CALLBACK], "client_name": name, "token_endpoint_auth_method": "none",
        "grant_types": ["authorization_code", "refresh_token"],
    })
}

async fn player(world: &World) -> Known {
    let grants = ["urn:ietf:params:oauth:grant-type:device_code"];
    world.add_client(json!({ "grant_types": grants, "client_name": "Player" })).await
}

const CLIENT_ADDRESS: &str = "https://app.test/oauth/client.json";

/// Somebody else's server, which notes through which proxy it was called.
#[derive(Clone, Debug, Default)]
struct Guarded(Arc<Mutex<Vec<Option<String>>>>);

impl Upstream for Guarded {
    fn send(&self, _request: Request, limits: SendLimits) -> BoxFuture<'_, Result<Response, SendError>> {
        self.0.lock().unwrap().push(limits.proxy);
        let document = json!({
            "client_id": CLIENT_ADDRESS, "client_name": "App", "token_endpoint_auth_method": "none",
            "redirect_uris": ["http://127.0.0.1/callback"],
            "grant_types": ["authorization_code", "refresh_token"],
        });
        let response = http::Response::builder().header("content-type", "application/json");
        let response = response.body(Body::new(document.to_string())).unwrap();
        Box::pin(async move { Ok(response) })
    }
}

const DAY: u64 = 24 * 60 * 60;

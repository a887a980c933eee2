//! Resources that take only tokens that are bound to a key (RFC 9449), at the real program as authorization server, which
//! wants its nonces back.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::Request;
use axum::response::{IntoResponse as _, Response};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bursar::system::SystemClock;
use bursar_core::oauth::server::dpop::{Expected, NoncePolicy, verify};
use bursar_core::ports::clock::Clock as _;
use bursar_core::secret::Secret;
use http::header::{AUTHORIZATION, CONTENT_TYPE, WWW_AUTHENTICATE};
use http::{HeaderValue, StatusCode};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use url::Url;

use super::resource::beside;
use crate::issuing_peers::person::{PASSWORD, Person, USERNAME};
use crate::support::{Home, Running, write_private};

/// What the resource wants to see in every proof.
const NONCE: &str = "resource-nonce-1";

/// The server's home, a person there, a resource, and the home of somebody who wants in.
struct Scene {
    home: Home,
    url: String,
    person: Person,
    seen: Arc<Mutex<Seen>>,
    _server: (Home, Running),
}

/// What the resource has seen.
#[derive(Default)]
struct Seen {
    proofs: BTreeSet<String>,
    keys: BTreeSet<String>,
    tokens: BTreeSet<String>,
    /// How many did not know what it wants to see.
    unaware: usize,
}

impl Scene {
    async fn set() -> Self {
        let house = Home::new();
        house.write_config("[tokens]\nproof_nonces = \"required\"\n");
        let password = house.beside("password");
        write_private(&password, PASSWORD);
        let password = password.display().to_string();
        house.run(&["user", "add", USERNAME, "--password-file", &password]).await.succeeded();
        let mut server = house.start(&["serve", "--listen", "127.0.0.1:0"]);
        let issuer = server.says(|line| line.strip_prefix("its issuer is ").map(str::to_owned)).await;
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let host = format!("http://{}", listener.local_addr().unwrap());
        let url = format!("{host}/mcp");
        house.run(&["resource", "add", &url, "--scope", "read=Read", "--dpop"]).await.succeeded();
        let seen = Arc::new(Mutex::new(Seen::default()));
        let document = json!({
            "resource": url, "authorization_servers": [issuer], "scopes_supported": ["read"],
            "dpop_bound_access_tokens_required": true,
        });
        let (told, address) = (Arc::clone(&seen), url.clone());
        let router = Router::new().fallback(move |request: Request| {
            let answer = answer(&document, &address, &mut told.lock().unwrap(), &request);
            async move { answer }
        });
        drop(beside(async move { axum::serve(listener, router).await.unwrap() }));
        let person = Person::new(&issuer);
        Self { home: Home::new(), url, person, seen, _server: (house, server) }
    }

    async fn log_in(&self) {
        let mut login = self.home.start(&["login", &self.url, "--no-browser"]);
        let address = login.address().await;
        login.until(self.person.visit(&address)).await;
        login.ended().await.succeeded();
    }

    /// The header fields that a command prints.
    async fn fields(&self, arguments: &[&str]) -> Vec<(String, String)> {
        let told = self.home.run(&[&["token", &self.url], arguments].concat()).await.succeeded();
        let pair = |line: &str| line.split_once(": ").map(|(name, value)| (name.into(), value.into()));
        told.stdout.lines().filter_map(pair).collect()
    }

    /// What the resource answers to a request with these fields.
    async fn status(&self, method: http::Method, fields: &[(String, String)]) -> u16 {
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        let request = http.request(method, &self.url);
        let request = fields.iter().fold(request, |request, (name, value)| request.header(name, value));
        request.send().await.unwrap().status().as_u16()
    }

    /// Shows that its token and its proofs are good, and copies of them are not.
    async fn is_let_in(&self) {
        let bare = self.fields(&["--header"]).await;
        assert!(bare[0].1.starts_with("DPoP "), "{bare:?}");
        assert_eq!(self.status(http::Method::POST, &bare).await, 401, "without a proof");
        let early = self.fields(&["--dpop", "POST", &self.url]).await;
        assert_eq!(early.len(), 2, "{early:?}");
        assert_eq!(self.status(http::Method::POST, &early).await, 401, "without the nonce");
        let fields = self.fields(&["--dpop", "post", &self.url, "--dpop-nonce", NONCE]).await;
        assert_eq!(self.status(http::Method::GET, &fields).await, 401, "another method");
        assert_eq!(self.status(http::Method::POST, &fields).await, 200);
        assert_eq!(self.status(http::Method::POST, &fields).await, 401, "a second time");
    }

    fn keys(&self) -> usize {
        self.seen.lock().unwrap().keys.len()
    }
}

fn answer(document: &Value, address: &str, seen: &mut Seen, request: &Request) -> Response {
    if request.uri().path().starts_with("/.well-known/oauth-protected-resource") {
        return ([(CONTENT_TYPE, "application/json")], document.to_string()).into_response();
    }
    let field = |name: &str| request.headers().get(name).and_then(|value| value.to_str().ok());
    let token = field(AUTHORIZATION.as_str()).and_then(|value| value.strip_prefix("DPoP "));
    let (Some(token), Some(proof)) = (token, field("dpop")) else {
        let wanted = format!("DPoP resource_metadata=\"{}\"", address.replace("/mcp", PLACE));
        return refused(&wanted);
    };
    let url = Url::parse(address).unwrap();
    let token = Secret::new(token);
    let expected = Expected {
        method: request.method().as_str(),
        url: &url,
        now: SystemClock.now(),
        nonces: NoncePolicy::Unused,
        access_token: Some(&token),
    };
    let Ok(judged) = verify(proof, &expected) else { return refused("DPoP error=\"invalid_dpop_proof\"") };
    if said(proof)["nonce"] != NONCE {
        seen.unaware += 1;
        let mut answer = refused("DPoP error=\"use_dpop_nonce\"");
        answer.headers_mut().insert("dpop-nonce", HeaderValue::from_static(NONCE));
        return answer;
    }
    let key = judged.thumbprint.as_str().to_owned();
    if said(token.expose())["cnf"]["jkt"] != key.as_str() || !seen.proofs.insert(judged.id) {
        return refused("DPoP error=\"invalid_token\"");
    }
    seen.keys.insert(key);
    seen.tokens.insert(token.fingerprint().to_string());
    "welcome".into_response()
}

fn refused(challenge: &str) -> Response {
    let challenge = HeaderValue::from_str(challenge).unwrap();
    (StatusCode::UNAUTHORIZED, [(WWW_AUTHENTICATE, challenge)]).into_response()
}

fn said(token: &str) -> Value {
    let payload = URL_SAFE_NO_PAD.decode(token.split('.').nth(1).unwrap()).unwrap();
    serde_json::from_slice(&payload).unwrap()
}

/// Far more than another process needs to hear of a refresh.
const PATIENCE: std::time::Duration = std::time::Duration::from_mins(1);
const PLACE: &str = "/.well-known/oauth-protected-resource/mcp";

#[tokio::test(flavor = "multi_thread")]
async fn a_login_proves_its_key_at_server_and_resource_and_through_refreshes() {
    let scene = Scene::set().await;
    scene.log_in().await;
    assert_eq!(scene.keys(), 1, "the login has shown its token");
    scene.is_let_in().await;
    scene.home.run(&["refresh", "--all"]).await.succeeded();
    scene.is_let_in().await;
    assert_eq!(scene.keys(), 1, "it keeps its key");
    // Where it is kept, it is sealed.
    for (path, bytes) in scene.home.files() {
        let text = String::from_utf8_lossy(&bytes);
        assert!(!text.contains("PRIVATE KEY"), "{}", path.display());
    }
    scene.log_in().await;
    assert_eq!(scene.keys(), 2, "another login has another");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_gateway_proves_by_itself_and_learns_what_the_resource_wants() {
    let scene = Scene::set().await;
    scene.log_in().await;
    let accounts = scene.home.run(&["list", "--json"]).await.succeeded();
    let accounts: Value = serde_json::from_str(&accounts.stdout).unwrap();
    let account = accounts[0]["ref"].as_str().unwrap();
    scene.home.write_config(&format!("[gateway.routes.mcp]\naccount = \"{account}\"\n"));
    let made = scene.home.run(&["gateway", "token", "add", "tests"]).await.succeeded();
    let token = made.stdout.trim().to_owned();
    let mut gateway = scene.home.start(&["gateway", "--listen", "127.0.0.1:0"]);
    let url = gateway.says(|line| line.strip_prefix("the gateway listens on ").map(str::to_owned)).await;
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    for body in ["one", "two", ""] {
        // What a caller proves is its own affair.
        let request = http.post(format!("{url}/gateway/mcp")).bearer_auth(&token).header("dpop", "mine");
        let answer = request.body(body).send().await.unwrap();
        assert_eq!(answer.status(), 200, "{body}");
        assert_eq!(answer.headers().get("dpop-nonce"), None);
    }
    assert_eq!(scene.seen.lock().unwrap().proofs.len(), 4, "one more by the login");
    // What it has learned is good for other tokens too.
    let unaware = scene.seen.lock().unwrap().unaware;
    scene.home.run(&["refresh", "--all"]).await.succeeded();
    let renewed = async {
        while scene.seen.lock().unwrap().tokens.len() < 2 {
            let request = http.post(format!("{url}/gateway/mcp")).bearer_auth(&token);
            assert_eq!(request.send().await.unwrap().status(), 200);
        }
    };
    tokio::time::timeout(PATIENCE, renewed).await.unwrap();
    assert_eq!(scene.seen.lock().unwrap().unaware, unaware);
}

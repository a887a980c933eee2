//! A protected resource that says of itself what the test wants, and takes the tokens of one authorization server.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::Request;
use axum::response::{IntoResponse as _, Response};
use http::header::{AUTHORIZATION, CONTENT_TYPE, LOCATION, WWW_AUTHENTICATE};
use http::{Method, StatusCode};
use misbehaving_provider::{Behaviour, MisbehavingProvider};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::support::{Ended, Home, visit};

/// What a resource says.
#[derive(Clone, Debug, Default)]
pub(super) struct Words {
    /// The document at the path-inserted well-known place.
    pub(super) inserted: Option<Value>,
    /// The document at the root of the host.
    pub(super) root: Option<Value>,
    /// The `WWW-Authenticate` field of a refusal.
    pub(super) challenge: Option<String>,
    /// Refuses every token.
    pub(super) is_never_content: bool,
    /// Sends whoever asks for the document there instead.
    pub(super) sends_away: Option<String>,
    /// Minds only those who `POST`.
    pub(super) is_silent_to_looks: bool,
}

/// A resource, the server whose tokens it takes, and somebody with a home who wants in.
pub(super) struct Scene {
    pub(super) home: Home,
    pub(super) provider: Arc<MisbehavingProvider>,
    pub(super) url: String,
    words: Arc<Mutex<Words>>,
    serving: JoinHandle<()>,
}

impl Scene {
    /// A resource with metadata at the usual place and a challenge that leads there.
    pub(super) async fn set() -> Self {
        let provider = Arc::new(MisbehavingProvider::start(Behaviour::default()).await);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let host = format!("http://{}", listener.local_addr().unwrap());
        let url = format!("{host}/mcp");
        let place = format!("{host}/.well-known/oauth-protected-resource/mcp");
        let words = Words {
            inserted: Some(json!({
                "resource": url, "authorization_servers": [provider.issuer()], "scopes_supported": ["read"]
            })),
            challenge: Some(format!("Bearer resource_metadata=\"{place}\"")),
            ..Words::default()
        };
        let words = Arc::new(Mutex::new(words));
        let (said, judge) = (Arc::clone(&words), Arc::clone(&provider));
        let router = Router::new().fallback(move |request: Request| {
            let answer = answer(&said.lock().unwrap(), &judge, &request);
            async move { answer }
        });
        let serving = beside(async move { axum::serve(listener, router).await.unwrap() });
        Self { home: Home::new(), provider, url, words, serving }
    }

    /// From now on it says something else.
    pub(super) fn says(&self, change: impl FnOnce(&mut Words)) {
        change(&mut self.words.lock().unwrap());
    }

    /// A member of the metadata is another one.
    pub(super) fn describes_itself(&self, name: &str, value: &Value) {
        self.says(|words| words.inserted.as_mut().unwrap()[name] = value.clone());
    }

    /// A login by the URL alone, as a person who agrees to everything.
    pub(super) async fn log_in(&self, further: &[&str]) -> Ended {
        let line = [&["login", &self.url, "--no-browser"], further].concat();
        let mut login = self.home.start(&line);
        let address = login.address().await;
        login.until(visit(&address)).await;
        login.ended().await
    }

    /// A login that does not come as far as a browser.
    pub(super) async fn refused(&self, further: &[&str]) -> Ended {
        let line = [&["login", &self.url, "--no-browser", "--timeout", "1s"], further].concat();
        self.home.run(&line).await
    }

    /// The accounts there are.
    pub(super) async fn accounts(&self) -> Value {
        let ended = self.home.run(&["list", "--json"]).await;
        serde_json::from_str(&ended.stdout).unwrap_or_else(|_| panic!("{ended}"))
    }

    /// The token of the only account, with what is known of it.
    pub(super) async fn token(&self) -> Value {
        let accounts = self.accounts().await;
        assert_eq!(accounts.as_array().map(Vec::len), Some(1), "{accounts}");
        let ended = self.home.run(&["token", accounts[0]["ref"].as_str().unwrap(), "--json"]).await;
        serde_json::from_str(&ended.stdout).unwrap_or_else(|_| panic!("{ended}"))
    }
}

impl Drop for Scene {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

fn answer(words: &Words, provider: &MisbehavingProvider, request: &Request) -> Response {
    let document = |document: &Option<Value>| match document {
        Some(document) => ([(CONTENT_TYPE, "application/json")], document.to_string()).into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    };
    match request.uri().path() {
        path if path.starts_with("/.well-known/") && words.sends_away.is_some() => {
            let place = words.sends_away.clone().unwrap_or_default();
            (StatusCode::FOUND, [(LOCATION, place)]).into_response()
        }
        "/.well-known/oauth-protected-resource/mcp" => document(&words.inserted),
        "/.well-known/oauth-protected-resource" => document(&words.root),
        "/mcp" if request.method() == Method::GET && words.is_silent_to_looks => {
            StatusCode::METHOD_NOT_ALLOWED.into_response()
        }
        "/mcp" => {
            let field = request.headers().get(AUTHORIZATION).and_then(|field| field.to_str().ok());
            let token = field.and_then(|field| field.strip_prefix("Bearer "));
            if token.is_some_and(|token| provider.is_live(token)) && !words.is_never_content {
                return "welcome".into_response();
            }
            let mut refusal = StatusCode::UNAUTHORIZED.into_response();
            if let Some(challenge) = &words.challenge {
                refusal.headers_mut().insert(WWW_AUTHENTICATE, challenge.parse().unwrap());
            }
            refusal
        }
        _ => StatusCode::NOT_FOUND.into_response(),
    }
}

#[expect(clippy::disallowed_methods, reason = "the resource lives beside the test")]
pub(super) fn beside(future: impl Future<Output = ()> + Send + 'static) -> JoinHandle<()> {
    tokio::spawn(future)
}

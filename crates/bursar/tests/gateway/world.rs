//! An account at the misbehaving provider, a gateway in a process of its own, and a token for it.

use std::time::Duration;

use misbehaving_provider::{Behaviour, MisbehavingProvider};
use reqwest::RequestBuilder;
use rustix::process::Signal;

use super::upstream::Upstream;
use crate::support::{Ended, Home, Running};

/// Home, provider, gateway, and what callers show.
#[derive(Debug)]
pub(super) struct World {
    pub(super) home: Home,
    pub(super) provider: MisbehavingProvider,
    pub(super) token: String,
    /// `http://127.0.0.1:PORT`
    pub(super) url: String,
    pub(super) gateway: Running,
    pub(super) client: reqwest::Client,
}

impl World {
    /// A gateway with one route, `api`, to `upstream`.
    pub(super) async fn before(upstream: &Upstream) -> Self {
        Self::with(&route("api", &upstream.url(""))).await
    }

    /// A gateway with this configuration, and the account `work`.
    pub(super) async fn with(config: &str) -> Self {
        let provider = MisbehavingProvider::start(Behaviour::default()).await;
        Self::at(provider, config).await
    }

    /// The same with a provider that exists already.
    pub(super) async fn at(provider: MisbehavingProvider, config: &str) -> Self {
        let home = Home::new();
        let login = home.login(&provider, "work").await;
        assert_eq!(login.code, 0, "{login}");
        home.write_config(config);
        let token = add_token(&home, &["tests"]).await;
        let mut gateway = home.start(&["gateway", "--listen", "127.0.0.1:0"]);
        let url = address(&mut gateway).await;
        Self { home, provider, token, url, gateway, client: client() }
    }

    /// A request to the route `api` with the token.
    pub(super) fn get(&self, path: &str) -> RequestBuilder {
        self.client.get(self.api(path)).bearer_auth(&self.token)
    }

    /// A request with a body to the route `api` with the token.
    pub(super) fn post(&self, path: &str, body: impl Into<reqwest::Body>) -> RequestBuilder {
        self.client.post(self.api(path)).bearer_auth(&self.token).body(body)
    }

    /// The URL of a path on the route `api`.
    pub(super) fn api(&self, path: &str) -> String {
        format!("{}/gateway/api{path}", self.url)
    }

    /// Where it listens, for connections by hand.
    pub(super) fn address(&self) -> &str {
        self.url.strip_prefix("http://").unwrap()
    }

    /// The account's access token now.
    pub(super) async fn account_token(&self) -> String {
        let token = self.home.run(&["token", "work"]).await;
        assert_eq!(token.code, 0, "{token}");
        token.stdout.trim_end().to_owned()
    }

    /// Ends the gateway as a service manager would.
    pub(super) async fn stopped(self) -> Ended {
        self.gateway.signal(Signal::TERM);
        self.gateway.ended().await
    }
}

/// A route named `name` to `upstream` for the account `work`.
pub(super) fn route(name: &str, upstream: &str) -> String {
    format!(
        "[gateway.routes.{name}]\naccount = \"work\"\nupstream = \"{upstream}\"\nhosts = [\"127.0.0.1\"]\n"
    )
}

/// Waits until a started gateway says where it listens.
pub(super) async fn address(gateway: &mut Running) -> String {
    gateway.says(|line| line.strip_prefix("the gateway listens on ").map(str::to_owned)).await
}

/// Makes a gateway token.
pub(super) async fn add_token(home: &Home, arguments: &[&str]) -> String {
    let made = home.run(&[&["gateway", "token", "add"], arguments].concat()).await;
    assert_eq!(made.code, 0, "{made}");
    made.stdout.trim_end().to_owned()
}

/// A caller who follows nothing and goes through no proxy.
pub(super) fn client() -> reqwest::Client {
    reqwest::Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .timeout(Duration::from_mins(1))
        .build()
        .unwrap()
}

/// What the gateway itself answered: status and code.
pub(super) async fn refusal(answer: reqwest::Response) -> (u16, String) {
    let status = answer.status().as_u16();
    assert_eq!(answer.headers()["content-type"], "application/json");
    let document: serde_json::Value = serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap();
    assert!(document["message"].is_string(), "{document}");
    (status, document["error"].as_str().unwrap().to_owned())
}

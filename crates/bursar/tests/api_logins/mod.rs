//! The API where a program leads: logins for a person of its own, what it changes of accounts, and its own document.

mod accounts;
mod bounds;
mod document;
mod peers;
mod refusals;
mod ways;

use std::process::Stdio;
use std::time::Duration;

use misbehaving_provider::{Behaviour, MisbehavingProvider, PUBLIC_CLIENT};
use serde_json::{Value, json};
use tokio::process::Child;

use crate::support::Home;

/// An agent with a home of its own, a provider, and a program that calls the agent.
struct World {
    home: Home,
    provider: MisbehavingProvider,
    agent: Child,
    client: reqwest::Client,
    /// Everything the agent has answered.
    heard: std::sync::Mutex<String>,
}

impl World {
    async fn new() -> Self {
        Self::with_config("").await
    }

    #[expect(clippy::disallowed_methods, reason = "the start of a real process, by a real clock")]
    async fn with_config(config: &str) -> Self {
        let home = Home::new();
        home.write_config(config);
        std::fs::create_dir(home.path().join("providers")).unwrap();
        std::fs::write(home.path().join("providers/paged.toml"), PAGED).unwrap();
        let provider = MisbehavingProvider::start(Behaviour::default()).await;
        provider.change(|behaviour| behaviour.device.interval_seconds = 1);
        let log = home.beside("agent.log");
        let agent = home
            .command(&["agent", "run", "--log-file", log.to_str().unwrap()])
            .env("BURSAR_LOG", "trace")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let socket = home.path().join("agent.sock");
        let client = reqwest::Client::builder().no_proxy().unix_socket(socket).build().unwrap();
        let mut world = Self { home, provider, agent, client, heard: std::sync::Mutex::default() };
        while world.client.get("http://localhost/healthz").send().await.is_err() {
            assert!(world.agent.try_wait().unwrap().is_none(), "the agent has ended:\n{}", world.log());
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        world
    }

    /// One call: its status and its document; `null` without one.
    async fn call(&self, method: &str, target: &str, body: &Value) -> (u16, Value) {
        let url = format!("http://localhost{target}");
        let request = self.client.request(method.parse().unwrap(), url);
        let request = if body.is_null() { request } else { request.body(body.to_string()) };
        let answer = request.timeout(Duration::from_mins(1)).send().await.unwrap();
        let status = answer.status().as_u16();
        let text = answer.text().await.unwrap();
        self.heard.lock().unwrap().push_str(&text);
        (status, serde_json::from_str(&text).unwrap_or_default())
    }

    /// A call that succeeds.
    async fn ask(&self, method: &str, target: &str, body: &Value) -> Value {
        let (status, document) = self.call(method, target, body).await;
        assert!((200..300).contains(&status), "{method} {target}: {status} {document}");
        document
    }

    /// Begins a login at the provider, with whatever else `more` says.
    async fn begin(&self, way: &str, more: &Value) -> Value {
        let mut request = json!({"target": self.provider.issuer(), "way": way, "client_id": PUBLIC_CLIENT});
        request.as_object_mut().unwrap().extend(more.as_object().cloned().unwrap_or_default());
        let (status, login) = self.call("POST", "/v1/logins", &request).await;
        assert_eq!((status, login["state"].as_str()), (201, Some("waiting")), "{login}");
        login
    }

    /// The login once it has ended.
    async fn end_of(&self, login: &Value) -> Value {
        self.ask("GET", &format!("{}?wait=60", place(login)), &Value::Null).await
    }

    /// What the provider's accounts are called here.
    fn reference(&self, nickname: &str) -> String {
        format!("127.0.0.1-{}:{nickname}", self.provider.address().port())
    }

    /// Whether the account hands out a token that the provider honours.
    async fn is_live(&self, reference: &str) -> bool {
        let handed = self.ask("POST", &format!("/v1/accounts/{reference}/token"), &Value::Null).await;
        self.provider.is_live(handed["access_token"].as_str().unwrap())
    }

    /// How many accounts there are.
    async fn accounts(&self) -> usize {
        self.ask("GET", "/v1/accounts", &Value::Null).await.as_array().unwrap().len()
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.home.beside("agent.log")).unwrap_or_default()
    }
}

/// A provider that shows its answer on a page of its own.
const PAGED: &str = r#"
id = "paged"
name = "Paged"
categories = ["code"]

[endpoints]
authorize = "https://paged.example/authorize"
token = "https://paged.example/token"

[client]
id = "bursar"
redirect = "manual"
redirect_uri = "https://paged.example/code"
"#;

/// Where a login is asked about.
fn place(login: &Value) -> String {
    format!("/v1/logins/{}", login["id"].as_str().unwrap())
}

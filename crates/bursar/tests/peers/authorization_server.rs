//! The independent authorization server: its process, and the control calls `peers/README.md` lists.

use std::process::Stdio;
use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};

/// The public client everybody may use.
pub(crate) const PUBLIC_CLIENT: &str = "bursar-cli";

/// A running `oidc-provider`; it ends when this is dropped.
#[derive(Debug)]
pub(crate) struct AuthorizationServer {
    issuer: String,
    control: String,
    client: reqwest::Client,
    /// Holds the standard input open: its end would end the server.
    _process: Child,
}

/// What the server has counted since its start.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
pub(crate) struct Counts {
    /// Refresh requests answered.
    pub(crate) refreshes: u64,
    /// Those that brought tokens.
    pub(crate) refresh_successes: u64,
    /// Refresh tokens that were presented again after they had been spent.
    pub(crate) reuse_detected: u64,
    /// Grants ended, by reuse or revocation.
    pub(crate) grants_revoked: u64,
    /// Requests to the revocation endpoint.
    pub(crate) revocations: u64,
}

#[derive(Deserialize)]
struct Addresses {
    issuer: String,
    control: String,
}

impl AuthorizationServer {
    /// Starts one on a free port.
    pub(crate) async fn start() -> Self {
        let program = concat!(env!("CARGO_MANIFEST_DIR"), "/../../peers/oidc-provider");
        let mut process = Command::new(program)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("peers/oidc-provider can be started");
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let line = lines.next_line().await.unwrap().expect("it is installed: run scripts/setup-tests");
        let Addresses { issuer, control } = serde_json::from_str(&line).unwrap();
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        Self { issuer, control, client, _process: process }
    }

    /// The issuer's URL.
    pub(crate) fn issuer(&self) -> &str {
        &self.issuer
    }

    /// Where it is told what to do, and asked what it knows.
    pub(crate) fn control_url(&self) -> &str {
        &self.control
    }

    /// What it has counted so far.
    pub(crate) async fn counts(&self) -> Counts {
        let answer = self.client.get(format!("{}/state", self.control)).send().await.unwrap();
        serde_json::from_str(&answer.text().await.unwrap()).unwrap()
    }

    /// Access tokens issued from now on live so many seconds.
    pub(crate) async fn set_access_lifetime(&self, seconds: u32) {
        self.control("ttl", json!({"access": seconds})).await;
    }

    /// Token requests are answered so long after they were processed.
    pub(crate) async fn set_delay(&self, delay: Duration) {
        self.control("delay", json!({"token": u64::try_from(delay.as_millis()).unwrap()})).await;
    }

    /// Changes who signs in from now on.
    pub(crate) async fn sign_in(&self, subject: &str) {
        let email = format!("{subject}@example.com");
        self.control("account", json!({"sub": subject, "email": email})).await;
    }

    /// Registers the public keys of the client `service-jwt`.
    pub(crate) async fn register_keys(&self, keys: Value) {
        self.control("jwks", json!({"keys": keys})).await;
    }

    /// Whether it would honour this token.
    pub(crate) async fn is_live(&self, token: &str) -> bool {
        self.control("live", json!({"token": token})).await["live"].as_bool().unwrap()
    }

    /// Agrees to everything on the pages behind an authorization request, and goes where they lead in the end.
    pub(crate) async fn visit(&self, url: &str) {
        let answer = self.control("authorize", json!({"url": url})).await;
        let redirect = answer["redirect"].as_str().unwrap();
        let page = self.client.get(redirect).send().await.unwrap();
        assert!(page.status().is_success(), "the callback page answered {}", page.status());
    }

    /// Enters the code on the device page and agrees.
    pub(crate) async fn approve_device(&self, user_code: &str) {
        self.control("approve-device", json!({"user_code": user_code})).await;
    }

    /// Enters the code on the device page and refuses.
    pub(crate) async fn deny_device(&self, user_code: &str) {
        self.control("deny-device", json!({"user_code": user_code})).await;
    }

    /// Revokes a token of the public client (RFC 7009), as its owner could do elsewhere.
    pub(crate) async fn revoke(&self, token: &str) {
        let form = [("client_id", PUBLIC_CLIENT), ("token", token)];
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
        let request = self.client.post(format!("{}/token/revocation", self.issuer));
        let answer = request.header("content-type", "application/x-www-form-urlencoded").body(body);
        assert!(answer.send().await.unwrap().status().is_success());
    }

    async fn control(&self, call: &str, body: Value) -> Value {
        let request = self.client.post(format!("{}/{call}", self.control)).body(body.to_string());
        let answer = request.send().await.unwrap();
        let status = answer.status();
        let text = answer.text().await.unwrap();
        assert!(status.is_success(), "{call}: {status} {text}");
        serde_json::from_str(&text).unwrap()
    }
}

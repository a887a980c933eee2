//! Chromium, driven by the wire protocol of `WebDriver` 2 (W3C).

use std::panic::{AssertUnwindSafe, resume_unwind};
use std::process::Stdio;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bursar::system::SystemClock;
use bursar_core::ports::clock::Clock as _;
use futures::FutureExt as _;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};

pub(super) struct Browser {
    client: reqwest::Client,
    session: String,
    _driver: Child,
}

impl Browser {
    /// Starts a browser for `test`, and ends it whatever comes of the test.
    pub(super) async fn run(test: impl AsyncFnOnce(&Self)) {
        let browser = Self::start().await;
        let outcome = AssertUnwindSafe(test(&browser)).catch_unwind().await;
        // A driver that is killed leaves its browser behind.
        let ended = browser.client.delete(&browser.session).send().await;
        if let Err(panic) = outcome {
            resume_unwind(panic);
        }
        ended.unwrap();
    }

    async fn start() -> Self {
        let mut driver = Command::new("chromedriver")
            .args(["--port=0", "--allowed-ips=127.0.0.1"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .expect("scripts/setup-tests installs chromedriver");
        let mut lines = BufReader::new(driver.stdout.take().unwrap()).lines();
        let port = loop {
            let line = lines.next_line().await.unwrap().expect("chromedriver ended");
            if let Some((_, port)) = line.trim_end_matches('.').split_once("successfully on port ") {
                break port.to_owned();
            }
        };
        let client = reqwest::Client::builder().no_proxy().timeout(Duration::from_mins(1)).build().unwrap();
        let mut browser =
            Self { client, session: format!("http://127.0.0.1:{port}/session"), _driver: driver };
        let options = json!({ "args": ["--headless", "--no-sandbox", "--disable-dev-shm-usage"] });
        let wanted = json!({
            "goog:chromeOptions": options, "goog:loggingPrefs": { "browser": "ALL" },
            // What is looked for may be on the page that is about to come.
            "timeouts": { "implicit": PATIENCE.as_millis() },
        });
        let session = browser.ask("", json!({ "capabilities": { "alwaysMatch": wanted } })).await;
        browser.session = format!("{}/{}", browser.session, session["sessionId"].as_str().unwrap());
        browser
    }

    pub(super) async fn open(&self, address: &str) {
        self.ask("/url", json!({ "url": address })).await;
    }

    pub(super) async fn click(&self, selector: &str) {
        let element = self.element(selector).await;
        self.ask(&format!("/element/{element}/click"), json!({})).await;
    }

    /// Types into a field, instead of what is there.
    pub(super) async fn fill(&self, selector: &str, text: &str) {
        let element = self.element(selector).await;
        self.ask(&format!("/element/{element}/clear"), json!({})).await;
        self.ask(&format!("/element/{element}/value"), json!({ "text": text })).await;
    }

    async fn element(&self, selector: &str) -> String {
        let found = self.ask("/element", json!({ "using": "css selector", "value": selector })).await;
        found.as_object().unwrap().values().next().unwrap().as_str().unwrap().to_owned()
    }

    pub(super) async fn back(&self) {
        self.ask("/back", json!({})).await;
    }

    /// What a person reads on the page.
    pub(super) async fn text(&self) -> String {
        self.execute("return document.body.innerText").await.as_str().unwrap_or_default().to_owned()
    }

    /// Waits until the page tells of something.
    pub(super) async fn reads(&self, text: &str) {
        for _ in 0..LOOKS {
            if self.text().await.contains(text) {
                return;
            }
            SystemClock.sleep(PAUSE).await;
        }
        panic!("`{text}` is not on the page at {}:\n{}", self.address().await, self.text().await);
    }

    /// Opens an address again and again until the page there tells of something.
    pub(super) async fn finds(&self, address: &str, text: &str) {
        for _ in 0..LOOKS {
            self.open(address).await;
            if self.text().await.contains(text) {
                return;
            }
            SystemClock.sleep(PAUSE).await;
        }
        panic!("`{text}` is not on the page at {address}:\n{}", self.text().await);
    }

    /// Runs a script that calls its last argument when it is done.
    pub(super) async fn execute_until_called(&self, script: &str) -> Value {
        self.ask("/execute/async", json!({ "script": script, "args": [] })).await
    }

    /// The browser asks for pages in this language from now on.
    pub(super) async fn speaks(&self, language: &str) {
        let user_agent = self.execute("return navigator.userAgent").await;
        let params = json!({ "userAgent": user_agent, "acceptLanguage": language });
        self.developer("Emulation.setUserAgentOverride", params).await;
    }

    /// The system is set to light or dark.
    pub(super) async fn prefers(&self, scheme: &str) {
        let features = json!([{ "name": "prefers-color-scheme", "value": scheme }]);
        self.developer("Emulation.setEmulatedMedia", json!({ "features": features })).await;
    }

    /// Lets no page run scripts any more, or lets them again.
    pub(super) async fn runs_scripts(&self, runs: bool) {
        self.developer("Emulation.setScriptExecutionDisabled", json!({ "value": !runs })).await;
    }

    /// Forgets all cookies.
    pub(super) async fn forgets(&self) {
        let answer = self.client.delete(format!("{}/cookie", self.session)).send().await.unwrap();
        value(answer).await;
    }

    /// The whole page as a PNG.
    pub(super) async fn picture(&self) -> Vec<u8> {
        let picture =
            self.developer("Page.captureScreenshot", json!({ "captureBeyondViewport": true })).await;
        STANDARD.decode(picture["data"].as_str().unwrap()).unwrap()
    }

    /// Plugs in an authenticator that keeps passkeys and has its owner's finger on it (Web Authentication §11). Returns its name.
    pub(super) async fn plug_in(&self) -> String {
        let options = json!({
            "protocol": "ctap2", "transport": "internal", "hasResidentKey": true, "hasUserVerification": true,
            "isUserVerified": true, "isUserConsenting": true,
        });
        self.ask("/webauthn/authenticator", options).await.as_str().unwrap().to_owned()
    }

    /// What it keeps, private keys and all.
    pub(super) async fn passkeys(&self, authenticator: &str) -> Vec<Value> {
        let url = format!("{}/webauthn/authenticator/{authenticator}/credentials", self.session);
        value(self.client.get(url).send().await.unwrap()).await.as_array().unwrap().clone()
    }

    /// Takes everything out of it and puts this in.
    pub(super) async fn replace_passkey(&self, authenticator: &str, passkey: Value) {
        let url = format!("{}/webauthn/authenticator/{authenticator}/credentials", self.session);
        value(self.client.delete(url).send().await.unwrap()).await;
        self.ask(&format!("/webauthn/authenticator/{authenticator}/credential"), passkey).await;
    }

    async fn developer(&self, command: &str, params: Value) -> Value {
        self.ask("/goog/cdp/execute", json!({ "cmd": command, "params": params })).await
    }

    pub(super) async fn execute(&self, script: &str) -> Value {
        self.ask("/execute/sync", json!({ "script": script, "args": [] })).await
    }

    pub(super) async fn address(&self) -> String {
        self.execute("return location.href").await.as_str().unwrap().to_owned()
    }

    /// Waits until a navigation has led there.
    pub(super) async fn arrives_at(&self, address: &str) {
        for _ in 0..LOOKS {
            if self.address().await == address {
                return;
            }
            SystemClock.sleep(PAUSE).await;
        }
        assert_eq!(self.address().await, address);
    }

    /// Waits until the console tells of something with `word` in it.
    pub(super) async fn complains_about(&self, word: &str) {
        let mut heard = Vec::new();
        for _ in 0..LOOKS {
            heard.extend(self.complaints().await);
            if heard.iter().any(|complaint| complaint.contains(word)) {
                return;
            }
            SystemClock.sleep(PAUSE).await;
        }
        panic!("nothing about {word} in {heard:?}");
    }

    pub(super) async fn switch_to_newest_window(&self) {
        let newest = self.windows().await.pop();
        self.ask("/window", json!({ "handle": newest })).await;
    }

    pub(super) async fn switch_to_first_window(&self) {
        let first = self.windows().await.swap_remove(0);
        self.ask("/window", json!({ "handle": first })).await;
    }

    async fn windows(&self) -> Vec<Value> {
        let url = format!("{}/window/handles", self.session);
        value(self.client.get(url).send().await.unwrap()).await.as_array().unwrap().clone()
    }

    /// Presses these keys, wherever the focus is.
    pub(super) async fn types(&self, keys: &str) {
        let press = |key: char| {
            [json!({ "type": "keyDown", "value": key }), json!({ "type": "keyUp", "value": key })]
        };
        let presses: Vec<Value> = keys.chars().flat_map(press).collect();
        let actions = json!({ "actions": [{ "type": "key", "id": "keyboard", "actions": presses }] });
        self.ask("/actions", actions).await;
    }

    /// Presses the tabulator until the focus is on the element with this id or value.
    pub(super) async fn goes_to(&self, place: &str) {
        let here = "return [document.activeElement.id, document.activeElement.value]";
        for _ in 0..MOST_STEPS {
            if self.execute(here).await.as_array().unwrap().iter().any(|name| name == place) {
                return;
            }
            self.types(TABULATOR).await;
        }
        panic!("the keyboard does not lead to {place} at {}", self.address().await);
    }

    /// Makes the page as wide as a telephone's, narrower than a window can be.
    pub(super) async fn resize(&self, width: u32) {
        let metrics = json!({ "width": width, "height": 640, "deviceScaleFactor": 1, "mobile": true });
        self.developer("Emulation.setDeviceMetricsOverride", metrics).await;
    }

    /// What the browser has refused since the last look.
    pub(super) async fn complaints(&self) -> Vec<String> {
        let log = self.ask("/se/log", json!({ "type": "browser" })).await;
        let entries = log.as_array().unwrap().iter();
        entries.map(|entry| entry["message"].as_str().unwrap().to_owned()).collect()
    }

    async fn ask(&self, command: &str, body: Value) -> Value {
        let request = self.client.post(format!("{}{command}", self.session)).body(body.to_string());
        value(request.send().await.unwrap()).await
    }
}

async fn value(answer: reqwest::Response) -> Value {
    let status = answer.status();
    let text = answer.text().await.unwrap();
    assert!(status.is_success(), "{status}: {text}");
    serde_json::from_str::<Value>(&text).unwrap()["value"].take()
}

/// As `WebDriver` writes it (§17.4.2).
pub(super) const ENTER: &str = "\u{e007}";
const TABULATOR: &str = "\u{e004}";
/// More than any of our pages has.
const MOST_STEPS: usize = 30;
/// A busy machine draws slowly.
const PATIENCE: Duration = Duration::from_secs(10);
/// As long in all.
const LOOKS: usize = 200;
const PAUSE: Duration = Duration::from_millis(50);

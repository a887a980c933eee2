//! Chromium, driven by the wire protocol of `WebDriver` 2 (W3C).

use std::panic::{AssertUnwindSafe, resume_unwind};
use std::process::Stdio;
use std::time::Duration;

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
        let wanted = json!({ "goog:chromeOptions": options, "goog:loggingPrefs": { "browser": "ALL" } });
        let session = browser.ask("", json!({ "capabilities": { "alwaysMatch": wanted } })).await;
        browser.session = format!("{}/{}", browser.session, session["sessionId"].as_str().unwrap());
        browser
    }

    pub(super) async fn open(&self, address: &str) {
        self.ask("/url", json!({ "url": address })).await;
    }

    pub(super) async fn click(&self, selector: &str) {
        let found = self.ask("/element", json!({ "using": "css selector", "value": selector })).await;
        let element = found.as_object().unwrap().values().next().unwrap().as_str().unwrap();
        self.ask(&format!("/element/{element}/click"), json!({})).await;
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
        let url = format!("{}/window/handles", self.session);
        let windows = value(self.client.get(url).send().await.unwrap()).await;
        let newest = windows.as_array().unwrap().last().unwrap();
        self.ask("/window", json!({ "handle": newest })).await;
    }

    /// Makes the page as wide as a telephone's, narrower than a window can be.
    pub(super) async fn resize(&self, width: u32) {
        let metrics = json!({ "width": width, "height": 640, "deviceScaleFactor": 1, "mobile": true });
        let command = json!({ "cmd": "Emulation.setDeviceMetricsOverride", "params": metrics });
        self.ask("/goog/cdp/execute", command).await;
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

/// Ten seconds in all: a busy machine draws slowly.
const LOOKS: usize = 200;
const PAUSE: Duration = Duration::from_millis(50);

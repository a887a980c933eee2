//! A whole engine in one process, whose provider is a closure and whose clock is moved by hand.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures::executor::block_on;
use futures::future::BoxFuture;
use jiff::Timestamp;

use super::lease::LeaseLock;
use super::login::LoginPlan;
use super::sandboxes::Sandbox;
use super::{Engine, Ports};
use crate::lifecycle::account::Account;
use crate::lifecycle::reference::AccountReference;
use crate::memory::MemoryStore;
use crate::memory::clock::ManualClock;
use crate::memory::processes::ManualProcesses;
use crate::memory::random::SeededRandom;
use crate::ports::clock::Clock;
use crate::ports::key_source::{CreatedKey, KeyError, KeySources, MasterKey};
use crate::ports::store::{SandboxId, Space, Store};
use crate::ports::tasks::Tasks;
use crate::ports::upstream::{
    Body, Request, Response, SendCause, SendError, SendLimits, SendPhase, Upstream,
};
use crate::provider::{Catalogue, OverlayFile};
use crate::secret::Secret;

/// What the provider answers, as a function of the request.
pub(crate) type Provider = dyn Fn(&Request) -> Result<Response, SendError> + Send + Sync;

/// The engine and the things a test moves.
#[derive(Clone)]
pub(crate) struct World {
    pub(crate) engine: Engine,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) processes: ManualProcesses,
    pub(crate) store: Arc<dyn Store>,
    tasks: Threads,
}

impl World {
    /// A world whose provider declares `policy` (the lines of its `[refresh]` table) and answers by `provider`.
    pub(crate) fn new(
        policy: &str,
        provider: impl Fn(&Request) -> Result<Response, SendError> + Send + Sync + 'static,
    ) -> Self {
        let clock = Arc::new(ManualClock::new(Timestamp::from_second(1_800_000_000).unwrap()));
        let store: Arc<dyn Store> = Arc::new(MemoryStore::new(clock.clone(), "first"));
        Self::on(store, clock, policy, provider)
    }

    /// The same on a store that exists already.
    pub(crate) fn on(
        store: Arc<dyn Store>,
        clock: Arc<ManualClock>,
        policy: &str,
        provider: impl Fn(&Request) -> Result<Response, SendError> + Send + Sync + 'static,
    ) -> Self {
        let entry = format!("{ENTRY}\n[refresh]\n{policy}\n");
        let overlay = OverlayFile { name: "test.toml".into(), text: entry };
        let space = Space::Sandbox(SandboxId::personal());
        let random = Arc::new(SeededRandom::new(7));
        let tasks = Threads::default();
        let processes = ManualProcesses::new();
        let shared: Arc<dyn Tasks> = Arc::new(tasks.clone());
        let lock = LeaseLock::new(store.clone(), clock.clone(), random.clone(), shared.clone());
        let ports = Ports {
            store: store.clone(),
            upstream: Arc::new(Closure(Box::new(provider))),
            refresh_lock: Arc::new(lock),
            key_sources: Arc::new(OneKey),
            clock: clock.clone(),
            random,
            tasks: shared,
            processes: Arc::new(processes.clone()),
            catalogue: Arc::new(Catalogue::with_overlay(vec![overlay]).unwrap()),
        };
        Self { engine: Engine::new(ports, space), clock, processes, store, tasks }
    }

    /// The same world as it is in a sandbox.
    pub(crate) fn within(&self, sandbox: &Sandbox) -> Self {
        Self { engine: self.engine.in_sandbox(sandbox), ..self.clone() }
    }

    /// Logs `test:work` in by pasting, with the provider's answer to the code.
    pub(crate) fn log_in(&self) -> Account {
        self.log_in_with(&self.plan())
    }

    /// Logs in by pasting, as `plan` says.
    pub(crate) fn log_in_with(&self, plan: &LoginPlan) -> Account {
        let pending = block_on(self.engine.begin_authorization(plan, "http://127.0.0.1/callback")).unwrap();
        let state = pending.url().query_pairs().find(|(name, _)| name == "state").unwrap().1.into_owned();
        let pasted = format!("http://127.0.0.1/callback?code=the-code&state={state}");
        block_on(self.engine.finish_pasted(plan, pending, &pasted)).unwrap().account
    }

    /// The plan of a login as `test:work`.
    pub(crate) fn plan(&self) -> LoginPlan {
        LoginPlan {
            provider: self.engine.ports.catalogue.find("test").unwrap().unwrap(),
            variables: BTreeMap::new(),
            issuer: None,
            resource_server: None,
            binds_tokens: false,
            client_id: "client".into(),
            client_secret: None,
            scopes: Vec::new(),
            resource: Vec::new(),
            nickname: Some(crate::lifecycle::reference::Nickname::parse("work").unwrap()),
        }
    }

    /// The account as it is stored.
    pub(crate) fn account(&self, reference: &AccountReference) -> Account {
        block_on(self.engine.account(reference)).unwrap().document
    }

    /// What a hand-out with a wait of a minute brings, after everything before it has come to its end.
    pub(crate) fn hand_out(
        &self,
        reference: &AccountReference,
    ) -> Result<Arc<super::broker::HandOut>, super::broker::HandOutError> {
        self.settle();
        self.hand_out_beside_others(reference)
    }

    /// Waits until everything begun has come to its end.
    pub(crate) fn settle(&self) {
        while self.tasks.0.load(Ordering::SeqCst) > 0 {
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    /// What a hand-out with a wait of a minute brings while others are under way.
    pub(crate) fn hand_out_beside_others(
        &self,
        reference: &AccountReference,
    ) -> Result<Arc<super::broker::HandOut>, super::broker::HandOutError> {
        let ask = crate::lifecycle::refresh::Ask::default();
        block_on(self.engine.hand_out(reference, &ask, Duration::from_mins(1)))
    }
}

/// One parameter of a form.
pub(crate) fn parameter(request: &Request, name: &str) -> Option<String> {
    url::form_urlencoded::parse(request.body().expose())
        .find(|(known, _)| known == name)
        .map(|(_, value)| value.into_owned())
}

/// A token answer: the access token lives an hour.
pub(crate) fn tokens(access: &str, refresh: Option<&str>) -> Result<Response, SendError> {
    let mut body = serde_json::json!({"access_token": access, "token_type": "Bearer", "expires_in": 3600});
    if let Some(refresh) = refresh {
        body["refresh_token"] = refresh.into();
    }
    answer(200, &body)
}

/// An OAuth error.
pub(crate) fn refused(code: &str) -> Result<Response, SendError> {
    answer(400, &serde_json::json!({ "error": code }))
}

/// Any JSON answer.
#[expect(clippy::unnecessary_wraps, reason = "a provider may also not answer")]
pub(crate) fn answer(status: u16, body: &serde_json::Value) -> Result<Response, SendError> {
    let response = http::Response::builder().status(status).header("content-type", "application/json");
    Ok(response.body(Body::new(body.to_string())).unwrap())
}

/// A call that broke after it was sent.
pub(crate) fn cut() -> Result<Response, SendError> {
    Err(SendError {
        phase: SendPhase::AfterRequest,
        cause: SendCause::Cut,
        host: "as.example".into(),
        detail: "the connection ended".into(),
    })
}

struct Closure(Box<Provider>);

impl fmt::Debug for Closure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Closure")
    }
}

impl Upstream for Closure {
    fn send(&self, request: Request, _limits: SendLimits) -> BoxFuture<'_, Result<Response, SendError>> {
        Box::pin(async move { (self.0)(&request) })
    }
}

/// Runs each task on a thread of its own, and counts those that have not ended.
#[derive(Clone, Debug, Default)]
struct Threads(Arc<AtomicUsize>);

impl Tasks for Threads {
    fn spawn(&self, task: BoxFuture<'static, ()>) {
        self.0.fetch_add(1, Ordering::SeqCst);
        let running = self.0.clone();
        std::thread::spawn(move || {
            block_on(task);
            running.fetch_sub(1, Ordering::SeqCst);
        });
    }
}

#[derive(Debug)]
struct OneKey;

impl KeySources for OneKey {
    fn existing<'a>(&'a self, _recorded: &'a str) -> BoxFuture<'a, Result<MasterKey, KeyError>> {
        Box::pin(async { Ok(MasterKey::new([7; 32])) })
    }

    fn create(&self) -> BoxFuture<'_, Result<CreatedKey, KeyError>> {
        Box::pin(async { Ok(CreatedKey { key: MasterKey::new([7; 32]), recorded: "test".into() }) })
    }
}

impl World {
    /// Now, by the moved clock.
    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }
}

/// Whether `secret` is what was handed out.
pub(crate) fn is(secret: &Secret, text: &str) -> bool {
    secret.expose() == text
}

const ENTRY: &str = r#"
id = "test"
verified_on = "2026-11-21"

[endpoints]
authorize = "https://as.example/authorize"
token = "https://as.example/token"
revoke = "https://as.example/revoke"

[identity]
source = "none"
"#;

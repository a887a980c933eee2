//! Two machines, one account: a refresher who sleeps through the end of its lease still loses no token.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bursar::system::{SystemRandom, TokioTasks};
use bursar_core::engine::lease::LeaseLock;
use bursar_core::engine::login::LoginPlan;
use bursar_core::engine::{Engine, Ports};
use bursar_core::lifecycle::reference::AccountReference;
use bursar_core::lifecycle::refresh::Ask;
use bursar_core::memory::MemoryStore;
use bursar_core::memory::clock::ManualClock;
use bursar_core::memory::processes::ManualProcesses;
use bursar_core::ports::key_source::{CreatedKey, KeyError, KeySources, MasterKey};
use bursar_core::ports::store::{EventQuery, SandboxId, Space, Store};
use bursar_core::ports::upstream::{Body, Request, Response, SendError, SendLimits, Upstream};
use bursar_core::provider::{Catalogue, OverlayFile};
use futures::FutureExt as _;
use futures::future::{BoxFuture, ready};
use jiff::Timestamp;
use tokio::sync::{Semaphore, watch};

use super::error::Broken;
use super::process::in_time;

/// Machine one asks and sleeps; its lease ends; machine two renews; then the first answer arrives.
pub(super) async fn overslept() -> Result<(), Broken> {
    let cluster = Cluster::new()?;
    let (first, second) = (cluster.machine(), cluster.machine());
    let reference = cluster.log_in(&first.engine).await?;
    cluster.clock.advance(ALMOST_AN_HOUR);

    let (ask, wait) = (Ask::default(), Duration::from_secs(30));
    let asleep = first.engine.hand_out(&reference, &ask, wait);
    let meanwhile = async {
        cluster.provider.first_is_asked().await?;
        cluster.clock.advance(LONGER_THAN_A_LEASE);
        let handed = second.engine.hand_out(&reference, &ask, wait).await;
        let renewed = handed.map_err(Broken::setup("renewing on the second machine"))?.token.clone();
        Broken::unless(
            renewed.expose() == "access-2",
            "an ended lease lets the next one refresh",
            "another token",
        )
    };
    let (asleep, meanwhile) = futures::join!(asleep, meanwhile);
    meanwhile?;
    // It looks once more before it gives up: what it finds then may already be the second machine's.
    let served = asleep.is_ok_and(|handed| ["access-0", "access-2"].contains(&handed.token.expose()));
    Broken::unless(served, "a caller whose wait ends gets the token at hand", "another token")?;

    cluster.provider.answer_first();
    let drained = first.tasks.drained(Duration::from_secs(30)).await;
    Broken::unless(drained, "a late refresh ends by itself", "a task that runs for 30 s")?;
    let handed = second.engine.hand_out(&reference, &ask, wait).await;
    let ruled = handed.is_ok_and(|handed| handed.token.expose() == "access-2");
    Broken::unless(ruled, "a late answer overwrites nothing", "another token")?;
    cluster.spare_is_kept().await?;

    // The provider forgets the second machine's line; the spare is all that is left.
    cluster.clock.advance(ALMOST_AN_HOUR);
    let handed = second.engine.hand_out(&reference, &ask, wait).await;
    let rescued = handed.map_err(Broken::setup("using the spare"))?.token.clone();
    Broken::unless(
        rescued.expose() == "access-3",
        "a spare serves when the other token is refused",
        "another token",
    )
}

/// What both machines share.
struct Cluster {
    clock: ManualClock,
    store: Arc<MemoryStore>,
    provider: Arc<Forgetful>,
    catalogue: Arc<Catalogue>,
    space: Space,
}

struct Machine {
    engine: Engine,
    tasks: Arc<TokioTasks>,
}

impl Cluster {
    fn new() -> Result<Self, Broken> {
        let clock = ManualClock::new(Timestamp::UNIX_EPOCH);
        let entry = OverlayFile { name: "forgetful.toml".to_owned(), text: ENTRY.to_owned() };
        let catalogue =
            Catalogue::with_overlay(vec![entry]).map_err(Broken::setup("describing the provider"))?;
        Ok(Self {
            store: Arc::new(MemoryStore::new(Arc::new(clock.clone()), "first life")),
            provider: Arc::new(Forgetful::new()),
            catalogue: Arc::new(catalogue),
            space: Space::Sandbox(SandboxId::personal()),
            clock,
        })
    }

    fn machine(&self) -> Machine {
        let (clock, random, tasks) =
            (Arc::new(self.clock.clone()), Arc::new(SystemRandom), Arc::new(TokioTasks::new()));
        let store: Arc<dyn Store> = self.store.clone();
        let lock = LeaseLock::new(store.clone(), clock.clone(), random.clone(), tasks.clone());
        let ports = Ports {
            store,
            upstream: self.provider.clone(),
            refresh_lock: Arc::new(lock),
            key_sources: Arc::new(SharedKey),
            clock,
            random,
            tasks: tasks.clone(),
            processes: Arc::new(ManualProcesses::new()),
            catalogue: self.catalogue.clone(),
        };
        Machine { engine: Engine::new(ports, self.space.clone()), tasks }
    }

    async fn log_in(&self, engine: &Engine) -> Result<AccountReference, Broken> {
        let found = self.catalogue.find("forgetful").map_err(Broken::setup("finding the provider"))?;
        let missing = || Broken::Setup { act: "finding the provider", detail: "it is not there".into() };
        let plan = LoginPlan {
            provider: found.ok_or_else(missing)?,
            variables: BTreeMap::new(),
            issuer: None,
            client_id: "app".to_owned(),
            client_secret: None,
            scopes: Vec::new(),
            resource: Vec::new(),
            resource_server: None,
            binds_tokens: false,
            nickname: None,
        };
        let pending = engine
            .begin_authorization(&plan, "http://127.0.0.1:1/callback")
            .await
            .map_err(Broken::setup("beginning the login"))?;
        let state = pending.url().query_pairs().find(|(name, _)| name == "state");
        let query =
            format!("code=code&state={}", state.map(|(_, value)| value.into_owned()).unwrap_or_default());
        let logged_in = engine
            .finish_authorization(&plan, pending, &query)
            .await
            .map_err(Broken::setup("finishing the login"))?;
        Ok(logged_in.account.reference)
    }

    async fn spare_is_kept(&self) -> Result<(), Broken> {
        let query = EventQuery { after: 0, subject: None, limit: 100 };
        let events = self.store.events(&self.space, query).await;
        let events = events.map_err(Broken::setup("reading events"))?.value;
        let kept = events.iter().filter(|stored| stored.event.name == "account.spare_kept").count();
        Broken::unless(kept == 1, "a late answer is kept as a spare, once", kept)
    }
}

/// A provider that takes a token again until its successor was used, answers the first refresh late, and later knows
/// only one of the two lines.
#[derive(Debug)]
struct Forgetful {
    /// How often the first refresh token was presented.
    presented: watch::Sender<usize>,
    gate: Semaphore,
}

impl Forgetful {
    fn new() -> Self {
        Self { presented: watch::Sender::new(0), gate: Semaphore::new(0) }
    }

    async fn first_is_asked(&self) -> Result<(), Broken> {
        let mut presented = self.presented.subscribe();
        // The sender lives in `self`.
        let asked =
            in_time("the first refresh", async { presented.wait_for(|count| *count > 0).await.is_ok() });
        Broken::unless(asked.await?, "the first machine asks", "no call")
    }

    fn answer_first(&self) {
        self.gate.add_permits(1);
    }

    async fn answer(&self, form: &str) -> Response {
        if form.contains("grant_type=authorization_code") {
            return issued(0);
        }
        match form.split_once("refresh_token=refresh-").and_then(|(_, rest)| rest.chars().next()) {
            Some('0') => {
                let mut earlier = 0;
                self.presented.send_modify(|count| {
                    earlier = *count;
                    *count += 1;
                });
                if earlier > 0 {
                    return issued(2);
                }
                // A closed gate would let the answer go, which only ends the test earlier.
                let _ = self.gate.acquire().await;
                issued(1)
            }
            Some('1') => issued(3),
            _ => json(http::StatusCode::BAD_REQUEST, &serde_json::json!({ "error": "invalid_grant" })),
        }
    }
}

impl Upstream for Forgetful {
    fn send(&self, request: Request, _limits: SendLimits) -> BoxFuture<'_, Result<Response, SendError>> {
        async move {
            let form = String::from_utf8_lossy(request.body().expose()).into_owned();
            Ok(self.answer(&form).await)
        }
        .boxed()
    }
}

fn issued(number: u8) -> Response {
    let document = serde_json::json!({
        "access_token": format!("access-{number}"),
        "refresh_token": format!("refresh-{number}"),
        "token_type": "Bearer",
        "expires_in": 3600,
    });
    json(http::StatusCode::OK, &document)
}

fn json(status: http::StatusCode, document: &serde_json::Value) -> Response {
    let mut response = Response::new(Body::new(document.to_string().into_bytes()));
    *response.status_mut() = status;
    let kind = http::HeaderValue::from_static("application/json");
    response.headers_mut().insert(http::header::CONTENT_TYPE, kind);
    response
}

/// Both machines are given the same master key.
#[derive(Debug)]
struct SharedKey;

impl KeySources for SharedKey {
    fn existing<'a>(&'a self, _recorded: &'a str) -> BoxFuture<'a, Result<MasterKey, KeyError>> {
        ready(Ok(MasterKey::new([0; 32]))).boxed()
    }

    fn create(&self) -> BoxFuture<'_, Result<CreatedKey, KeyError>> {
        ready(Ok(CreatedKey { key: MasterKey::new([0; 32]), recorded: "shared".to_owned() })).boxed()
    }
}

const ENTRY: &str = r#"
id = "forgetful"
[endpoints]
authorize = "https://provider.example/authorize"
token = "https://provider.example/token"
[identity]
source = "none"
[refresh]
rotation = "rotate"
reuse = "until_successor_used"
"#;

/// Leaves two minutes of an access token that lives an hour.
const ALMOST_AN_HOUR: Duration = Duration::from_mins(58);
/// A lease lives a minute.
const LONGER_THAN_A_LEASE: Duration = Duration::from_secs(61);

//! A whole authorization server in this process, behind a real port: its store by choice, its clock moved by hand.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use axum::Router;
use bursar::config::environment::Environment;
use bursar::config::meaning::NetworkConfig;
use bursar::http::administration;
use bursar::http::oauth::{Issuing, router};
use bursar::sandboxes::SandboxServers;
use bursar::server::{Bound, DoorRules, Entrance, Limits, TrustedProxies};
use bursar::system::{SystemClock, TokioTasks};
use bursar::upstream_http::HttpUpstream;
use bursar_core::engine::issuer::AuthorizationServer;
use bursar_core::engine::issuer::administration::clients::NewClient;
use bursar_core::engine::issuer::records::client::Client;
use bursar_core::engine::issuer::records::resource::{Resource, TokenFormat};
use bursar_core::engine::issuer::records::user::User;
use bursar_core::engine::issuer::rules::Rules;
use bursar_core::engine::sandboxes::{NewSandbox, Sandbox, SandboxName, SandboxSettings, Sandboxes};
use bursar_core::engine::{Engine, Ports};
use bursar_core::memory::clock::ManualClock;
use bursar_core::memory::processes::ManualProcesses;
use bursar_core::memory::random::SeededRandom;
use bursar_core::oauth::scope::Scope;
use bursar_core::oauth::server::client_metadata::ClientMetadata;
use bursar_core::oauth::url::Issuer;
use bursar_core::ports::clock::Clock as _;
use bursar_core::ports::store::{EventQuery, SandboxId, Space, StoredEvent};
use bursar_core::ports::upstream::Upstream;
use bursar_core::provider::Catalogue;
use bursar_core::secret::Secret;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use tokio::sync::oneshot;

use super::ports::{Backwards, FailingStore, Faults, FixedKey, NoLock};
use super::site::{Backend, Site, embedded};

/// The API tokens are for.
pub(super) const MCP: &str = "https://mcp.test/mcp";
/// Another one, which the usual client does not ask for.
pub(super) const OTHER: &str = "https://other.test/api";
/// Where the usual client gets its answers.
pub(super) const CALLBACK: &str = "http://127.0.0.1:5000/callback";
/// Everybody's password.
pub(super) const PASSWORD: &str = "correct horse battery";

/// What a world is made of.
#[derive(Default)]
pub(super) struct Plan {
    /// What it is known by, if that is not its port.
    pub(super) issuer: Option<&'static str>,
    /// What the operator says.
    pub(super) rule: Option<fn(&mut Rules)>,
    /// Outgoing HTTP, if it is not the real one.
    pub(super) upstream: Option<Arc<dyn Upstream>>,
    /// What is said for requests' sizes and times.
    pub(super) limits: Limits,
}

/// A client, and its secret if it has one.
#[derive(Clone, Debug)]
pub(super) struct Known {
    pub(super) id: String,
    pub(super) secret: Option<Secret>,
}

/// A server and everything around it.
pub(super) struct World {
    pub(super) server: AuthorizationServer,
    pub(super) clock: ManualClock,
    pub(super) issuer: String,
    pub(super) http: reqwest::Client,
    /// The usual client: public, with all of [`CALLBACKS`].
    pub(super) client: Known,
    /// The API at [`MCP`], as a client that introspects.
    pub(super) api: Known,
    pub(super) user: User,
    pub(super) site: Arc<Site>,
    pub(super) address: SocketAddr,
    /// What stands before every path of a sandbox.
    pub(super) base: String,
    pub(super) sandboxes: SandboxServers,
    faults: Arc<Faults>,
    open_doors: Vec<oneshot::Sender<()>>,
}

/// The usual client's addresses.
pub(super) const CALLBACKS: [&str; 4] = [
    "http://127.0.0.1/callback",
    "http://[::1]/callback",
    "http://localhost/callback",
    "https://app.test/callback",
];

/// Runs a test on every store that needs no server.
pub(super) async fn on_every_store(test: impl AsyncFn(World)) {
    planned(&Plan::default, test).await;
}

/// The same with worlds of a plan.
pub(super) async fn planned(plan: &dyn Fn() -> Plan, test: impl AsyncFn(World)) {
    on_each(embedded(), plan, test).await;
}

/// Runs a test on each of these stores, in worlds of a plan.
pub(super) async fn on_each(backends: Vec<Backend>, plan: &dyn Fn() -> Plan, test: impl AsyncFn(World)) {
    for backend in backends {
        Box::pin(test(World::open(backend, plan()).await)).await;
    }
}

impl World {
    pub(super) async fn open(backend: Backend, plan: Plan) -> Self {
        let clock = ManualClock::new(Timestamp::from_second(1_800_000_000).unwrap());
        let site = Site::new(backend, &clock);
        let faults = Arc::new(Faults::default());
        let shared: Arc<ManualClock> = Arc::new(clock.clone());
        let real = site.open();
        let upstream = plan.upstream.unwrap_or_else(|| {
            Arc::new(HttpUpstream::new(
                &Environment::default(),
                &NetworkConfig::default(),
                Arc::new(SystemClock),
            ))
        });
        let ports = Ports {
            store: Arc::new(FailingStore { real, faults: faults.clone() }),
            upstream,
            refresh_lock: Arc::new(NoLock),
            key_sources: Arc::new(FixedKey),
            clock: shared,
            random: Arc::new(SeededRandom::new(1)),
            tasks: Arc::new(TokioTasks::new()),
            processes: Arc::new(ManualProcesses::new()),
            catalogue: Arc::new(Catalogue::embedded()),
        };
        let engine = Engine::new(ports, Space::Sandbox(SandboxId::personal()));
        engine.create_vault().await.unwrap();
        engine.unlock().await.unwrap();
        let (bound, address) = listener();
        let issuer =
            plan.issuer.map_or_else(|| format!("http://localhost:{}", address.port()), str::to_owned);
        let mut rules = Rules::of(Issuer::parse(&issuer).unwrap());
        if let Some(rule) = plan.rule {
            rule(&mut rules);
        }
        let server = AuthorizationServer::new(engine, rules, Arc::new(Backwards));
        let sandboxes = SandboxServers::new(server.clone(), Arc::default());
        let open = serve(bound, &sandboxes, plan.limits);
        let (user, client, api) = furnish(&server).await;
        Self {
            server,
            clock,
            issuer,
            http: caller(),
            client,
            api,
            user,
            site: Arc::new(site),
            address,
            base: String::new(),
            sandboxes,
            faults,
            open_doors: vec![open],
        }
    }

    /// Another process of the same server: its own port and memory, the same store. Returns its origin.
    pub(super) fn second_node(&mut self) -> String {
        let rules = self.server.rules().clone();
        let node = AuthorizationServer::new(self.server.engine().clone(), rules, Arc::new(Backwards));
        let (bound, address) = listener();
        let sandboxes = SandboxServers::new(node, Arc::default());
        self.open_doors.push(serve(bound, &sandboxes, Limits::default()));
        format!("http://{address}")
    }

    /// A new sandbox of this server, as a world of its own on the same store, with everything in it that a world has.
    pub(super) async fn sandbox(&self, name: &str) -> Self {
        let wish = NewSandbox {
            name: SandboxName::parse(name).unwrap(),
            host: None,
            lifetime: None,
            settings: SandboxSettings::default(),
        };
        self.sandbox_like(wish).await
    }

    /// The same as it is wanted.
    pub(super) async fn sandbox_like(&self, wish: NewSandbox) -> Self {
        let sandbox = Sandboxes::new(self.server.engine().clone()).add(wish).await.unwrap();
        self.world_of(&sandbox).await
    }

    /// The world of a sandbox that has nothing in it.
    pub(super) async fn world_of(&self, sandbox: &Sandbox) -> Self {
        let server = self.sandboxes.of(sandbox).unwrap();
        let (user, client, api) = furnish(&server).await;
        let issuer = server.rules().issuer.as_str().to_owned();
        Self {
            base: server.rules().issuer.as_url().path().trim_end_matches('/').to_owned(),
            issuer,
            server,
            user,
            client,
            api,
            clock: self.clock.clone(),
            http: self.http.clone(),
            site: Arc::clone(&self.site),
            address: self.address,
            sandboxes: self.sandboxes.clone(),
            faults: Arc::clone(&self.faults),
            open_doors: Vec::new(),
        }
    }

    /// Where a path of the server is reached.
    pub(super) fn at(&self, path: &str) -> String {
        // Answers lead to whole paths.
        let base = if path.starts_with(&format!("{}/", self.base)) { "" } else { &self.base };
        format!("http://{}{base}{path}", self.address)
    }

    /// What a path of the server is called by everybody.
    pub(super) fn named(&self, path: &str) -> String {
        format!("{}{path}", self.issuer)
    }

    pub(super) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Lets time pass.
    pub(super) fn pass(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }

    /// From now on commits fail, or do not.
    pub(super) fn fail_commits(&self, fails: bool) {
        self.fail_commits_after(if fails { 0 } else { u64::MAX });
    }

    /// So many commits go well, and then none.
    pub(super) fn fail_commits_after(&self, commits: u64) {
        self.faults.commits.store(commits, Ordering::SeqCst);
    }

    /// Nothing becomes due, is tidied or changed in this world any more; worlds around it go on.
    pub(super) fn break_down(&self) {
        *self.faults.broken.lock().unwrap() = Some(self.server.engine().space().clone());
    }

    /// Adds a client with these members besides the usual ones.
    pub(super) async fn add_client(&self, members: Value) -> Known {
        add(&self.server, members).await
    }

    /// Adds a user with the usual password.
    pub(super) async fn add_user(&self, username: &str) -> User {
        self.server.add_user(person(username), Some(Secret::new(PASSWORD))).await.unwrap()
    }

    /// Everything that was reported.
    pub(super) async fn events(&self) -> Vec<StoredEvent> {
        let query = EventQuery { after: 0, subject: None, limit: 100_000 };
        let engine = self.server.engine();
        engine.ports().store.events(engine.space(), query).await.unwrap().value
    }

    /// Whether something of this name was reported.
    pub(super) async fn was_reported(&self, name: &str) -> bool {
        self.events().await.iter().any(|event| event.event.name == name)
    }

    /// Every byte the store would give to whoever takes a copy of it.
    pub(super) async fn dump(&self) -> String {
        let mut dump = Vec::new();
        self.server.engine().ports().store.backup(&mut dump).await.unwrap();
        let mut text = String::from_utf8_lossy(&dump).into_owned();
        for (_, bytes) in self.site.files() {
            text.push_str(&String::from_utf8_lossy(&bytes));
        }
        text
    }
}

/// The usual user and client, and the API with its client.
async fn furnish(server: &AuthorizationServer) -> (User, Known, Known) {
    let user = server.add_user(person("ada"), Some(Secret::new(PASSWORD))).await.unwrap();
    let client = add(server, json!({})).await;
    let api = add(
        server,
        json!({
            "grant_types": ["client_credentials"], "token_endpoint_auth_method": "client_secret_basic",
        }),
    )
    .await;
    for url in [MCP, OTHER] {
        let resource = resource(url, &api.id, server.now());
        assert!(server.add_resource(&resource).await.unwrap());
    }
    (user, client, api)
}

fn routes(sandboxes: &SandboxServers) -> Router {
    let server = sandboxes.around();
    router(Issuing::new(server.clone(), Arc::default()))
        .merge(administration::router(server))
        .merge(administration::installation_router(sandboxes))
}

fn listener() -> (Bound, SocketAddr) {
    let bound = Bound::open(&["127.0.0.1:0".parse().unwrap()], &DoorRules::default()).unwrap();
    let address = bound.addresses().next().unwrap();
    (bound, address)
}

fn serve(bound: Bound, sandboxes: &SandboxServers, limits: Limits) -> oneshot::Sender<()> {
    // Requests say where they come from, as a proxy would.
    let proxies = TrustedProxies::new(vec!["127.0.0.1/32".parse().unwrap()]);
    let rules = DoorRules { is_tls: false, proxies };
    let entrance = Entrance {
        router: routes(sandboxes),
        rules,
        limits,
        certificate: None,
        clock: Arc::new(SystemClock),
        refusals: Some(sandboxes.around().clone()),
        sandboxes: Some(sandboxes.clone()),
    };
    let (stop, stopped) = oneshot::channel::<()>();
    beside(async move { entrance.serve(bound, async move { drop(stopped.await) }).await });
    stop
}

#[expect(clippy::disallowed_methods, reason = "servers of a test live beside it")]
pub(super) fn beside<T: Send + 'static>(
    future: impl Future<Output = T> + Send + 'static,
) -> tokio::task::JoinHandle<T> {
    tokio::spawn(future)
}

fn caller() -> reqwest::Client {
    let builder = reqwest::Client::builder().no_proxy().timeout(Duration::from_mins(1));
    builder.redirect(reqwest::redirect::Policy::none()).build().unwrap()
}

pub(super) async fn add(server: &AuthorizationServer, members: Value) -> Known {
    let mut object = json!({
        "redirect_uris": CALLBACKS, "client_name": "Editor", "token_endpoint_auth_method": "none",
        "grant_types": ["authorization_code", "refresh_token"],
    });
    let mut rotates = true;
    let mut scope = None;
    for (name, value) in members.as_object().unwrap() {
        match name.as_str() {
            "rotates" => rotates = value == true,
            "allowed_scope" => scope = Some(Scope::parse(value.as_str().unwrap()).unwrap()),
            _ => object[name] = value.clone(),
        }
    }
    let metadata = ClientMetadata::from_object(object.as_object().unwrap()).unwrap();
    let (client, secret): (Client, _) =
        server.add_client(NewClient { metadata, scope, rotates }).await.unwrap();
    Known { id: client.id, secret }
}

pub(super) fn resource(url: &str, introspector: &str, now: Timestamp) -> Resource {
    Resource {
        url: url.to_owned(),
        name: None,
        scopes: BTreeMap::from([("read".to_owned(), String::new()), ("write".to_owned(), String::new())]),
        format: TokenFormat::default(),
        access_lifetime: None::<SignedDuration>,
        tools: BTreeMap::new(),
        introspectors: if url == MCP { vec![introspector.to_owned()] } else { Vec::new() },
        requires_proof: false,
        created_at: now,
    }
}

pub(super) fn person(username: &str) -> User {
    User {
        name: Some("Ada Lovelace".to_owned()),
        email: Some(format!("{username}@example.test")),
        email_verified: true,
        ..User::called(username)
    }
}

//! Two processes of one server on one store, which die and come back.

use std::sync::Arc;

use bursar::system::TokioTasks;
use bursar_core::engine::issuer::AuthorizationServer;
use bursar_core::engine::issuer::records::resource::TokenFormat;
use bursar_core::engine::issuer::rules::Rules;
use bursar_core::engine::{Engine, Ports};
use bursar_core::memory::MemoryStore;
use bursar_core::memory::clock::ManualClock;
use bursar_core::memory::processes::ManualProcesses;
use bursar_core::memory::random::SeededRandom;
use bursar_core::oauth::url::Issuer;
use bursar_core::ports::store::{SandboxId, Space, Store};
use bursar_core::provider::Catalogue;
use jiff::Timestamp;
use serde_json::json;

use super::faults::{InterruptedStore, Plan};
use super::schedule::finish;
use crate::issuing::ports::{Backwards, FixedKey, NoLock};
use crate::issuing::site::{Backend, Site};
use crate::issuing::web::Web;
use crate::issuing::world::{Known, MCP, OTHER, add, person, resource};

/// The APIs tokens are for: one takes JWTs, the other opaque tokens.
pub(super) const RESOURCES: [&str; 2] = [MCP, OTHER];
pub(super) const CLIENTS: usize = 8;
/// So many take the place of those that are removed.
const SPARE: usize = 8;
pub(super) const USERS: usize = 3;
pub(super) const NODES: usize = 2;

/// The processes, and what outlives them.
pub(super) struct World {
    pub(super) clock: ManualClock,
    pub(super) plan: Arc<Plan>,
    pub(super) nodes: Vec<AuthorizationServer>,
    /// Every client there ever will be, by id.
    pub(super) clients: Vec<String>,
    /// Which of them the clients of today are.
    pub(super) today: [usize; CLIENTS],
    pub(super) users: Vec<String>,
    /// A client of the APIs, which introspects.
    pub(super) api: Known,
    store: Arc<dyn Store>,
    random: Arc<SeededRandom>,
    site: Site,
}

impl World {
    pub(super) fn new(backend: Backend, plan: Plan) -> Self {
        let clock = ManualClock::new(Timestamp::from_second(1_800_000_000).unwrap());
        let site = Site::new(backend, &clock);
        let (store, random) = (site.open(), Arc::new(SeededRandom::new(1)));
        let plan = Arc::new(plan);
        let first = node(&store, &plan, &clock, &random);
        let (clients, users, api) = finish(async {
            let mut clients = Vec::new();
            for _ in 0..CLIENTS + SPARE {
                clients.push(add(&first, json!({})).await.id);
            }
            let mut users = Vec::new();
            for number in 0..USERS {
                users.push(first.add_user(person(&format!("user-{number}")), None).await.unwrap().id);
            }
            let introspects = json!({
                "grant_types": ["client_credentials"], "token_endpoint_auth_method": "client_secret_basic",
            });
            let api = add(&first, introspects).await;
            for (url, format) in RESOURCES.into_iter().zip([TokenFormat::default(), TokenFormat::Opaque]) {
                let mut resource = resource(url, &api.id, first.now());
                resource.introspectors = vec![api.id.clone()];
                resource.format = format;
                assert!(first.add_resource(&resource).await.unwrap());
            }
            (clients, users, api)
        });
        let today = std::array::from_fn(|client| client);
        let mut world =
            Self { clock, plan, nodes: vec![first], clients, today, users, api, store, random, site };
        while world.nodes.len() < NODES {
            world.nodes.push(world.new_node());
        }
        world
    }

    /// A process has died, and another takes its place. It remembers nothing.
    pub(super) fn replace(&mut self, number: usize) {
        self.nodes[number] = self.new_node();
    }

    /// All of them have, and the store is opened anew.
    pub(super) fn restart(&mut self) {
        self.nodes.clear();
        if !matches!(self.site.backend, Backend::Memory) {
            // Nobody may have it open any more.
            self.store = Arc::new(MemoryStore::new(Arc::new(self.clock.clone()), "none"));
            self.store = self.site.open();
        }
        while self.nodes.len() < NODES {
            self.nodes.push(self.new_node());
        }
    }

    /// Whether somebody could take the place of a client.
    pub(super) fn has_spare_client(&self) -> bool {
        self.today.iter().max().is_some_and(|last| last + 1 < self.clients.len())
    }

    /// Whoever was removed comes back as somebody else.
    pub(super) fn replace_client(&mut self, client: usize) {
        let next = self.today.iter().max().map_or(0, |last| last + 1);
        if let Some(place) = self.today.iter_mut().find(|place| **place == client)
            && next < self.clients.len()
        {
            *place = next;
        }
    }

    fn new_node(&self) -> AuthorizationServer {
        node(&self.store, &self.plan, &self.clock, &self.random)
    }
}

fn node(
    store: &Arc<dyn Store>,
    plan: &Arc<Plan>,
    clock: &ManualClock,
    random: &Arc<SeededRandom>,
) -> AuthorizationServer {
    let ports = Ports {
        store: Arc::new(InterruptedStore { real: store.clone(), plan: plan.clone() }),
        upstream: Arc::new(Web::default()),
        refresh_lock: Arc::new(NoLock),
        key_sources: Arc::new(FixedKey),
        clock: Arc::new(clock.clone()),
        random: random.clone(),
        tasks: Arc::new(TokioTasks::new()),
        processes: Arc::new(ManualProcesses::new()),
        catalogue: Arc::new(Catalogue::embedded()),
    };
    let engine = Engine::new(ports, Space::Sandbox(SandboxId::personal()));
    finish(async {
        engine.create_vault().await.unwrap();
        engine.unlock().await.unwrap();
    });
    AuthorizationServer::new(
        engine,
        Rules::of(Issuer::parse("https://as.test").unwrap()),
        Arc::new(Backwards),
    )
}

//! Puts the real world behind the ports. Nobody else names concrete backends.

mod backend;
mod error;

use std::sync::Arc;

use bursar_core::engine::lease::LeaseLock;
use bursar_core::engine::{Engine, NetworkRules, Ports};
use bursar_core::memory::MemoryStore;
use bursar_core::ports::clock::Clock;
use bursar_core::ports::random::{Random, unguessable};
use bursar_core::ports::refresh_lock::RefreshLock;
use bursar_core::ports::store::{SandboxId, Space, Store, StoreError};
use bursar_core::ports::upstream::Upstream;
use bursar_core::secret::Secret;
use bursar_store::shared_clock::SharedClock;
use bursar_store::sqlite::SqliteStore;
use bursar_store::sqlite::salvage::{SalvageReport, salvage};

use self::backend::{Opened, Opening, embedded};
pub use self::error::WiringError;
use crate::config::Config;
use crate::config::environment::Environment;
use crate::config::meaning::NetworkConfig;
use crate::config::paths::Paths;
use crate::config::store_place::StorePlace;
use crate::locks::KernelRefreshLock;
use crate::master_key::MasterKeys;
use crate::processes::SystemProcesses;
use crate::server::ephemeral::{InProcessLock, ThrowAwayKey};
use crate::system::{SystemClock, SystemRandom, TokioTasks};
use crate::upstream_http::HttpUpstream;

/// Places where a proof can step between the engine and the world. The program itself leaves them alone.
#[derive(Default)]
pub struct Seams {
    /// Replaces the clock.
    pub clock: Option<Arc<dyn Clock>>,
    /// Wraps the store.
    pub store: Option<Wrap<dyn Store>>,
    /// Wraps outgoing HTTP.
    pub upstream: Option<Wrap<dyn Upstream>>,
    /// Called inside every commit of the embedded store.
    pub on_commit: Option<Arc<dyn Fn() + Send + Sync>>,
}

/// Puts something around a port.
pub type Wrap<T> = Box<dyn FnOnce(Arc<T>) -> Arc<T>>;

impl std::fmt::Debug for Seams {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Seams")
    }
}

/// The engine on real ports, and the tasks that must end before the process does.
#[derive(Debug)]
pub struct Wired {
    /// The use cases.
    pub engine: Engine,
    /// Detached work.
    pub tasks: Arc<TokioTasks>,
    /// The master key's source, which may have something to tell.
    pub keys: Arc<MasterKeys>,
    /// The file of this machine, if everything is there.
    embedded: Option<Arc<SqliteStore>>,
    /// A proof stands between the engine and the network, and stays there.
    is_upstream_wrapped: bool,
}

impl Wired {
    /// Whether the store is the file of this machine: only then does somebody have to look for others' changes.
    pub fn is_embedded(&self) -> bool {
        self.embedded.is_some()
    }

    /// Looks whether another process has written to the file, and wakes whoever watches it. Servers tell by themselves.
    pub fn look_for_changes(&self) {
        let Some(file) = &self.embedded else { return };
        if let Err(error) = file.poll_changes() {
            tracing::debug!(%error, "changes of other processes cannot be seen now");
        }
    }

    /// `engine` with what a new configuration says. Where the master key is kept is asked once, at the start.
    pub fn reconfigured(&self, engine: &Engine, environment: &Environment, config: &Config) -> Engine {
        let ports = engine.ports();
        let upstream: Arc<dyn Upstream> = if self.is_upstream_wrapped {
            ports.upstream.clone()
        } else {
            Arc::new(HttpUpstream::new(environment, &config.network, ports.clock.clone()))
        };
        engine.reconfigured(Arc::new(config.catalogue.clone()), upstream, network_rules(config))
    }
}

/// Whether a person started the command and may be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Caller {
    /// A person who waits for it.
    Person,
    /// A program: nothing may prompt.
    Program,
}

/// Wires the configured store, the system and the network together.
///
/// # Errors
/// The store cannot be opened.
pub async fn wire(
    environment: &Environment,
    paths: &Paths,
    config: &Config,
    caller: Caller,
    seams: Seams,
) -> Result<Wired, WiringError> {
    let is_clock_given = seams.clock.is_some();
    let clock = seams.clock.unwrap_or_else(|| Arc::new(SystemClock));
    let random: Arc<dyn Random> = Arc::new(SystemRandom);
    let tasks = Arc::new(TokioTasks::new());
    let opening = Opening {
        environment,
        paths,
        clock: clock.clone(),
        is_clock_given,
        random: &*random,
        on_commit: seams.on_commit,
    };
    let Opened { store, embedded } = backend::open(&config.store, &opening).await?;
    let store = seams.store.map_or_else(|| store.clone(), |wrap| wrap(store.clone()));
    let upstream: Arc<dyn Upstream> =
        Arc::new(HttpUpstream::new(environment, &config.network, clock.clone()));
    let is_upstream_wrapped = seams.upstream.is_some();
    let upstream = seams.upstream.map_or_else(|| upstream.clone(), |wrap| wrap(upstream.clone()));
    let keys = MasterKeys::new(
        environment.clone(),
        paths.clone(),
        config.vault.clone(),
        clock.clone(),
        random.clone(),
    );
    let keys = Arc::new(if caller == Caller::Person { keys.interactive() } else { keys });
    // What one process reckons another one judges: who shares a store shares its clock.
    let clock: Arc<dyn Clock> = if is_clock_given || embedded.is_some() {
        clock
    } else {
        Arc::new(SharedClock::new(clock, store.clone()))
    };
    let space = Space::Sandbox(SandboxId::personal());
    let refresh_lock: Arc<dyn RefreshLock> = if embedded.is_some() {
        Arc::new(KernelRefreshLock::new(paths.locks(), clock.clone()))
    } else {
        // Other machines share the store, and no lock of this one holds them back.
        let (store, clock, random) = (store.clone(), clock.clone(), random.clone());
        Arc::new(LeaseLock::new(store, clock, random, tasks.clone()))
    };
    let ports = Ports {
        store,
        upstream,
        refresh_lock,
        key_sources: keys.clone(),
        clock,
        random,
        tasks: tasks.clone(),
        processes: Arc::new(SystemProcesses::new()),
        catalogue: Arc::new(config.catalogue.clone()),
    };
    let engine = Engine::new(ports, space).with_network(network_rules(config));
    Ok(Wired { engine, tasks, keys, embedded, is_upstream_wrapped })
}

/// Wires a store in memory and a key that nobody keeps to the system and the network: no file is read or written.
pub(crate) fn wire_ephemeral(
    environment: &Environment,
    config: &Config,
    seams: Seams,
) -> (Engine, Arc<TokioTasks>) {
    let clock = seams.clock.unwrap_or_else(|| Arc::new(SystemClock));
    let random: Arc<dyn Random> = Arc::new(SystemRandom);
    let tasks = Arc::new(TokioTasks::new());
    let store: Arc<dyn Store> =
        Arc::new(MemoryStore::new(clock.clone(), unguessable(&*random).expose().to_owned()));
    let upstream: Arc<dyn Upstream> =
        Arc::new(HttpUpstream::new(environment, &config.network, clock.clone()));
    let ports = Ports {
        store: seams.store.map_or_else(|| store.clone(), |wrap| wrap(store.clone())),
        upstream: seams.upstream.map_or_else(|| upstream.clone(), |wrap| wrap(upstream.clone())),
        refresh_lock: Arc::new(InProcessLock::new(clock.clone())),
        key_sources: Arc::new(ThrowAwayKey::new(&*random)),
        clock,
        random,
        tasks: tasks.clone(),
        processes: Arc::new(SystemProcesses::new()),
        catalogue: Arc::new(config.catalogue.clone()),
    };
    let engine =
        Engine::new(ports, Space::Sandbox(SandboxId::personal())).with_network(network_rules(config));
    (engine, tasks)
}

fn network_rules(config: &Config) -> NetworkRules {
    let proxies = config.providers.iter().filter_map(|(name, provider)| {
        let proxy = provider.proxy.clone()?;
        let known = config.catalogue.find(name).ok().flatten();
        Some((known.map_or_else(|| name.clone(), |known| known.id.to_string()), proxy))
    });
    NetworkRules { call_time: Some(config.network.timeout.unsigned_abs()), proxies: proxies.collect() }
}

/// Outgoing HTTP by itself, for a command that only reads something.
pub(crate) fn outgoing(
    environment: &Environment,
    network: &NetworkConfig,
    clock: &Arc<dyn Clock>,
) -> Arc<dyn Upstream> {
    Arc::new(HttpUpstream::new(environment, network, Arc::clone(clock)))
}

/// A store beside the configured one.
#[derive(Debug)]
pub(crate) struct Beside<'a> {
    /// Where it is.
    pub(crate) place: &'a StorePlace,
    /// Its password, if it takes one.
    pub(crate) password: Option<Secret>,
    /// What an interrupted restore has left there goes.
    pub(crate) discards_half_restored: bool,
}

/// Opens a store beside the configured one, for everything.
pub(crate) async fn open_beside(
    wanted: &Beside<'_>,
    environment: &Environment,
    paths: &Paths,
    config: &Config,
    clock: Arc<dyn Clock>,
) -> Result<Arc<dyn Store>, WiringError> {
    let opening =
        Opening { environment, paths, clock, is_clock_given: false, random: &SystemRandom, on_commit: None };
    backend::open_beside(wanted, &config.store, &opening).await
}

/// The embedded store by itself, for what must work when nothing else does.
pub(crate) fn open_embedded_store(paths: &Paths) -> Result<Arc<dyn Store>, StoreError> {
    Ok(Arc::new(SqliteStore::open(embedded(paths, Arc::new(SystemClock), &SystemRandom))?))
}

/// What the embedded store's own check of its whole file complains about; nothing if it is sound.
pub(crate) fn embedded_store_complaints(paths: &Paths) -> Result<Vec<String>, StoreError> {
    SqliteStore::open(embedded(paths, Arc::new(SystemClock), &SystemRandom))?.integrity()
}

/// Saves what is readable of a damaged embedded store.
pub(crate) fn salvage_embedded_store(paths: &Paths) -> Result<SalvageReport, StoreError> {
    salvage(&embedded(paths, Arc::new(SystemClock), &SystemRandom))
}

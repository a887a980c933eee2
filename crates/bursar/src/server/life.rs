//! The server's life: everything that can be wrong is told before anything is opened, and what has begun is ended.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use bursar_core::engine::Engine;
use bursar_core::engine::issuer::AuthorizationServer;
use bursar_core::engine::keeper::Keeper;
use bursar_core::ports::clock::Clock;
use futures::FutureExt as _;
use futures::future::select;
use tokio::sync::watch;

use super::address::Bound;
use super::certificate::{Certificate, CertificateFiles};
use super::door::DoorRules;
use super::error::ServerError;
use super::health::{Readiness, with_health};
use super::housekeeping::{Chore, Housekeeper};
use super::limits::Limits;
use super::listener::Entrance;
use super::public_url::PublicUrl;
use super::source::TrustedProxies;
use crate::config::Config;
use crate::config::environment::Environment;
use crate::config::paths::Paths;
use crate::exit::{Exit, Failure};
use crate::http::serving::{allow_many_descriptors, descriptors_for_connections};
use crate::sandboxes::SandboxServers;
use crate::system::TokioTasks;
use crate::wiring::{self, Caller, Seams, Wired};

/// What a person says on the command line; it wins over the configuration.
#[derive(Clone, Debug, Default)]
pub struct Wish {
    /// Where to listen; empty: as configured.
    pub listen: Vec<SocketAddr>,
    /// What the server is known by; `None`: as configured.
    pub public_url: Option<PublicUrl>,
    /// Everything is kept in memory and gone at the end.
    pub is_ephemeral: bool,
}

/// What the routes stand on.
#[derive(Debug)]
pub struct Ground {
    /// The use cases.
    pub engine: Engine,
    /// The issuer.
    pub public_url: PublicUrl,
    /// The configuration.
    pub config: Config,
    /// Nothing of it stays.
    pub is_ephemeral: bool,
}

/// What a server has inside.
#[derive(Debug, Default)]
pub struct House {
    /// Its routes, but for those about health.
    pub router: Router,
    /// Who notes why requests get nothing.
    pub refusals: Option<AuthorizationServer>,
    /// Servers of sandboxes beside it.
    pub sandboxes: Option<SandboxServers>,
    /// What it does by itself.
    pub chores: Vec<Chore>,
}

/// What a server tells when it is open.
#[derive(Debug)]
pub struct Opened {
    /// Where it listens.
    pub urls: Vec<String>,
    /// What it is known by.
    pub public_url: PublicUrl,
    /// Nothing of it stays.
    pub is_ephemeral: bool,
}

/// Is the server until it is stopped. `furnish` builds what is inside; `attend` begins when it is open, and the server stops
/// when that returns.
///
/// # Errors
/// The configuration cannot be used, an address cannot be had, or the store cannot be opened; or `attend` failed.
pub fn run(
    environment: &Environment,
    wish: &Wish,
    seams: Seams,
    furnish: impl AsyncFnOnce(&Ground) -> Result<House, Failure>,
    attend: impl AsyncFnOnce(&Opened) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let paths = Paths::resolve(environment)?;
    let mut config = Config::load(environment, &paths)?;
    config.issuing()?;
    let is_ephemeral = wish.is_ephemeral || config.is_in_memory()?;
    if !is_ephemeral {
        config.keep_as_server()?;
    }
    if let Err(error) = allow_many_descriptors() {
        tracing::warn!(%error, "few connections can be open at a time");
    }
    let workers = std::thread::available_parallelism().map_or(1, std::num::NonZero::get).min(MOST_WORKERS);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(workers)
        .enable_all()
        .build()
        .map_err(|error| Failure::of(Exit::Error, &error))?;
    let lived = runtime.block_on(async {
        let gate = Gate::open(&config, wish)?;
        let foundation = Foundation::lay(environment, &paths, &config, is_ephemeral, seams).await?;
        let ground = Ground {
            engine: foundation.engine.clone(),
            public_url: gate.public_url.clone(),
            config,
            is_ephemeral,
        };
        let house = furnish(&ground).await?;
        let opened = Opened {
            urls: gate.bound.urls(gate.rules.is_tls),
            public_url: gate.public_url.clone(),
            is_ephemeral,
        };
        Box::pin(live(gate, foundation, house, attend(&opened))).await
    });
    // A name lookup that hangs in the system must not keep the process.
    runtime.shutdown_background();
    lived
}

/// The way in, before anything is behind it: callers wait in the system's queue.
struct Gate {
    bound: Bound,
    rules: DoorRules,
    certificate: Option<Certificate>,
    public_url: PublicUrl,
    limits: Limits,
}

impl Gate {
    fn open(config: &Config, wish: &Wish) -> Result<Self, ServerError> {
        let server = &config.server;
        let files = CertificateFiles::of(server.tls_certificate.clone(), server.tls_key.clone())?;
        let certificate = files.map(Certificate::load).transpose()?;
        let proxies = TrustedProxies::new(server.trusted_proxies.clone());
        let rules = DoorRules { is_tls: certificate.is_some(), proxies };
        let listen = if wish.listen.is_empty() { &server.listen } else { &wish.listen };
        let bound = Bound::open(listen, &rules)?;
        let public_url = match wish.public_url.as_ref().or(server.public_url.as_ref()) {
            Some(url) => url.clone(),
            None => bound.default_public_url(rules.is_tls)?,
        };
        let limits =
            Limits::within(descriptors_for_connections()).for_one_address(server.connections_per_address);
        Ok(Self { bound, rules, certificate, public_url, limits })
    }
}

/// The engine, and what keeps it going.
struct Foundation {
    engine: Engine,
    tasks: Arc<TokioTasks>,
    /// The store that stays; `None`: there is none.
    wired: Option<Wired>,
}

impl Foundation {
    async fn lay(
        environment: &Environment,
        paths: &Paths,
        config: &Config,
        is_ephemeral: bool,
        seams: Seams,
    ) -> Result<Self, Failure> {
        if is_ephemeral {
            let (engine, tasks) = wiring::wire_ephemeral(environment, config, seams);
            return Ok(Self { engine: engine.with_shelf(), tasks, wired: None });
        }
        paths.prepare(false)?;
        let wired = wiring::wire(environment, paths, config, Caller::Program, seams).await?;
        let engine = wired.engine.clone().with_shelf();
        Ok(Self { engine, tasks: Arc::clone(&wired.tasks), wired: Some(wired) })
    }

    fn clock(&self) -> &dyn Clock {
        &*self.engine.ports().clock
    }

    /// Opens the vault, or makes one for a new store, and opens it again if it was shut. What a person has locked stays
    /// locked.
    async fn keep_vault_open(&self) {
        let mut pause = FIRST_RETRY;
        loop {
            if !self.engine.is_unlocked() && !self.engine.is_locked() {
                let opened = match self.engine.create_vault().await {
                    Ok(_) => self.engine.unlock().await,
                    Err(error) => Err(error),
                };
                match opened {
                    Ok(()) => pause = FIRST_RETRY,
                    Err(error) => {
                        let failure = Failure::from(error);
                        let Failure { message, causes, hint, .. } = failure;
                        tracing::warn!(?causes, hint, "the vault stays shut for now: {message}");
                        pause = (pause * 2).min(LAST_RETRY);
                    }
                }
                if let Some(notice) = self.wired.as_ref().and_then(|wired| wired.keys.take_notice()) {
                    tracing::warn!("{notice}");
                }
            }
            self.clock().sleep(pause).await;
        }
    }

    /// Hears of other processes' commits soon.
    async fn look_at_store(&self) {
        let embedded = self.wired.as_ref().filter(|wired| wired.is_embedded());
        let Some(wired) = embedded else { return std::future::pending().await };
        loop {
            wired.look_for_changes();
            self.clock().sleep(LOOK_AGAIN).await;
        }
    }
}

async fn live(
    gate: Gate,
    foundation: Foundation,
    house: House,
    attend: impl Future<Output = Result<(), Failure>>,
) -> Result<(), Failure> {
    let Gate { bound, rules, certificate, limits, .. } = gate;
    let readiness = Readiness::new(foundation.engine.clone());
    let entrance = Entrance {
        router: with_health(house.router, readiness.clone()),
        rules,
        limits,
        certificate: certificate.clone(),
        clock: Arc::clone(&foundation.engine.ports().clock),
        refusals: house.refusals,
        sandboxes: house.sandboxes,
    };
    let housekeeper = Housekeeper::new(house.chores);
    // Every node keeps every account: whoever comes first holds the others back, and they find it done.
    let keeper = Keeper::new(foundation.engine.clone(), None);
    let (stop, stopping) = watch::channel(false);
    let stopped = || {
        let mut stopping = stopping.clone();
        async move {
            // A sender that is gone means the same.
            let _stopped = stopping.wait_for(|stop| *stop).await;
        }
    };
    let follow_certificate = async {
        match &certificate {
            Some(certificate) => certificate.follow(foundation.clock()).await,
            None => std::future::pending().await,
        }
    };
    let mut work = Box::pin(
        async {
            futures::join!(
                entrance.serve(bound, stopped()),
                until(stopped(), foundation.keep_vault_open()),
                until(stopped(), foundation.look_at_store()),
                keeper.run(stopped()),
                until(stopped(), housekeeper.keep(foundation.clock())),
                until(stopped(), follow_certificate),
            )
        }
        .fuse(),
    );
    let mut interrupted = Box::pin(foundation.tasks.interrupted().fuse());
    // Signals are heard from the first look on: whoever reads the address may send one at once.
    let mut attended = Ok(());
    if !futures::poll!(interrupted.as_mut()).is_ready() {
        let mut attend = Box::pin(attend.fuse());
        notify_manager(true);
        futures::select_biased! {
            () = interrupted => {}
            _ = work => {}
            ended = attend => attended = ended,
        }
    }
    tracing::info!("the server is stopping");
    notify_manager(false);
    readiness.stop();
    stop.send_replace(true);
    let rest = async {
        work.await;
        foundation.tasks.drained(LONGEST_TASK).await
    };
    let again = foundation.tasks.interrupted();
    futures::select_biased! {
        drained = Box::pin(rest.fuse()) => if !drained {
            tracing::warn!("a refresh has not ended; its journal stays open");
        },
        () = Box::pin(again.fuse()) => tracing::warn!("stopped at once: what is under way is cut off"),
    }
    tracing::info!("the server has stopped");
    attended
}

/// `work` for as long as `stopped` has not completed.
async fn until(stopped: impl Future<Output = ()>, work: impl Future<Output = ()>) {
    select(std::pin::pin!(stopped), std::pin::pin!(work)).await;
}

#[cfg(target_os = "linux")]
fn notify_manager(is_ready: bool) {
    let state = if is_ready { sd_notify::NotifyState::Ready } else { sd_notify::NotifyState::Stopping };
    if let Err(error) = sd_notify::notify(&[state]) {
        tracing::warn!(%error, "the service manager was not told");
    }
}

#[cfg(not(target_os = "linux"))]
fn notify_manager(_is_ready: bool) {}

/// More threads than this find nothing to do beside one embedded store, and each costs memory.
const MOST_WORKERS: usize = 4;
/// A keychain that a person is just opening; then less and less often.
const FIRST_RETRY: Duration = Duration::from_secs(5);
const LAST_RETRY: Duration = Duration::from_mins(1);
/// What another process has revoked must not be honoured for longer than this here.
const LOOK_AGAIN: Duration = Duration::from_millis(250);
/// As long as one call to a provider and its saving can take.
const LONGEST_TASK: Duration = Duration::from_secs(50);

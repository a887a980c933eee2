//! The agent's life: one of its kind, its door open before its vault, and nothing lost when it goes.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bursar_core::engine::Engine;
use bursar_core::engine::keeper::{Keeper, Nightly};
use bursar_core::ports::clock::Clock;
use futures::FutureExt as _;
use futures::future::{Either, select};
use jiff::tz::TimeZone;
use tokio::sync::{Notify, watch};

use super::host::Agent;
use super::single::Single;
use super::socket::Door;
use super::watching::{Watching, Written};
use crate::cli::exec::folder::remove_leftovers;
use crate::config::Config;
use crate::config::environment::Environment;
use crate::config::meaning::AgentConfig;
use crate::config::paths::Paths;
use crate::config::store::StoreConfig;
use crate::desk::Desk;
use crate::exit::{Exit, Failure};
use crate::http::serving::{Hall, allow_many_descriptors};
use crate::http::{self, AgentSandboxes, Api};
use crate::logins::Logins;
use crate::system::TokioTasks;
use crate::wiring::{self, Caller, Seams, Wired};

/// Is the agent until it is stopped.
pub fn run(environment: &Environment, seams: Seams) -> Result<(), Failure> {
    let paths = Paths::resolve(environment)?;
    paths.prepare(false)?;
    let _single = Single::claim(&paths)?;
    let written = Written::of(&paths, &provider_folder(environment, &paths));
    let config = Config::load(environment, &paths)?;
    let leftovers = remove_leftovers(&paths.runtime_folder().join("sessions"));
    if leftovers > 0 {
        tracing::info!(leftovers, "folders of killed runs are removed");
    }
    if let Err(error) = allow_many_descriptors() {
        tracing::warn!(%error, "few connections can be open at a time");
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(WORKERS)
        .enable_all()
        .build()
        .map_err(|error| Failure::of(Exit::Error, &error))?;
    let lived = runtime.block_on(async {
        let wired = wiring::wire(environment, &paths, &config, Caller::Program, seams).await?;
        Box::pin(live(environment, &paths, (config, written), wired)).await
    });
    // A name lookup that hangs in the system must not keep the process.
    runtime.shutdown_background();
    lived
}

async fn live(
    environment: &Environment,
    paths: &Paths,
    (config, written): (Config, Written),
    wired: Wired,
) -> Result<(), Failure> {
    let tasks = Arc::clone(&wired.tasks);
    let engine = wired.engine.clone().with_shelf();
    let clock = Arc::clone(&engine.ports().clock);
    // The vault opens while the door does: the first caller waits for what is left of it, or not at all.
    prefetch(&engine);
    let door = Door::open(paths.socket())?;
    let (is_found, farewell) = (door.watcher(), door.farewell());
    let desk = Desk::new(engine.clone(), config.rules.clone(), None);
    let keeper = Keeper::new(engine.clone(), nightly(&config.agent));
    let agent = Arc::new(Agent::new(desk.clone(), keeper, environment, config.clone(), clock.now()));
    if let Err(failure) = agent.gateway.furnish(environment, &config).await {
        // Tokens are handed out and kept fresh all the same.
        tracing::error!(message = failure.message, causes = ?failure.causes, "there is no gateway");
        agent.config_is_broken(failure.message);
    }
    let api = Api {
        desk: desk.clone(),
        host: Arc::clone(&agent) as Arc<dyn http::Host>,
        // Apart from the refreshes too: a person who takes their time is not waited for.
        logins: Logins::new(Arc::new(TokioTasks::new())),
    };
    let sandboxes = AgentSandboxes::new(api.clone());
    let in_sandboxes = sandboxes.clone();
    let router = http::router(api).fallback(move |request| in_sandboxes.clone().answer(request));
    // Apart from the refreshes: a caller who listens to events for ever is not waited for.
    let hall = Hall { clock: Arc::clone(&clock), tasks: Arc::new(TokioTasks::new()) };

    let (stop, stopping) = watch::channel(false);
    let stopped = || {
        let mut stopping = stopping.clone();
        async move {
            // A sender that is gone means the same.
            let _stopped = stopping.wait_for(|stop| *stop).await;
        }
    };
    let watching = Watching::start(paths, &provider_folder(environment, paths));
    let reload = Reload {
        environment,
        paths,
        wired: &wired,
        engine: &engine,
        agent: &agent,
        sandboxes: &sandboxes,
        store: config.store.clone(),
    };
    tracing::info!(process = std::process::id(), socket = %paths.socket().display(), "the agent is ready");
    ready();
    let database = paths.database();
    let work = async {
        futures::join!(
            hall.serve(door.listener, router, stopped()),
            agent.keep_fresh(stopped()),
            until(stopped(), look_at_store(&watching.store, &wired, &desk, &database)),
            until(stopped(), reload.again_and_again(&watching, written)),
            until(stopped(), agent.keep_house()),
        )
    };
    let mut work = std::pin::pin!(work.fuse());
    let reason = {
        let mut lost = std::pin::pin!(lost(&is_found, &watching.socket, &*clock).fuse());
        let mut asked = std::pin::pin!(agent.asked_to_stop().fuse());
        let mut interrupted = std::pin::pin!(tasks.interrupted().fuse());
        futures::select! {
            _ = work => "its work has ended",
            () = lost => "its socket is gone",
            () = asked => "somebody asked it to",
            () = interrupted => "a signal came",
        }
    };
    tracing::info!(reason, "the agent is stopping");
    stop.send_replace(true);
    let rest = async {
        futures::join!(work, agent.gateway.close());
        tasks.drained(LONGEST_TASK).await
    };
    futures::select! {
        drained = std::pin::pin!(rest.fuse()) => if !drained {
            tracing::warn!("a refresh has not ended; its journal stays open");
        },
        () = std::pin::pin!(tasks.interrupted().fuse()) => tracing::warn!("stopped at once: refreshes leave their journals"),
    }
    farewell();
    tracing::info!("the agent has stopped");
    Ok(())
}

/// Opens the vault beside everything else.
fn prefetch(engine: &Engine) {
    let opening = engine.clone();
    engine.ports().tasks.spawn(Box::pin(async move {
        // The first login makes one that is not there yet.
        let _there = open_vault(&opening).await;
    }));
}

/// Opens the vault; `false`: there is none yet. One that stays shut is told when somebody needs it.
async fn open_vault(engine: &Engine) -> bool {
    match engine.recorded_key_source().await {
        Ok(None) => return false,
        Ok(Some(_)) => {
            if let Err(error) = engine.unlock().await {
                tracing::warn!(%error, "the vault stays shut for now");
            }
        }
        Err(error) => tracing::warn!(%error, "the store cannot be read"),
    }
    true
}

/// `work` for as long as `stopped` has not completed.
async fn until(stopped: impl Future<Output = ()>, work: impl Future<Output = ()>) {
    select(std::pin::pin!(stopped), std::pin::pin!(work)).await;
}

/// Hears of other processes' commits, at once where the system tells of them and soon anyway.
async fn look_at_store(changed: &Notify, wired: &Wired, desk: &Desk, database: &Path) {
    let (mut seen, mut shut) = (identity(database), false);
    loop {
        wired.look_for_changes();
        let engine = desk.engine();
        let found = identity(database);
        if found != seen {
            tracing::warn!("the store was removed or replaced");
            // Another store has another key. A lock of a person's stays a lock.
            engine.forget_key();
            (seen, shut) = (found, true);
        }
        if shut && !engine.is_locked() {
            shut = !open_vault(&engine).await;
        }
        select(std::pin::pin!(changed.notified()), engine.ports().clock.sleep(LOOK_AGAIN)).await;
    }
}

/// Device and inode; `None`: there is no such file.
fn identity(path: &Path) -> Option<(u64, u64)> {
    use std::os::unix::fs::MetadataExt as _;
    std::fs::metadata(path).ok().map(|found| (found.dev(), found.ino()))
}

/// Completes when callers find the socket no more: its folder was removed, or another agent's socket is in its place.
async fn lost(is_found: &impl Fn() -> bool, changed: &Notify, clock: &dyn Clock) {
    while is_found() {
        select(std::pin::pin!(changed.notified()), clock.sleep(LOOK_AGAIN)).await;
    }
}

/// What is needed to read the configuration again.
struct Reload<'a> {
    environment: &'a Environment,
    paths: &'a Paths,
    wired: &'a Wired,
    engine: &'a Engine,
    agent: &'a Arc<Agent>,
    sandboxes: &'a AgentSandboxes,
    /// The one it began with.
    store: StoreConfig,
}

impl Reload<'_> {
    /// Reads it whenever it was written since `seen`.
    async fn again_and_again(&self, watching: &Watching, mut seen: Written) {
        let clock = &*self.engine.ports().clock;
        loop {
            let told = std::pin::pin!(watching.config.notified());
            if let Either::Left(_) = select(told, clock.sleep(LOOK_AGAIN)).await {
                // Editors write in several steps.
                clock.sleep(EDITING).await;
            }
            watching.follow();
            let written = Written::of(self.paths, &provider_folder(self.environment, self.paths));
            if written != seen || !self.agent.gateway.is_as_wanted() {
                seen = written;
                self.once().await;
            }
        }
    }

    /// Takes over what can be understood; a broken file changes nothing but what `agent status` says.
    async fn once(&self) {
        match Config::load(self.environment, self.paths) {
            Ok(config) => {
                let engine = self.wired.reconfigured(self.engine, self.environment, &config);
                tracing::info!("the configuration was read again");
                let is_elsewhere = config.store != self.store;
                self.sandboxes.reconfigure(&engine, &config.rules);
                self.agent.reconfigure(engine, config.clone());
                if let Err(failure) = self.agent.gateway.furnish(self.environment, &config).await {
                    tracing::error!(message = failure.message, causes = ?failure.causes, "the gateway stays as it was");
                    self.agent.config_is_broken(failure.message);
                }
                if is_elsewhere {
                    tracing::warn!("the store was changed; the agent goes on with the one it began with");
                    self.agent.config_is_broken(OTHER_STORE.to_owned());
                }
            }
            Err(error) => {
                tracing::warn!(%error, "the new configuration is broken; the old one stays in force");
                self.agent.config_is_broken(error.to_string());
            }
        }
    }
}

/// The schedule of the night.
pub(super) fn nightly(config: &AgentConfig) -> Option<Nightly> {
    let at = config.nightly?;
    Some(Nightly { at, zone: TimeZone::system(), ahead: config.nightly_ahead })
}

fn provider_folder(environment: &Environment, paths: &Paths) -> std::path::PathBuf {
    environment.path("BURSAR_PROVIDERS_DIR").unwrap_or_else(|| paths.config_folder().join("providers"))
}

#[cfg(target_os = "linux")]
fn ready() {
    if let Err(error) = sd_notify::notify(&[sd_notify::NotifyState::Ready]) {
        tracing::warn!(%error, "the service manager was not told");
    }
}

#[cfg(not(target_os = "linux"))]
fn ready() {}

/// What `agent status` says of a store that only a new agent can open.
const OTHER_STORE: &str =
    "`store` was changed; run `bursar agent stop`, and the next command starts one that uses it";
/// One for the callers and one for refreshes that a slow disk holds up.
const WORKERS: usize = 2;
/// As long as one call and its saving can take.
const LONGEST_TASK: Duration = Duration::from_secs(50);
/// What nobody announced is noticed after this.
const LOOK_AGAIN: Duration = Duration::from_secs(30);
const EDITING: Duration = Duration::from_millis(200);

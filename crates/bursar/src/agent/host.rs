//! The agent as the API sees it, and the parts of it that a new configuration replaces.

use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bursar_core::engine::Engine;
use bursar_core::engine::keeper::Keeper;
use bursar_core::ports::key_source::MasterKey;
use bursar_core::ports::store::StoreError;
use futures::FutureExt as _;
use futures::future::BoxFuture;
use jiff::Timestamp;
use tokio::sync::Notify;

use super::gateway::GatewayRoom;
use super::run::nightly;
use crate::config::Config;
use crate::config::environment::Environment;
use crate::desk::Desk;
use crate::exit::Failure;
use crate::http::Host;
use crate::http::wire::{AgentDocument, NextWork, VaultState};
use crate::issuing::rekeyer;

/// The running agent.
#[derive(Debug)]
pub(super) struct Agent {
    desk: Desk,
    environment: Environment,
    started_at: Timestamp,
    stop: Notify,
    /// The keeper has to be started anew.
    replaced: Notify,
    pub(super) gateway: GatewayRoom,
    changing: Mutex<Changing>,
}

#[derive(Debug)]
struct Changing {
    keeper: Keeper,
    config: Arc<Config>,
    config_error: Option<String>,
}

impl Agent {
    pub(super) fn new(
        desk: Desk,
        keeper: Keeper,
        environment: &Environment,
        config: Config,
        started_at: Timestamp,
    ) -> Self {
        let changing = Mutex::new(Changing { keeper, config: Arc::new(config), config_error: None });
        let environment = environment.clone();
        let gateway = GatewayRoom::new(desk.clone());
        Self {
            desk,
            environment,
            started_at,
            stop: Notify::new(),
            replaced: Notify::new(),
            gateway,
            changing,
        }
    }

    /// Keeps every account fresh until `stop`, by the configuration in force.
    pub(super) async fn keep_fresh(&self, stop: impl Future<Output = ()>) {
        let mut stop = std::pin::pin!(stop.fuse());
        loop {
            let keeper = self.changing().keeper.clone();
            let replaced = self.replaced.notified();
            let mut keeping = std::pin::pin!(keeper.run(replaced).fuse());
            futures::select_biased! {
                () = stop => return,
                () = keeping => {}
            }
        }
    }

    /// Collects what has expired, ends orphaned sessions, forgets old events, and tells providers of logouts they have not
    /// heard yet.
    pub(super) async fn keep_house(&self) {
        // Whoever started it wants a token first, and nobody waits for the cleaning.
        self.desk.engine().ports().clock.sleep(SETTLED).await;
        loop {
            let engine = self.desk.engine();
            let config = Arc::clone(&self.changing().config);
            let done = async {
                engine.keep_house().await?;
                // A configuration that a server could not use does not tell how long they are kept.
                if let Ok(issuing) = config.issuing() {
                    engine.forget_events(issuing.events_kept).await?;
                }
                Ok::<_, StoreError>(())
            };
            if let Err(error) = done.await {
                tracing::warn!(%error, "cleaning up has to wait");
            }
            self.change_keys(&engine).await;
            engine.ports().clock.sleep(HOUSE_WORK).await;
        }
    }

    /// Goes on with a change of data keys that somebody has begun, if the vault is open.
    async fn change_keys(&self, engine: &Engine) {
        let config = Arc::clone(&self.changing().config);
        if !engine.is_unlocked() {
            return;
        }
        let gone_on = match rekeyer(engine, &config) {
            Ok(rekeyer) => rekeyer.go_on().await.map_err(|error| error.to_string()),
            Err(failure) => Err(failure.message),
        };
        if let Err(error) = gone_on {
            tracing::warn!(error, "the change of data keys has to wait");
        }
    }

    /// Takes over a new configuration.
    pub(super) fn reconfigure(&self, engine: Engine, config: Config) {
        self.desk.reconfigure(engine.clone(), config.rules.clone());
        let mut changing = self.changing();
        changing.keeper = changing.keeper.clone().on(engine, nightly(&config.agent));
        changing.config = Arc::new(config);
        changing.config_error = None;
        drop(changing);
        self.replaced.notify_one();
    }

    /// Remembers what is wrong with the file on disk.
    pub(super) fn config_is_broken(&self, error: String) {
        self.changing().config_error = Some(error);
    }

    /// Completes when a caller has asked for the end.
    pub(super) async fn asked_to_stop(&self) {
        self.stop.notified().await;
    }

    fn changing(&self) -> MutexGuard<'_, Changing> {
        self.changing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn document(&self) -> Result<AgentDocument, Failure> {
        let engine = self.desk.engine();
        let keeper = self.changing().keeper.clone();
        let progress = keeper.progress().await?;
        let accounts = engine.overview().await?.accounts.len();
        let sessions = engine.sessions().await?.len();
        let vault = vault_state(&engine).await?;
        let changing = self.changing();
        let nightly =
            progress.next_nightly.map(|next| [progress.last_nightly, Some(next)].map(|time| time.map(shown)));
        Ok(AgentDocument {
            schema: 1,
            running: true,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            process: std::process::id(),
            started_at: shown(self.started_at),
            vault,
            next: progress.next.map(|(account, at)| NextWork { account: account.to_string(), at: shown(at) }),
            last_refresh: progress.last_refresh.map(shown),
            nightly,
            refreshing: progress.refreshing,
            accounts,
            sessions,
            gateway: self.gateway.url(),
            config_error: changing.config_error.clone(),
        })
    }
}

impl Host for Agent {
    fn show(&self) -> BoxFuture<'_, Result<AgentDocument, Failure>> {
        self.document().boxed()
    }

    fn config(&self) -> Arc<Config> {
        Arc::clone(&self.changing().config)
    }

    fn environment(&self) -> &Environment {
        &self.environment
    }

    fn stop(&self) {
        self.stop.notify_one();
    }

    fn unlock(&self, key: Option<MasterKey>) -> BoxFuture<'_, Result<(), Failure>> {
        async move {
            let engine = self.desk.engine();
            match key {
                Some(key) => engine.unlock_with(key).await?,
                None => engine.unlock().await?,
            }
            self.changing().keeper.wake();
            Ok(())
        }
        .boxed()
    }

    fn lock(&self) -> BoxFuture<'_, Result<(), Failure>> {
        async move {
            self.desk.engine().lock();
            Ok(())
        }
        .boxed()
    }
}

async fn vault_state(engine: &Engine) -> Result<VaultState, Failure> {
    Ok(match engine.recorded_key_source().await? {
        None => VaultState::Absent,
        Some(_) if engine.is_unlocked() => VaultState::Open,
        Some(_) => VaultState::Locked,
    })
}

fn shown(time: Timestamp) -> String {
    format!("{time:.0}")
}

/// Often enough for retries of revocations, seldom enough not to be noticed.
const HOUSE_WORK: Duration = Duration::from_mins(5);
/// After the first callers.
const SETTLED: Duration = Duration::from_secs(15);

//! One command's world: configuration, engine and runtime, opened once.

use std::future::Future;
use std::time::Duration;

use bursar_core::engine::Engine;
use bursar_core::lifecycle::account::Account;
use bursar_core::lifecycle::shown::Warn;
use bursar_core::provider::ProviderId;
use jiff::Timestamp;
use tracing_subscriber::EnvFilter;

use super::printer::Printer;
use crate::config::Config;
use crate::config::environment::Environment;
use crate::config::paths::Paths;
use crate::desk::Desk;
use crate::exit::{Exit, Failure};
use crate::master_key::MasterKeys;
use crate::system::TokioTasks;
use crate::wiring::{self, Caller, Seams};

/// What commands work with.
#[derive(Debug)]
pub(crate) struct App {
    pub(crate) environment: Environment,
    pub(crate) config: Config,
    pub(crate) engine: Engine,
    pub(crate) desk: Desk,
    pub(crate) printer: Printer,
    pub(crate) keys: std::sync::Arc<MasterKeys>,
    tasks: std::sync::Arc<TokioTasks>,
    runtime: Runtime,
}

/// The runtime, left behind at the end of a command: a name lookup that hangs in the system must not keep the process.
#[derive(Debug)]
struct Runtime(Option<tokio::runtime::Runtime>);

impl Runtime {
    fn block_on<T>(&self, future: impl Future<Output = T>) -> Option<T> {
        self.0.as_ref().map(|runtime| runtime.block_on(future))
    }
}

impl Drop for Runtime {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

impl App {
    /// Reads the configuration, prepares the folders and opens the store.
    pub(crate) fn open(
        environment: Environment,
        printer: Printer,
        caller: Caller,
        seams: Seams,
    ) -> Result<Self, Failure> {
        let paths = Paths::resolve(&environment)?;
        paths.prepare(false)?;
        let config = Config::load(&environment, &paths)?;
        // One thread: a command does one thing, and starting more would cost more than it brings.
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| Failure::of(Exit::Error, &error))?;
        let wired = {
            let _inside = runtime.enter();
            wiring::wire(&environment, &paths, &config, caller, seams)?
        };
        Ok(Self {
            environment,
            config,
            desk: Desk::new(wired.engine.clone()),
            engine: wired.engine,
            printer,
            keys: wired.keys,
            tasks: wired.tasks,
            runtime: Runtime(Some(runtime)),
        })
    }

    /// Runs a command. A first interrupt ends the command, but not a refresh under way: its answer is saved first.
    pub(crate) fn block_on(
        &self,
        command: impl AsyncFnOnce(&Self) -> Result<Exit, Failure>,
    ) -> Result<Exit, Failure> {
        let run = async {
            let result = tokio::select! {
                biased;
                result = command(self) => result,
                () = self.tasks.interrupted() => Err(Failure::new(Exit::Usage, "interrupted")),
            };
            self.finish_tasks().await;
            result
        };
        self.runtime.block_on(run).unwrap_or_else(|| Err(Failure::new(Exit::Error, "the runtime has ended")))
    }

    /// Waits for detached work, at most as long as one call and its saving can take; a second interrupt ends the wait.
    fn finish_tasks(&self) -> impl Future<Output = ()> + '_ {
        let drained = self.tasks.drained(LONGEST_TASK);
        async move {
            tokio::select! {
                _all = drained => {}
                () = self.tasks.interrupted() => {}
            }
        }
    }

    /// The clock.
    pub(crate) fn now(&self) -> Timestamp {
        self.engine.ports().clock.now()
    }

    /// What `BURSAR_ACCOUNT_<PROVIDER>` says.
    pub(crate) fn account_from_environment(&self, provider: &str) -> Option<String> {
        let provider = ProviderId::parse(provider).ok()?;
        let name: String = provider
            .as_str()
            .chars()
            .map(|letter| if letter.is_ascii_alphanumeric() { letter.to_ascii_uppercase() } else { '_' })
            .collect();
        self.environment.text(&format!("BURSAR_ACCOUNT_{name}")).map(str::to_owned)
    }

    /// The one account `wanted` means.
    pub(crate) async fn resolve(&self, wanted: &str) -> Result<Account, Failure> {
        let (account, choice) =
            self.engine.resolve(wanted, &|provider| self.account_from_environment(provider)).await?;
        tracing::debug!(account = %account.reference, reason = choice.describe(), "account chosen");
        Ok(account)
    }

    /// What counts as soon.
    pub(crate) fn warn(&self, access: Option<jiff::SignedDuration>) -> Warn {
        Warn { access: access.unwrap_or(self.config.status.warn), grant: self.config.status.warn_grant }
    }
}

/// Sends the program's own story to stderr, if somebody asked for it.
pub(super) fn log_to_stderr(environment: &Environment, verbose: u8) {
    let asked = environment.text("BURSAR_LOG").map(str::to_owned);
    let level = match (asked, verbose) {
        (Some(filter), _) => filter,
        (None, 0) => return,
        (None, 1) => "bursar=debug,bursar_core=debug,bursar_store=debug".to_owned(),
        (None, _) => "trace".to_owned(),
    };
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::new(level))
        .with_writer(std::io::stderr)
        .finish();
    // A second subscriber in one process (tests) is no reason to fail a command.
    let _set = tracing::subscriber::set_global_default(subscriber);
}

const LONGEST_TASK: Duration = Duration::from_secs(50);

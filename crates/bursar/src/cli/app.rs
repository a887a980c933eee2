//! One command's world: configuration, engine and runtime, opened once.

use std::future::Future;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bursar_core::engine::Engine;
use bursar_core::engine::sandboxes::{Sandbox, SandboxName, Sandboxes};
use bursar_core::engine::selection::Choice;
use bursar_core::lifecycle::account::Account;
use bursar_core::lifecycle::shown::Warn;
use jiff::Timestamp;
use tracing_subscriber::EnvFilter;

use super::administration::missing_sandbox;
use super::printer::Printer;
use super::subject::Subject;
use crate::agent::client::Client;
use crate::config::Config;
use crate::config::environment::Environment;
use crate::config::paths::Paths;
use crate::context::{Surroundings, choose};
use crate::desk::Desk;
use crate::exit::{Exit, Failure};
use crate::log_file::LogFile;
use crate::master_key::MasterKeys;
use crate::system::TokioTasks;
use crate::wiring::{self, Caller, Seams};

/// What commands work with.
#[derive(Debug)]
pub(crate) struct App {
    pub(crate) environment: Environment,
    pub(crate) config: Config,
    /// Of the sandbox the command works in, or of the installation itself.
    pub(crate) engine: Engine,
    /// Of the installation itself.
    pub(crate) installation: Engine,
    /// The sandbox the command works in; `None`: in none.
    pub(crate) sandbox: Option<Sandbox>,
    pub(crate) desk: Desk,
    pub(crate) printer: Printer,
    pub(crate) keys: std::sync::Arc<MasterKeys>,
    tasks: std::sync::Arc<TokioTasks>,
    runtime: Runtime,
}

/// What a command is about.
#[derive(Debug)]
pub(crate) struct About {
    pub(super) subject: Subject,
    /// The sandbox that somebody has chosen.
    pub(super) sandbox: Option<SandboxName>,
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
    /// Reads the configuration, prepares the folders, opens the store and goes where the command is at work: everything after
    /// that reads and writes there.
    pub(crate) fn open(
        environment: Environment,
        printer: Printer,
        caller: Caller,
        about: About,
        seams: Seams,
    ) -> Result<Self, Failure> {
        let paths = Paths::resolve(&environment)?;
        paths.prepare(false)?;
        let mut config = Config::load(&environment, &paths)?;
        let sandbox = about.sandbox.or_else(|| about.subject.usual_sandbox(&config).cloned());
        let of_agent = config.store.clone();
        if about.subject.is_on_the_servers_store(sandbox.as_ref()) {
            config.keep_as_server()?;
        }
        // One thread: a command does one thing, and starting more would cost more than it brings.
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| Failure::of(Exit::Error, &error))?;
        let wired = runtime.block_on(Box::pin(wiring::wire(&environment, &paths, &config, caller, seams)))?;
        let sandbox = match sandbox {
            Some(name) => Some(runtime.block_on(called(&wired.engine, &name))?),
            None => None,
        };
        let engine =
            sandbox.as_ref().map_or_else(|| wired.engine.clone(), |here| wired.engine.in_sandbox(here));
        let agent = Client::find(&environment, &paths, Arc::clone(&wired.engine.ports().clock));
        // On another store it may know another sandbox of that name.
        let agent = agent.filter(|_| config.store == of_agent);
        let agent = agent.map(|agent| agent.in_sandbox(sandbox.as_ref().map(|here| &here.name)));
        let desk = Desk::new(engine.clone(), config.rules.clone(), agent);
        Ok(Self {
            environment,
            config,
            desk,
            engine,
            installation: wired.engine,
            sandbox,
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

    /// Starts the agent for the commands to come, if there is none and the configuration allows it.
    pub(crate) fn start_agent_on_demand(&self) {
        #[cfg(unix)]
        if self.config.agent.on_demand
            && let Ok(paths) = Paths::resolve(&self.environment)
        {
            crate::agent::start::on_demand(&self.environment, &paths, &*self.engine.ports().clock);
        }
    }

    /// The clock.
    pub(crate) fn now(&self) -> Timestamp {
        self.engine.ports().clock.now()
    }

    /// The one account `wanted` means here, and why.
    pub(crate) async fn choose(&self, wanted: &str) -> Result<(Account, Choice), Failure> {
        let surroundings = Surroundings::of_process(&self.environment);
        let (account, choice) = choose(&self.engine, &self.config.rules, &surroundings, wanted).await?;
        tracing::debug!(account = %account.reference, reason = choice.describe(), "account chosen");
        Ok((account, choice))
    }

    /// The one account `wanted` means here.
    pub(crate) async fn resolve(&self, wanted: &str) -> Result<Account, Failure> {
        let (account, choice) = self.choose(wanted).await?;
        if choice == Choice::Beginning {
            // A name cut short on purpose is fine. One whose account is gone must not become another's in silence.
            self.printer.say(&format!("`{wanted}` is taken for {}", account.reference));
        }
        Ok(account)
    }

    /// What counts as soon.
    pub(crate) fn warn(&self, access: Option<jiff::SignedDuration>) -> Warn {
        Warn { access: access.unwrap_or(self.config.status.warn), grant: self.config.status.warn_grant }
    }
}

async fn called(installation: &Engine, name: &SandboxName) -> Result<Sandbox, Failure> {
    let sandbox = Sandboxes::new(installation.clone()).named(name.as_str()).await?;
    sandbox.ok_or_else(|| missing_sandbox(name.as_str()))
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

/// Sends the agent's story to its file, or to stderr, with what everybody wants to know unless somebody asked for more.
pub(super) fn log_of_agent(environment: &Environment, file: Option<&Path>) -> Result<(), Failure> {
    let filter =
        environment.text("BURSAR_LOG").unwrap_or("warn,bursar=info,bursar_core=info,bursar_store=info");
    let builder = tracing_subscriber::fmt().with_env_filter(EnvFilter::new(filter)).with_ansi(false);
    let _set = match file {
        Some(path) => {
            let file = LogFile::open(path.to_owned(), AGENT_LOG_SIZE, AGENT_LOGS_KEPT)
                .map_err(|error| Failure::of(Exit::Error, &error).hint("choose another with `--log-file`"))?;
            tracing::subscriber::set_global_default(builder.with_writer(std::sync::Mutex::new(file)).finish())
        }
        None => tracing::subscriber::set_global_default(builder.with_writer(std::io::stderr).finish()),
    };
    Ok(())
}

/// Months of an agent's ordinary story.
const AGENT_LOG_SIZE: u64 = 1 << 20;
const AGENT_LOGS_KEPT: u32 = 3;
const LONGEST_TASK: Duration = Duration::from_secs(50);

//! `bursar agent`: being it, starting and stopping it, and asking how it is doing.
//!
//! None of these opens the store: an agent can be stopped whatever state the store is in.

mod install;
mod logs;
mod status;

use std::sync::Arc;
use std::time::Duration;

use bursar_core::ports::clock::Clock;
use http::Method;
use serde_json::{Value, json};

use super::app::{self, App};
use super::arguments::agent::{AgentAction, AgentInstall, AgentRun, AgentUninstall};
use super::printer::Printer;
use crate::agent::client::{CallError, Client};
use crate::agent::{self, start};
use crate::config::environment::Environment;
use crate::config::paths::Paths;
use crate::exit::{Exit, Failure};
use crate::system::SystemClock;
use crate::wiring::Seams;

/// Everything but installing.
pub(super) fn run(
    action: &AgentAction,
    environment: &Environment,
    printer: &Printer,
    seams: Seams,
) -> Result<Exit, Failure> {
    let clock: Arc<dyn Clock> = seams.clock.clone().unwrap_or_else(|| Arc::new(SystemClock));
    if let AgentAction::Run(command) = action {
        return be(command, environment, seams);
    }
    let paths = Paths::resolve(environment)?;
    let seen = Seen { environment, paths: &paths, printer, clock };
    match action {
        AgentAction::Logs(command) => logs::show(&paths, command, &seen),
        AgentAction::Start => Seen::block_on(seen.start()),
        AgentAction::Stop => Seen::block_on(seen.stop()),
        AgentAction::Status => Seen::block_on(status::show(&seen)),
        AgentAction::Run(_) | AgentAction::Install(_) | AgentAction::Uninstall(_) => Ok(Exit::Ok),
    }
}

/// Has the service manager start it, or no more.
pub(super) fn install(app: &App, command: &AgentInstall) -> Result<Exit, Failure> {
    install::install(app, command)
}

/// See [`install`].
pub(super) fn uninstall(app: &App, command: &AgentUninstall) -> Result<Exit, Failure> {
    install::uninstall(app, command)
}

fn be(command: &AgentRun, environment: &Environment, seams: Seams) -> Result<Exit, Failure> {
    app::log_of_agent(environment, command.log_file.as_deref())?;
    if command.log_file.is_some() {
        // Started in the background: the terminal it came from may go. One that leads its session already cannot and
        // need not.
        #[cfg(unix)]
        let _leader = rustix::process::setsid();
    }
    agent::run::run(environment, seams)?;
    Ok(Exit::Ok)
}

/// What the commands about a running agent work with.
struct Seen<'a> {
    environment: &'a Environment,
    paths: &'a Paths,
    printer: &'a Printer,
    clock: Arc<dyn Clock>,
}

impl Seen<'_> {
    fn client(&self) -> Option<Client> {
        Client::find(self.environment, self.paths, Arc::clone(&self.clock))
    }

    fn block_on(work: impl Future<Output = Result<Exit, Failure>>) -> Result<Exit, Failure> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        runtime.map_err(|error| Failure::of(Exit::Error, &error))?.block_on(work)
    }

    /// Starts one and waits until it answers.
    async fn start(&self) -> Result<Exit, Failure> {
        if self.lives().await {
            self.told("the agent is running already", true);
            return Ok(Exit::Ok);
        }
        self.paths.prepare(false)?;
        start::in_background(self.environment, self.paths).map_err(|error| {
            Failure::of(Exit::Error, &error).hint("run it here instead with `bursar agent run`")
        })?;
        let deadline = self.clock.stopwatch() + STARTING;
        while !self.lives().await {
            if self.clock.stopwatch() > deadline {
                return Err(Failure::new(Exit::Unreachable, "the agent has not come up")
                    .hint("read why with `bursar agent logs`"));
            }
            self.clock.sleep(POLL).await;
        }
        self.told("the agent is running", true);
        Ok(Exit::Ok)
    }

    /// Stops it and waits until it is gone.
    async fn stop(&self) -> Result<Exit, Failure> {
        let asked = match self.client() {
            Some(client) => client.call(Method::POST, "/v1/agent/stop", &Value::Null).await,
            None => Err(CallError::NoAnswer(agent::client::NoAnswer::NotRunning)),
        };
        match asked {
            Ok(_) => {}
            Err(CallError::Refused(failure) | CallError::VaultUnavailable(failure)) => return Err(failure),
            Err(CallError::NoAnswer(_)) => match agent::running(self.paths) {
                None => {
                    self.told("no agent is running", false);
                    return Ok(Exit::Ok);
                }
                Some(process) => {
                    return Err(Failure::new(Exit::Unreachable, "the agent runs and does not answer")
                        .hint(format!("look at process {process}, and end it with `kill {process}`")));
                }
            },
        }
        let deadline = self.clock.stopwatch() + STOPPING;
        while agent::running(self.paths).is_some() {
            if self.clock.stopwatch() > deadline {
                return Err(Failure::new(Exit::Unavailable, "the agent is still finishing a refresh")
                    .hint("see `bursar agent logs`; it ends by itself"));
            }
            self.clock.sleep(POLL).await;
        }
        self.told("the agent has stopped", false);
        Ok(Exit::Ok)
    }

    async fn lives(&self) -> bool {
        match self.client() {
            Some(client) => client.lives().await,
            None => false,
        }
    }

    fn told(&self, words: &str, running: bool) {
        if self.printer.json {
            self.printer.document(&json!({ "schema": 1, "running": running }));
        } else {
            self.printer.say(words);
        }
    }
}

/// Opening the store and making the socket take some milliseconds; a machine that has just booted takes longer.
const STARTING: Duration = Duration::from_secs(10);
/// One call to a provider, and the saving of its answer.
const STOPPING: Duration = Duration::from_mins(1);
const POLL: Duration = Duration::from_millis(20);

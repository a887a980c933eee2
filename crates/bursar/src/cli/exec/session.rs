//! The session of one run: on record as long as the command runs, with what the command reaches it by.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use bursar_core::engine::broker::HandOut;
use bursar_core::engine::sessions::{NewSession, Purpose};
use bursar_core::lifecycle::reference::AccountReference;
use bursar_core::ports::random::unguessable;
use bursar_core::secret::Secret;

use super::super::app::App;
use super::super::arguments::handing_out::ExecCommand;
use super::door::Door;
use super::folder::{Folder, remove_leftovers};
use super::plan::{GATEWAY, Plan, SESSION, SESSION_TOKEN, SOCKET};
use crate::agent::client::Client;
use crate::config::paths::Paths;
use crate::exit::{Exit, Failure};
use crate::gateway::DEFAULT_ADDRESS;
use crate::http::Told;
use crate::http::wire::AgentDocument;

/// A session and its things. The folder goes with it.
#[derive(Debug)]
pub(super) struct Session {
    id: String,
    is_on_record: bool,
    sessions: PathBuf,
    /// What callers at the session's socket show.
    token: Option<Secret>,
    folder: Option<Folder>,
    door: Option<Door>,
    /// Where the gateway is, if somebody can tell.
    gateway: Option<String>,
}

impl Session {
    /// Puts the session on record. To be called before the first token is handed out.
    ///
    /// Where that cannot be done the command runs all the same: tokens may still be handed out, and nothing can be
    /// cleaned up either.
    pub(super) async fn open(app: &App, command: &ExecCommand, plan: &Plan) -> Result<Self, Failure> {
        let sessions = Paths::resolve(&app.environment)?.runtime_folder().join("sessions");
        let ports = app.engine.ports();
        let token = command.socket.then(|| unguessable(&*ports.random));
        let wish = NewSession {
            accounts: plan.accounts.clone(),
            owner: ports.processes.own(),
            purpose: Purpose::Exec { program: name_of(&command.command[0]) },
            until: None,
            token: token.as_ref().map(Secret::fingerprint),
            // The gateway opens to the session's own accounts.
            routes: Vec::new(),
        };
        let opened = app.engine.open_session(wish).await;
        let id = match &opened {
            Ok(session) => session.id.clone(),
            Err(error) => {
                app.printer.say(&format!("warning: nobody will see that these accounts are in use: {error}"));
                unguessable(&*ports.random).expose().to_owned()
            }
        };
        remove_leftovers(&sessions);
        let gateway = if token.is_some() { gateway(app).await } else { None };
        Ok(Self { id, is_on_record: opened.is_ok(), sessions, token, folder: None, door: None, gateway })
    }

    /// Makes files and socket.
    pub(super) fn furnish(&mut self, plan: &Plan, handed: &[Arc<HandOut>]) -> Result<(), Failure> {
        if plan.files.is_empty() && self.token.is_none() {
            return Ok(());
        }
        let failed = |error: &std::io::Error, sessions: &Path| {
            let mut failure =
                Failure::new(Exit::Error, format!("cannot make a folder in {}", sessions.display()));
            failure.causes.push(error.to_string());
            failure.hint("make room there, or make it writable for you; see `bursar doctor`")
        };
        let folder =
            Folder::create(&self.sessions, &self.id).map_err(|error| failed(&error, &self.sessions))?;
        for (name, account) in &plan.files {
            let token = handed.iter().find(|handed| handed.reference.key() == account.key());
            let Some(token) = token.map(|handed| &handed.token) else { continue };
            folder.write(name, token).map_err(|error| super::upkeep::unwritten(name, &error))?;
        }
        if self.token.is_some() {
            self.door = Some(Door::open(&folder.place("api.sock"))?);
        }
        self.folder = Some(folder);
        Ok(())
    }

    /// What the command is told about its session and its files.
    pub(super) fn variables(&self, plan: &Plan) -> Vec<(String, std::ffi::OsString)> {
        let Some(folder) = &self.folder else { return Vec::new() };
        let mut variables: Vec<(String, std::ffi::OsString)> =
            plan.files.iter().map(|(name, _)| (name.clone(), folder.place(name).into())).collect();
        let Some(token) = &self.token else { return variables };
        variables.push((SOCKET.to_owned(), folder.place("api.sock").into()));
        variables.push((SESSION_TOKEN.to_owned(), token.expose().into()));
        variables.push((SESSION.to_owned(), self.id.clone().into()));
        if let Some(gateway) = &self.gateway {
            variables.push((GATEWAY.to_owned(), format!("{gateway}/gateway").into()));
        }
        variables
    }

    /// The folder, if the command has files.
    pub(super) fn folder(&self) -> Option<&Folder> {
        self.folder.as_ref()
    }

    /// Answers at the socket, if there is one, as long as it is asked to; `told` hears of every token first. Never ends
    /// by itself.
    pub(super) async fn serve(&self, app: &App, accounts: &[AccountReference], told: Told) {
        if let (Some(door), Some(token)) = (&self.door, &self.token) {
            door.serve(app, accounts, token.clone(), told).await;
        }
    }

    /// Takes the files and the socket away and tells the record.
    pub(super) async fn end(self, app: &App) {
        let Self { id, is_on_record, door, folder, .. } = self;
        drop(door);
        drop(folder);
        if is_on_record && let Err(error) = app.engine.end_session(&id).await {
            // Our end is noticed without it.
            tracing::debug!(%error, "the session's end could not be written");
        }
    }
}

/// Without its folder: that may be private, and tells nothing.
fn name_of(program: &std::ffi::OsStr) -> String {
    Path::new(program).file_name().unwrap_or(program).to_string_lossy().into_owned()
}

/// Where the gateway listens: as the agent says, which knows what became of it, or else as the configuration does. `None`:
/// there is none, or only the system knows its port.
async fn gateway(app: &App) -> Option<String> {
    // The agent's gateway is the installation's own.
    if app.config.gateway.routes.is_empty() || app.sandbox.is_some() {
        return None;
    }
    let paths = Paths::resolve(&app.environment).ok()?;
    let agent = Client::find(&app.environment, &paths, app.engine.ports().clock.clone());
    let told = match agent {
        Some(agent) => {
            agent.ask::<AgentDocument>(http::Method::GET, "/v1/agent", &serde_json::Value::Null).await.ok()
        }
        None => None,
    };
    let configured = app.config.gateway.listen.unwrap_or(DEFAULT_ADDRESS);
    let configured = (configured.port() != 0).then(|| format!("http://{configured}"));
    told.and_then(|agent| agent.gateway).or(configured)
}

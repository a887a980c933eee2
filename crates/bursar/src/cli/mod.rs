//! The command line: what was typed, one engine call, what is shown.
//!
//! Each command is one file with one `run`. Arguments are in [`arguments`], exit codes in [`crate::exit`].

mod administration;
mod agent;
mod app;
pub mod arguments;
mod check;
mod cleanup;
mod client;
mod completions;
mod config_command;
pub mod credential;
mod demo;
mod doctor;
mod env;
pub(crate) mod exec;
mod expect;
mod explain;
mod gateway;
mod grant;
mod jwt;
mod key;
mod list;
mod login;
mod logout;
mod moving;
mod pause;
mod printer;
mod rebuild;
mod refresh;
mod resource;
mod sandbox;
mod screen;
mod select;
mod serve;
mod shell;
mod shown_accounts;
mod stats;
mod status;
mod subject;
mod token;
mod user;
mod variables;
mod vault;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::Parser as _;

use self::app::{About, App};
use self::arguments::agent::AgentAction;
use self::arguments::{Arguments, Command};
use self::printer::Printer;
pub(crate) use self::subject::SANDBOX;
use self::subject::{Subject, chosen_sandbox};
use crate::config::environment::Environment;
use crate::exit::{Exit, Failure};
use crate::wiring::{Caller, Seams};

/// Runs one command line and tells how the process should end.
pub fn run(environment: Environment, line: impl IntoIterator<Item = OsString>, seams: Seams) -> ExitCode {
    let line = credential::by_program_name(line);
    // Before arguments and configuration are read: most callers only want the token the agent has at hand.
    if crate::agent::quick::token(&environment, &line) {
        return Exit::Ok.into();
    }
    let arguments = match Arguments::try_parse_from(line) {
        Ok(arguments) => arguments,
        Err(error) => {
            let _gone = error.print();
            return if error.use_stderr() { Exit::Usage.into() } else { Exit::Ok.into() };
        }
    };
    // An agent with a log file writes it there alone.
    if !matches!(&arguments.command, Command::Agent(command) if command.action.has_log_file()) {
        app::log_to_stderr(&environment, arguments.verbose);
    }
    let printer = Printer { json: arguments.json };
    match dispatch(environment, &arguments, seams) {
        Ok(exit) => exit.into(),
        Err(failure) => {
            printer.failure(&failure);
            failure.exit.into()
        }
    }
}

fn dispatch(environment: Environment, arguments: &Arguments, seams: Seams) -> Result<Exit, Failure> {
    let printer = Printer { json: arguments.json };
    let subject = Subject::of(&arguments.command);
    let sandbox = chosen_sandbox(arguments.sandbox.as_ref(), subject, &environment)?;
    // Commands that need no store.
    match &arguments.command {
        Command::Completions(command) => return Ok(completions::completions(command, &printer)),
        Command::Man(command) => return completions::man(command, &printer),
        Command::Config(command) => return config_command::run(command, &environment, &printer),
        Command::Env(command) if command.prints_a_snippet() => {
            return env::snippet(command, &environment, &printer);
        }
        Command::Doctor(command) => return doctor::run(command, environment, printer),
        Command::Serve(command) => return serve::run(command, &environment, &printer, seams),
        Command::Demo(command) => return demo::run(command, &environment, &printer, seams),
        Command::Jwt(command) => return jwt::run(command, &environment, &printer, seams),
        Command::Rebuild(_) => return rebuild::run(&environment, &printer),
        Command::Agent(command) if !command.action.needs_app() => {
            return agent::run(&command.action, &environment, &printer, seams);
        }
        _ => {}
    }
    let caller = match &arguments.command {
        Command::Login(_)
        | Command::Logout(_)
        | Command::Vault(_)
        | Command::Backup(_)
        | Command::Restore(_)
        | Command::Migrate(_) => Caller::Person,
        _ => Caller::Program,
    };
    let about = About { subject, sandbox };
    let app = App::open(environment, printer, caller, about, seams)?;
    // Its signals are the child's business.
    if let Command::Exec(command) = &arguments.command {
        app.start_agent_on_demand();
        return exec::run(&app, command);
    }
    if let Command::Gateway(command) = &arguments.command
        && command.action.is_none()
    {
        return gateway::serve(&app, command);
    }
    let ended = app.block_on(async |app| match &arguments.command {
        Command::Login(command) => login::run(app, command).await,
        Command::Logout(command) => logout::run(app, command).await,
        Command::List(command) => list::run(app, command).await,
        Command::Status(command) => status::run(app, command).await,
        Command::Check(command) => check::run(app, command).await,
        Command::Token(command) => token::run(app, command).await,
        Command::Refresh(command) => refresh::run(app, command).await,
        Command::Use(command) => select::make_default(app, command).await,
        Command::Which(command) => select::which(app, command).await,
        Command::Env(command) => env::run(app, command).await,
        Command::Credential(command) => credential::run(app, command).await,
        Command::Gateway(command) => gateway::run(app, command).await,
        Command::Agent(command) => match &command.action {
            AgentAction::Install(command) => agent::install(app, command),
            AgentAction::Uninstall(command) => agent::uninstall(app, command),
            _ => Ok(Exit::Ok),
        },
        Command::Vault(command) => vault::run(app, command).await,
        Command::Pause(command) => pause::pause(app, command).await,
        Command::Resume(command) => pause::resume(app, command).await,
        Command::Cleanup(command) => cleanup::run(app, command).await,
        Command::Stats(command) => stats::run(app, command).await,
        Command::Client(command) => client::run(app, command).await,
        Command::User(command) => user::run(app, command).await,
        Command::Resource(command) => resource::run(app, command).await,
        Command::Sandbox(command) => sandbox::run(app, command).await,
        Command::Key(command) => key::run(app, command).await,
        Command::Grant(command) => grant::run(app, command).await,
        Command::Explain(command) => explain::run(app, command).await,
        Command::Backup(command) => moving::backup(app, command).await,
        Command::Restore(command) => moving::restore::run(app, command).await,
        Command::Migrate(command) => moving::migrate::run(app, command).await,
        Command::Exec(_)
        | Command::Completions(_)
        | Command::Man(_)
        | Command::Config(_)
        | Command::Doctor(_)
        | Command::Demo(_)
        | Command::Serve(_)
        | Command::Jwt(_)
        | Command::Rebuild(_) => Ok(Exit::Ok),
    });
    if uses_tokens(&arguments.command) {
        app.start_agent_on_demand();
    }
    ended
}

/// Whether somebody works with tokens here and will do so again: the agent keeps them fresh from then on.
fn uses_tokens(command: &Command) -> bool {
    matches!(
        command,
        Command::Login(_)
            | Command::Token(_)
            | Command::Refresh(_)
            | Command::Env(_)
            | Command::Credential(_)
    )
}

//! `bursar exec`: runs a command with tokens in its environment.
//!
//! Every token is handed out before the command starts, so it starts with all of them or not at all. Which variables are
//! set is decided in [`super::variables`]; starting, signals and the exit code are in `child`. Tokens never become arguments:
//! those are visible to every user of the machine.

mod child;

use super::app::App;
use super::arguments::handing_out::ExecCommand;
use super::variables::assign;
use crate::child_environment::scrub;
use crate::exit::{Exit, Failure};

/// Not a future: from the start of the command on, signals are the command's business, and nothing of bursar may end
/// because of one.
pub(super) fn run(app: &App, command: &ExecCommand) -> Result<Exit, Failure> {
    let child = child::Prepared::new()?;
    let mut assigned = Vec::new();
    app.block_on(async |app| {
        assigned = assign(app, &command.accounts, &command.variables, command.min_valid).await?;
        Ok(Exit::Ok)
    })?;
    let mut line = std::process::Command::new(&command.command[0]);
    line.args(&command.command[1..]);
    scrub(&mut line, &app.environment);
    for (name, value) in assigned {
        match value {
            Some(value) => line.env(name, value.expose()),
            // What the shell happened to have there may be somebody else's.
            None => line.env_remove(name),
        };
    }
    child.run(line)
}

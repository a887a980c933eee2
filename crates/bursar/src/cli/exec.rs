//! `bursar exec`: runs a command with tokens in its environment.
//!
//! Every token is handed out before the command starts, so it starts with all of them or not at all. Which variables are
//! set is decided in `variables`; starting, signals and the exit code are in `child`. Tokens never become arguments:
//! those are visible to every user of the machine.

mod child;
mod variables;

use bursar_core::engine::broker::{HandOut, HandOutError};
use bursar_core::lifecycle::account::Account;
use bursar_core::lifecycle::reference::AccountReference;
use bursar_core::lifecycle::refresh::Ask;

use self::variables::{Assignment, Wish};
use super::app::App;
use super::arguments::ExecCommand;
use crate::exit::{Exit, Failure};
use crate::child_environment::scrub;

/// Not a future: from the start of the command on, signals are the command's business, and nothing of bursar may end
/// because of one.
pub(super) fn run(app: &App, command: &ExecCommand) -> Result<Exit, Failure> {
    let child = child::Prepared::new()?;
    let mut assigned = Vec::new();
    app.block_on(async |app| {
        assigned = assign(app, command).await?;
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

/// The variables with their values, every token handed out.
async fn assign(app: &App, command: &ExecCommand) -> Result<Vec<variables::Assigned>, Failure> {
    for (name, _) in &command.variables {
        variables::check_name(name)?;
    }
    let mut wishes = Vec::new();
    for wanted in &command.accounts {
        let account = app.resolve(wanted).await?;
        let provider = app.engine.provider(&account.reference.provider).await.map_err(HandOutError::from)?;
        wishes.push(Wish { account: account.reference, environment: provider.environment });
    }
    let mut named = Vec::new();
    for (name, wanted) in &command.variables {
        named.push((name.clone(), app.resolve(wanted).await?.reference));
    }
    let assignments = variables::assignments(&wishes, &named)?;
    let handed = hand_out(app, command, &assignments).await?;
    Ok(assignments.into_iter().map(|assignment| assignment.value(&handed)).collect())
}

async fn hand_out(
    app: &App,
    command: &ExecCommand,
    assignments: &[Assignment],
) -> Result<Vec<HandOut>, Failure> {
    let mut references: Vec<&AccountReference> =
        assignments.iter().map(|assignment| &assignment.account).collect();
    references.sort_by_key(|reference| reference.key());
    references.dedup();
    let ask = Ask { min_valid: command.min_valid, ..Ask::default() };
    let mut handed = Vec::new();
    for reference in references {
        handed.push(app.engine.hand_out(reference, &ask, app.config.refresh.wait.unsigned_abs()).await?);
    }
    Ok(handed)
}

/// The account's identity as lists show it.
fn label(account: &Account) -> Option<&str> {
    account.identity.as_ref().map(|identity| identity.label.as_str())
}

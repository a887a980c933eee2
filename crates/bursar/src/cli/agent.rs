//! `bursar agent`.

use super::app::App;
use super::arguments::agent::AgentCommand;
use crate::exit::{Exit, Failure};

pub(super) async fn run(_app: &App, _command: &AgentCommand) -> Result<Exit, Failure> {
    Err(Failure::new(Exit::Error, "`bursar agent` is being built"))
}

//! `bursar env`.

use super::app::App;
use super::arguments::shell::EnvCommand;
use crate::exit::{Exit, Failure};

pub(super) async fn run(_app: &App, _command: &EnvCommand) -> Result<Exit, Failure> {
    Err(Failure::new(Exit::Error, "`bursar env` is being built"))
}

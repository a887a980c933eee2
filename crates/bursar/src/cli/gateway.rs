//! `bursar gateway`.

use super::app::App;
use super::arguments::gateway::GatewayCommand;
use crate::exit::{Exit, Failure};

pub(super) async fn run(_app: &App, _command: &GatewayCommand) -> Result<Exit, Failure> {
    Err(Failure::new(Exit::Error, "`bursar gateway` is being built"))
}

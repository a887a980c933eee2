//! `bursar vault`.

use super::app::App;
use super::arguments::vault::VaultCommand;
use crate::exit::{Exit, Failure};

pub(super) async fn run(_app: &App, _command: &VaultCommand) -> Result<Exit, Failure> {
    Err(Failure::new(Exit::Error, "`bursar vault` is being built"))
}

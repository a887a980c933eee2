//! `bursar credential`.

use super::app::App;
use super::arguments::credential::CredentialCommand;
use crate::exit::{Exit, Failure};

pub(super) async fn run(_app: &App, _command: &CredentialCommand) -> Result<Exit, Failure> {
    Err(Failure::new(Exit::Error, "`bursar credential` is being built"))
}

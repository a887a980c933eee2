//! `bursar pause` and `bursar resume`: whether an account is handed out. It is kept fresh either way.

use super::app::App;
use super::arguments::{PauseCommand, ResumeCommand};
use crate::exit::{Exit, Failure};

pub(super) async fn pause(app: &App, command: &PauseCommand) -> Result<Exit, Failure> {
    let account = app.resolve(&command.account).await?;
    let changed = app.engine.set_paused(&account.reference, true).await?;
    app.printer.say(&if changed {
        format!("{} is paused: nobody gets its token, and it stays fresh", account.reference)
    } else {
        format!("{} is paused already", account.reference)
    });
    Ok(Exit::Ok)
}

pub(super) async fn resume(app: &App, command: &ResumeCommand) -> Result<Exit, Failure> {
    let account = app.resolve(&command.account).await?;
    let changed = app.engine.set_paused(&account.reference, false).await?;
    app.printer.say(&if changed {
        format!("{} is handed out again", account.reference)
    } else {
        format!("{} is not paused", account.reference)
    });
    Ok(Exit::Ok)
}

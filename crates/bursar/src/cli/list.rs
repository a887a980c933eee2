//! `bursar list`: the accounts, one line each.

use super::app::App;
use super::arguments::ListCommand;
use super::screen::list_screen;
use super::shown_accounts::{self, say_that_there_are_none};
use crate::exit::{Exit, Failure};

pub(super) async fn run(app: &App, command: &ListCommand) -> Result<Exit, Failure> {
    let shown = shown_accounts::read(app, command.account.as_deref(), app.warn(None)).await?;
    if app.printer.json {
        app.printer.document(&shown.to_json());
    } else if shown.views.is_empty() {
        say_that_there_are_none(app);
    } else {
        app.printer.data(&list_screen::render(&shown.views, shown.viewing().now));
    }
    Ok(Exit::Ok)
}

//! `bursar status --calendar`: what will need a person, and when.

use bursar_core::lifecycle::account::Account;
use bursar_core::lifecycle::calendar::calendar;
use bursar_core::lifecycle::shown::{shown, worst_exit_code};
use jiff::tz::TimeZone;

use crate::account_view::Viewing;
use crate::cli::app::App;
use crate::cli::screen::calendar_screen;
use crate::cli::shown_accounts::say_that_there_are_none;
use crate::exit::{Exit, Failure};

pub(super) async fn run(app: &App, wanted: Option<&str>) -> Result<Exit, Failure> {
    let overview = app.engine.overview().await?;
    let chosen: Vec<&Account> = match wanted {
        Some(wanted) => {
            let wanted = app.engine.alias(wanted).unwrap_or_else(|| wanted.to_owned());
            overview.select_all(&wanted)?
        }
        None => overview.accounts.iter().collect(),
    };
    let deadlines = calendar(chosen.iter().copied());
    let viewing = Viewing { now: app.now(), warn: app.warn(None), zone: &TimeZone::system() };
    if app.printer.json {
        app.printer.document(&calendar_screen::to_json(&deadlines, viewing.now));
    } else if chosen.is_empty() {
        say_that_there_are_none(app);
    } else {
        app.printer.data(&calendar_screen::render(&deadlines, &viewing));
    }
    let states = chosen.iter().map(|account| shown(account, viewing.warn, viewing.now));
    Ok(Exit::Code(worst_exit_code(states)))
}

//! The accounts a command shows.

use bursar_core::lifecycle::shown::Warn;
use jiff::tz::TimeZone;

use super::app::App;
use crate::account_view::ShownAccounts;
use crate::exit::Failure;

/// Reads what `wanted` means (a provider's name: all its accounts), or every account.
pub(super) async fn read(app: &App, wanted: Option<&str>, warn: Warn) -> Result<ShownAccounts, Failure> {
    // Programs compare times, people look at the clock on their wall.
    let zone = if app.printer.json { TimeZone::UTC } else { TimeZone::system() };
    ShownAccounts::of(&app.engine, wanted, warn, zone).await
}

/// Tells somebody who has no account yet how to get one.
pub(super) fn say_that_there_are_none(app: &App) {
    app.printer
        .say("no accounts yet; log in with `bursar login PROVIDER`, for example `bursar login github`");
}

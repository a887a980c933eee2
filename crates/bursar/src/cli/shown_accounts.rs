//! Accounts read from the store and turned into what is shown of them, for every command that shows some.

use bursar_core::engine::accounts::Overview;
use bursar_core::lifecycle::account::Account;
use bursar_core::lifecycle::shown::{Warn, worst_exit_code};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::Value;

use super::app::App;
use super::screen::account_view::{AccountView, Surroundings, Viewing};
use crate::exit::{Exit, Failure};

/// Accounts as they were at one moment.
#[derive(Debug)]
pub(super) struct ShownAccounts {
    /// Ordered by provider and nickname.
    pub(super) views: Vec<AccountView>,
    now: Timestamp,
    warn: Warn,
    zone: TimeZone,
}

impl ShownAccounts {
    /// Reads what `wanted` means (a provider's name: all its accounts), or every account.
    pub(super) async fn read(app: &App, wanted: Option<&str>, warn: Warn) -> Result<Self, Failure> {
        let overview = app.engine.overview().await?;
        let chosen: Vec<&Account> = match wanted {
            Some(wanted) => {
                let wanted = app.engine.alias(wanted).unwrap_or_else(|| wanted.to_owned());
                overview.select_all(&wanted)?
            }
            None => overview.accounts.iter().collect(),
        };
        // Programs compare times, people look at the clock on their wall.
        let zone = if app.printer.json { TimeZone::UTC } else { TimeZone::system() };
        let mut shown = Self { views: Vec::new(), now: app.now(), warn, zone };
        for account in chosen {
            let surroundings = surroundings(app, &overview, account);
            shown.views.push(AccountView::of(account, surroundings, &shown.viewing()));
        }
        Ok(shown)
    }

    /// When and from where they were looked at.
    pub(super) fn viewing(&self) -> Viewing<'_> {
        Viewing { now: self.now, warn: self.warn, zone: &self.zone }
    }

    /// The array of `--json`.
    pub(super) fn to_json(&self) -> Value {
        self.views.iter().map(AccountView::to_json).collect()
    }

    /// The exit code of the worst.
    pub(super) fn exit(&self) -> Exit {
        Exit::Code(worst_exit_code(self.views.iter().map(|view| view.state)))
    }
}

/// Tells somebody who has no account yet how to get one.
pub(super) fn say_that_there_are_none(app: &App) {
    app.printer
        .say("no accounts yet; log in with `bursar login PROVIDER`, for example `bursar login github`");
}

fn surroundings(app: &App, overview: &Overview, account: &Account) -> Surroundings {
    let (key, provider) = (account.reference.key(), account.reference.provider.as_str());
    let found = app.engine.ports().catalogue.find(provider).ok().flatten();
    let default = overview.defaults.get(&account.reference.provider);
    Surroundings {
        provider_name: found.map_or_else(|| provider.to_owned(), |found| found.display_name().to_owned()),
        last_used: overview.last_used.get(&key).copied(),
        default: default.is_some_and(|default| default.key() == key),
    }
}

//! Accounts read from the store and turned into what is shown of them.

use std::collections::BTreeMap;

use bursar_core::engine::Engine;
use bursar_core::engine::accounts::Overview;
use bursar_core::engine::moving::copy::may_be_spent_elsewhere;
use bursar_core::engine::sessions::sessions_by_account;
use bursar_core::lifecycle::account::Account;
use bursar_core::lifecycle::shown::{Warn, worst_exit_code};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::Value;

use super::{AccountView, Surroundings, Viewing};
use crate::exit::{Exit, Failure};

/// Accounts as they were at one moment.
#[derive(Debug)]
pub(crate) struct ShownAccounts {
    /// Ordered by provider and nickname.
    pub(crate) views: Vec<AccountView>,
    now: Timestamp,
    warn: Warn,
    zone: TimeZone,
}

impl ShownAccounts {
    /// Reads what `wanted` means (a provider's name: all its accounts), or every account; times in words are told by the
    /// clock of `zone`.
    pub(crate) async fn of(
        engine: &Engine,
        wanted: Option<&str>,
        warn: Warn,
        zone: TimeZone,
    ) -> Result<Self, Failure> {
        let overview = engine.overview().await?;
        let chosen: Vec<&Account> = match wanted {
            Some(wanted) => {
                let wanted = engine.alias(wanted).unwrap_or_else(|| wanted.to_owned());
                overview.select_all(&wanted)?
            }
            None => overview.accounts.iter().collect(),
        };
        let sessions = sessions_by_account(&engine.sessions().await?);
        let unconfirmed = engine.unconfirmed_life().await?;
        let mut shown = Self { views: Vec::new(), now: engine.ports().clock.now(), warn, zone };
        for account in chosen {
            let mut surroundings = surroundings(engine, &overview, &sessions, account);
            let is_copied = |life| may_be_spent_elsewhere(account, life);
            surroundings.is_unconfirmed_copy = unconfirmed.as_ref().is_some_and(is_copied);
            shown.views.push(AccountView::of(account, surroundings, &shown.viewing()));
        }
        Ok(shown)
    }

    /// When and from where they were looked at.
    pub(crate) fn viewing(&self) -> Viewing<'_> {
        Viewing { now: self.now, warn: self.warn, zone: &self.zone }
    }

    /// The array of `--json`.
    pub(crate) fn to_json(&self) -> Value {
        self.views.iter().map(AccountView::to_json).collect()
    }

    /// The exit code of the worst.
    pub(crate) fn exit(&self) -> Exit {
        Exit::Code(worst_exit_code(self.views.iter().map(|view| view.state)))
    }
}

fn surroundings(
    engine: &Engine,
    overview: &Overview,
    sessions: &BTreeMap<String, usize>,
    account: &Account,
) -> Surroundings {
    let (key, provider) = (account.reference.key(), account.reference.provider.as_str());
    let found = engine.ports().catalogue.find(provider).ok().flatten();
    let default = overview.defaults.get(&account.reference.provider);
    Surroundings {
        // They are in the order of their keys.
        number: overview.accounts.partition_point(|other| other.reference.key() < key) + 1,
        provider_name: found.map_or_else(|| provider.to_owned(), |found| found.display_name().to_owned()),
        last_used: overview.last_used.get(&key).copied(),
        default: default.is_some_and(|default| default.key() == key),
        sessions: sessions.get(&key).copied().unwrap_or_default(),
        is_unconfirmed_copy: false,
        sandbox: engine.sandbox(),
    }
}

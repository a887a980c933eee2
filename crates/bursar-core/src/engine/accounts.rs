//! Reading accounts, and the small changes that touch no token.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::Engine;
use super::broker::HandOutError;
use super::records::{AccountUse, DefaultAccount};
use super::selection::{Choice, Preferred, SelectionError};
use crate::lifecycle::account::Account;
use crate::lifecycle::reference::AccountReference;
use crate::ports::document::{self, Document as _, Stored};
use crate::ports::event::Event;
use crate::ports::store::{Commit, Expected, Page, StoreError};
use crate::provider::ProviderId;

/// Everything `list` and `status` show, read at one time.
#[derive(Debug)]
pub struct Overview {
    /// All accounts, by provider and nickname.
    pub accounts: Vec<Account>,
    /// When each was last handed out, by account key.
    pub last_used: BTreeMap<String, Timestamp>,
    /// What bare provider names mean.
    pub defaults: BTreeMap<ProviderId, AccountReference>,
}

impl Engine {
    /// All accounts with what is known about their use.
    pub async fn overview(&self) -> Result<Overview, StoreError> {
        let store = &*self.ports.store;
        let mut accounts: Vec<Account> = document::list::<Account>(store, &self.space)
            .await?
            .into_iter()
            .map(|stored| stored.document)
            .collect();
        accounts.sort_by_cached_key(|account| account.reference.key());
        let uses = document::list::<AccountUse>(store, &self.space).await?;
        let defaults = document::list::<DefaultAccount>(store, &self.space).await?;
        Ok(Overview {
            accounts,
            last_used: uses
                .into_iter()
                .map(|used| (used.document.account, used.document.last_used))
                .collect(),
            defaults: defaults
                .into_iter()
                .map(|stored| (stored.document.provider, stored.document.account))
                .collect(),
        })
    }

    /// The one account `wanted` means, read with as few records as possible.
    ///
    /// The rule is [`Overview::select`]; here it gets only the accounts that can matter, and all of them only if those
    /// are not enough. The name of a known provider never means an account of another one. A URL means the account that its
    /// tokens are for.
    pub async fn resolve(
        &self,
        wanted: &str,
        preferred: &(dyn Fn(&str) -> Option<Preferred> + Sync),
    ) -> Result<(Account, Choice), ResolveError> {
        if wanted.contains("://") {
            return self.resolve_address(wanted, preferred).await;
        }
        let (likely, whole) = self.likely(wanted, preferred).await?;
        match likely.select(wanted, preferred) {
            // A name that is unique among some need not be so among all.
            Ok((_, Choice::Environment)) if !whole => {}
            Ok((account, choice)) => return Ok((account.clone(), choice)),
            Err(error @ SelectionError::Ambiguous { .. }) => return Err(error.into()),
            Err(SelectionError::NotFound { .. }) => {}
        }
        let overview = self.overview().await?;
        let known = self.known_provider(wanted);
        let wanted = known.as_deref().unwrap_or(wanted);
        match overview.select(wanted, preferred) {
            Ok((_, Choice::UniqueName | Choice::Beginning)) if known.is_some() && !wanted.contains(':') => {
                Err(overview.not_found(wanted).into())
            }
            chosen => Ok(chosen.map(|(account, choice)| (account.clone(), choice))?),
        }
    }

    /// `wanted` with the id of the provider it names; `None` if it names no known one.
    fn known_provider(&self, wanted: &str) -> Option<String> {
        let name = wanted.split_once(':').map_or(wanted, |(name, _)| name);
        self.alias(wanted).or_else(|| {
            let found = self.ports.catalogue.find(name).ok().flatten();
            found.map(|_| wanted.to_owned())
        })
    }

    /// `wanted` with the provider's alias replaced by its name; `None` if there is no alias in it.
    pub fn alias(&self, wanted: &str) -> Option<String> {
        let (provider, rest) =
            wanted.split_once(':').map_or((wanted, None), |(name, rest)| (name, Some(rest)));
        let found = self.ports.catalogue.find(provider).ok().flatten()?;
        let name = found.id.as_str();
        (name != provider).then(|| rest.map_or_else(|| name.to_owned(), |rest| format!("{name}:{rest}")))
    }

    /// The accounts that matter for `wanted`, and whether these are all that fit it.
    async fn likely(
        &self,
        wanted: &str,
        preferred: &(dyn Fn(&str) -> Option<Preferred> + Sync),
    ) -> Result<(Overview, bool), StoreError> {
        let store = &*self.ports.store;
        let mut overview =
            Overview { accounts: Vec::new(), last_used: BTreeMap::new(), defaults: BTreeMap::new() };
        let named = Some(wanted).filter(|wanted| !wanted.contains(':')).and_then(preferred);
        let named = named.map(
            |Preferred { account, .. }| {
                if account.contains(':') { account } else { format!("{wanted}:{account}") }
            },
        );
        for reference in [Some(wanted.to_owned()), named].into_iter().flatten() {
            if let Some((provider, nickname)) = reference.split_once(':') {
                let key = format!("{provider}:{}", nickname.to_lowercase());
                let answer = document::get::<Account>(store, &self.space, &key).await?;
                overview.accounts.extend(answer.value.map(|stored| stored.document));
            }
        }
        if wanted.contains(':') {
            return Ok((overview, true));
        }
        let page = Page::first(CANDIDATES);
        let records = store.find(&self.space, Account::KIND, "provider", wanted, page).await?.value;
        let whole = records.len() < CANDIDATES;
        for record in records {
            let account = document::decode::<Account>(&record)?.document;
            if !overview.accounts.iter().any(|known| known.reference.key() == account.reference.key()) {
                overview.accounts.push(account);
            }
        }
        if let Some(stored) = document::get::<DefaultAccount>(store, &self.space, wanted).await?.value {
            let DefaultAccount { provider, account } = stored.document;
            let known = overview.accounts.iter().any(|known| known.reference.key() == account.key());
            if !known
                && let Some(found) = document::get::<Account>(store, &self.space, &account.key()).await?.value
            {
                overview.accounts.push(found.document);
            }
            overview.defaults.insert(provider, account);
        }
        Ok((overview, whole))
    }

    /// One account.
    pub(super) async fn account(
        &self,
        reference: &AccountReference,
    ) -> Result<Stored<Account>, HandOutError> {
        let answer = document::get::<Account>(&*self.ports.store, &self.space, &reference.key()).await?;
        answer.value.ok_or_else(|| HandOutError::NoSuchAccount { reference: reference.clone() })
    }

    /// The account as it is now.
    pub async fn account_of(&self, reference: &AccountReference) -> Result<Account, HandOutError> {
        Ok(self.account(reference).await?.document)
    }

    /// Makes `reference` the account its provider's bare name means.
    pub async fn set_default(&self, reference: &AccountReference) -> Result<(), HandOutError> {
        let account = self.account(reference).await?;
        let default =
            DefaultAccount { provider: reference.provider.clone(), account: account.document.reference };
        loop {
            let answer =
                document::get::<DefaultAccount>(&*self.ports.store, &self.space, reference.provider.as_str())
                    .await?;
            let expected = answer.value.map_or(Expected::Absent, |stored| Expected::Version(stored.version));
            let event = Event::new(self.now(), "account.made_default", reference.to_string());
            let batch = document::put(self.batch(), &default, expected)?.event(event);
            if let Commit::Done(_) = self.ports.store.commit(batch).await?.value {
                return Ok(());
            }
        }
    }
}

impl Engine {
    /// Pauses an account, or hands it out again; whether that changed anything.
    pub async fn set_paused(&self, reference: &AccountReference, paused: bool) -> Result<bool, HandOutError> {
        loop {
            let Stored { mut document, version } = self.account(reference).await?;
            if document.paused == paused {
                return Ok(false);
            }
            document.paused = paused;
            let name = if paused { "account.paused" } else { "account.resumed" };
            let event = Event::new(self.now(), name, reference.to_string());
            if let Commit::Done(_) = self.put_account(&document, Expected::Version(version), event).await? {
                return Ok(true);
            }
        }
    }
}

/// Why no account could be chosen.
#[derive(Debug, thiserror::Error)]
pub enum ResolveError {
    /// None, or more than one, is meant.
    #[error(transparent)]
    Selection(#[from] SelectionError),
    /// The accounts cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// More candidates than this are not worth showing.
const CANDIDATES: usize = 50;

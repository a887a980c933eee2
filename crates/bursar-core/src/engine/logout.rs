//! Giving a login up: gone here at once and for good, revoked at the provider now or as soon as it answers.

use jiff::Timestamp;

use super::Engine;
use super::broker::HandOutError;
use super::credentials::Credentials;
use super::providers::client_of;
use super::records::{AccountUse, DefaultAccount, Revocation};
use super::vault::SealedKind;
use crate::lifecycle::account::{Account, LoginMethod};
use crate::lifecycle::backoff;
use crate::lifecycle::reference::AccountReference;
use crate::oauth::revocation::{Revoked, TokenHint, read_revocation_answer, revocation_request};
use crate::ports::document::{self, Document as _, Stored};
use crate::ports::event::Event;
use crate::ports::random::unguessable;
use crate::ports::store::{Batch, Commit, Expected, StoreError};
use crate::provider::Provider;
use crate::provider::WhichToken;
use crate::secret::Secret;

/// What became of the tokens at the provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RevocationReport {
    /// The provider has revoked them.
    Revoked,
    /// The provider knew them no more.
    AlreadyGone,
    /// The provider offers no revocation: they end by themselves.
    NotOffered,
    /// Not yet; tried again until the date, then given up.
    Queued {
        /// What went wrong.
        detail: String,
        /// When the sealed copy is dropped.
        until: Timestamp,
    },
}

impl Engine {
    /// Ends a login: the account is gone when this returns, and what happened at the provider is reported.
    pub async fn logout(&self, reference: &AccountReference) -> Result<RevocationReport, HandOutError> {
        let revocation = self.give_up(reference).await?;
        Ok(self.revoke(revocation).await?)
    }

    /// Tries every queued revocation that is due; tells what became of each.
    pub async fn revoke_queued(&self) -> Result<Vec<(AccountReference, RevocationReport)>, StoreError> {
        let now = self.now();
        let mut reports = Vec::new();
        for stored in document::list::<Revocation>(&*self.ports.store, &self.space).await? {
            if stored.document.next_try <= now {
                let reference = stored.document.account.reference.clone();
                reports.push((reference, self.revoke(stored).await?));
            }
        }
        Ok(reports)
    }

    /// Logins that are gone here and still wait for their provider to revoke them.
    pub async fn queued_revocations(&self) -> Result<Vec<Revocation>, StoreError> {
        let queued = document::list::<Revocation>(&*self.ports.store, &self.space).await?;
        Ok(queued.into_iter().map(|stored| stored.document).collect())
    }

    async fn give_up(&self, reference: &AccountReference) -> Result<Stored<Revocation>, HandOutError> {
        loop {
            let account = self.account(reference).await?;
            let used = self.account_use(reference).await?;
            if let Some(revocation) = self.try_give_up(self.batch(), account, used).await? {
                return Ok(revocation);
            }
        }
    }

    /// Moves the account into the revocation queue, in one commit with what `batch` holds. `None`: it, its use, or what
    /// `batch` insists on is not any more as it was read.
    pub(super) async fn try_give_up(
        &self,
        batch: Batch,
        account: Stored<Account>,
        used: Option<Stored<AccountUse>>,
    ) -> Result<Option<Stored<Revocation>>, HandOutError> {
        let Stored { document: mut account, version } = account;
        let id = unguessable(&*self.ports.random).expose().to_owned();
        let credentials = self.credentials(&account).await?;
        let key = account.reference.key();
        account.sealed = self.seal_for(SealedKind::Revocation, &id, &credentials).await?;
        let now = self.now();
        let event = Event::new(now, "account.logged_out", account.reference.to_string());
        let revocation = Revocation { id, account, since: now, attempts: 0, next_try: now, last_error: None };
        let batch = batch.delete(Account::KIND, &key, version).event(event);
        let batch = document::put(batch, &revocation, Expected::Absent)?;
        let batch = match used {
            Some(used) => batch.delete(AccountUse::KIND, &key, used.version),
            None => batch.guard(AccountUse::KIND, &key, Expected::Absent),
        };
        let batch = self.delete_default(batch, &revocation.account.reference).await?;
        Ok(match self.ports.store.commit(batch).await?.value {
            Commit::Done(version) => Some(Stored { document: revocation, version }),
            Commit::Conflict { .. } => None,
        })
    }

    /// When and how often the account was handed out, if it ever was.
    pub(super) async fn account_use(
        &self,
        reference: &AccountReference,
    ) -> Result<Option<Stored<AccountUse>>, StoreError> {
        Ok(document::get(&*self.ports.store, &self.space, &reference.key()).await?.value)
    }

    /// Adds the removal of the account as what its provider's bare name means.
    async fn delete_default(
        &self,
        mut batch: Batch,
        reference: &AccountReference,
    ) -> Result<Batch, StoreError> {
        let store = &*self.ports.store;
        let provider = reference.provider.as_str();
        if let Some(default) = document::get::<DefaultAccount>(store, &self.space, provider).await?.value
            && default.document.account.key() == reference.key()
        {
            batch = batch.delete(DefaultAccount::KIND, provider, default.version);
        }
        Ok(batch)
    }

    pub(super) async fn revoke(&self, stored: Stored<Revocation>) -> Result<RevocationReport, StoreError> {
        let report = match self.ask_provider(&stored.document).await {
            Ok(report) => report,
            Err(detail) => {
                let until = stored.document.expires_at().unwrap_or(Timestamp::MAX);
                RevocationReport::Queued { detail, until }
            }
        };
        let now = self.now();
        let mut revocation = stored.document;
        let subject = revocation.account.reference.to_string();
        let batch = if let RevocationReport::Queued { detail, .. } = &report {
            revocation.attempts += 1;
            // Nobody waits for it, so it is spaced much wider than a refresh.
            revocation.next_try = backoff::next_try(now, revocation.attempts + 4, None, &revocation.id);
            revocation.last_error = Some(detail.clone());
            let event = Event::new(now, "account.revocation_queued", subject).with("cause", detail.clone());
            document::put(self.batch(), &revocation, Expected::Version(stored.version))?.event(event)
        } else {
            let name = match report {
                RevocationReport::NotOffered => "account.revocation_not_offered",
                _ => "account.revoked",
            };
            let event = Event::new(now, name, subject);
            self.batch().delete(Revocation::KIND, &revocation.id, stored.version).event(event)
        };
        // A conflict means that another process has just done the same.
        self.ports.store.commit(batch).await?;
        Ok(report)
    }

    /// Asks for each token that ends the login; the error says why it must be tried again.
    async fn ask_provider(&self, revocation: &Revocation) -> Result<RevocationReport, String> {
        let account = &revocation.account;
        if account.method == LoginMethod::ApiKey {
            // Its owner made it in the provider's console, and ends it there; RFC 7009 is about OAuth tokens.
            return Ok(RevocationReport::NotOffered);
        }
        let provider = self.provider_of(account).await.map_err(|error| error.to_string())?;
        let credentials = self
            .open_from(SealedKind::Revocation, &revocation.id, &account.sealed)
            .await
            .map_err(|error| error.to_string())?;
        let mut reports = Vec::new();
        for (token, hint) in tokens_to_revoke(&provider, &credentials) {
            reports.push(self.revoke_token(&provider, account, &credentials, token, hint).await?);
        }
        let best = [RevocationReport::Revoked, RevocationReport::AlreadyGone];
        Ok(best.into_iter().find(|best| reports.contains(best)).unwrap_or(RevocationReport::NotOffered))
    }

    async fn revoke_token(
        &self,
        provider: &Provider,
        account: &Account,
        credentials: &Credentials,
        token: &Secret,
        hint: TokenHint,
    ) -> Result<RevocationReport, String> {
        let client = client_of(account, credentials).map_err(|error| error.to_string())?;
        let request = revocation_request(provider, &client, token, hint, self.now(), &*self.ports.random);
        let request = match request {
            Ok(Some(request)) => request,
            Ok(None) => return Ok(RevocationReport::NotOffered),
            // It lacks something no repetition brings, such as a client secret.
            Err(error) => {
                tracing::debug!(%error, account = %account.reference, "the revocation cannot be asked for");
                return Ok(RevocationReport::NotOffered);
            }
        };
        let response = self
            .ports
            .upstream
            .send(request, self.limits(provider))
            .await
            .map_err(|error| error.to_string())?;
        match read_revocation_answer(&response) {
            Revoked::Yes => Ok(RevocationReport::Revoked),
            Revoked::AlreadyGone => Ok(RevocationReport::AlreadyGone),
            Revoked::Failed { detail, .. } => {
                Err(credentials.secrets().fold(detail, |detail, secret| secret.masked_in(&detail)))
            }
        }
    }
}

/// Which tokens must be revoked so that nothing of the login works any more.
fn tokens_to_revoke<'a>(provider: &Provider, credentials: &'a Credentials) -> Vec<(&'a Secret, TokenHint)> {
    let access = credentials.access.iter().map(|token| (token, TokenHint::AccessToken));
    let refresh: Vec<_> =
        credentials.refresh_tokens().map(|token| (token, TokenHint::RefreshToken)).collect();
    match provider.revoke.which {
        WhichToken::RefreshToken if !refresh.is_empty() => refresh,
        WhichToken::RefreshToken | WhichToken::AccessToken => access.collect(),
        WhichToken::Both => refresh.into_iter().chain(access).collect(),
    }
}

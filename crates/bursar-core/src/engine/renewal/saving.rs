//! What an answer brought, made durable: as the account's new tokens, as a spare, or to be given back.

use super::super::Engine;
use super::super::broker::HandOutError;
use super::super::credentials::Credentials;
use super::super::providers::refresh_policy;
use super::super::records::Revocation;
use super::super::vault::{SealedKind, Vault};
use super::{SAVE_ATTEMPTS, SAVE_PAUSE};
use crate::lifecycle::account::Account;
use crate::lifecycle::transition::{self, Renewed};
use crate::oauth::token::TokenSet;
use crate::ports::document::{self, Stored};
use crate::ports::event::Event;
use crate::ports::random::unguessable;
use crate::ports::store::{Commit, Expected};
use crate::provider::{Omitted, Provider};

impl Engine {
    /// Stores new tokens, however often that has to be tried: they exist nowhere else.
    pub(super) async fn keep(
        &self,
        vault: &Vault,
        provider: &Provider,
        journaled: Stored<Account>,
        credentials: Credentials,
        tokens: &TokenSet,
        clock_skew: jiff::SignedDuration,
    ) -> Result<Stored<Account>, HandOutError> {
        let reference = journaled.document.reference.clone();
        let before = journaled.document.clone();
        let credentials = credentials.renewed(tokens);
        // The one at hand may be older than the call: meanwhile another key may have taken the place of its own.
        let current = self.vault().await.ok();
        let vault = current.as_deref().unwrap_or(vault);
        let sealed = self.seal_in(vault, SealedKind::Account, &reference.key(), &credentials);
        let incarnation = self.incarnation().await.map(|incarnation| incarnation.id);
        let mut latest = journaled;
        for attempt in 0..SAVE_ATTEMPTS {
            if !latest.document.has_tokens_of(&before) {
                if latest.document.is_login_of(&before) {
                    return self.keep_spare(vault, latest, tokens).await;
                }
                return Box::pin(self.give_back(vault, before, &credentials)).await;
            }
            let changes = Renewed {
                tokens,
                omitted_ends: provider.refresh.omitted_refresh_token == Omitted::Ended,
                policy: refresh_policy(provider),
                clock_skew,
                sealed: sealed.clone(),
            };
            let now = self.now();
            let mut account = transition::renewed(latest.document.clone(), changes, now);
            if let Ok(incarnation) = &incarnation {
                account.incarnation.clone_from(incarnation);
            }
            let event = Event::new(now, "account.refreshed", reference.to_string())
                .with("generation", account.generation.0)
                .with("rotated", tokens.refresh_token.is_some());
            match self.put_account(&account, Expected::Version(latest.version), event).await {
                Ok(Commit::Done(version)) => return Ok(Stored { document: account, version }),
                Ok(Commit::Conflict { .. }) => match self.insisting(|| self.account(&reference)).await {
                    Err(HandOutError::NoSuchAccount { .. }) => {
                        return Box::pin(self.give_back(vault, before, &credentials)).await;
                    }
                    found => latest = found?,
                },
                Err(error) if attempt + 1 == SAVE_ATTEMPTS => return Err(error.into()),
                Err(error) => {
                    tracing::error!(%error, account = %reference, "new tokens could not be saved yet");
                    self.ports.clock.sleep(SAVE_PAUSE).await;
                    // The failed commit may have happened after all; then this generation is ours.
                    if let Ok(found) = self.account(&reference).await {
                        if found.document.access.as_ref().map(|access| &access.fingerprint)
                            == Some(&tokens.access_token.fingerprint())
                        {
                            return Ok(found);
                        }
                        latest = found;
                    }
                }
            }
        }
        Err(HandOutError::Busy { reference })
    }

    /// The lease ended before the answer came, and somebody else has renewed: their tokens rule, ours are kept.
    async fn keep_spare(
        &self,
        vault: &Vault,
        mut latest: Stored<Account>,
        tokens: &TokenSet,
    ) -> Result<Stored<Account>, HandOutError> {
        let Some(spare) = &tokens.refresh_token else { return Ok(latest) };
        let reference = latest.document.reference.clone();
        loop {
            let sealed = &latest.document.sealed;
            let mut credentials = self.open_in(vault, SealedKind::Account, &reference.key(), sealed)?;
            if credentials.refresh.as_ref() == Some(spare) {
                return Ok(latest);
            }
            credentials.spares.push(spare.clone());
            let mut account = latest.document.clone();
            account.sealed = self.seal_in(vault, SealedKind::Account, &reference.key(), &credentials);
            let event = Event::new(self.now(), "account.spare_kept", reference.to_string());
            let expected = Expected::Version(latest.version);
            match self.insisting(|| self.put_account(&account, expected, event.clone())).await? {
                Commit::Done(version) => return Ok(Stored { document: account, version }),
                // Perhaps by an attempt whose answer was lost; then the spare is there.
                Commit::Conflict { .. } => latest = self.insisting(|| self.account(&reference)).await?,
            }
        }
    }

    /// The login ended, or another one has its name, while the provider was asked: nobody may use what came too late, so
    /// it is revoked like every login that is given up.
    async fn give_back(
        &self,
        vault: &Vault,
        mut account: Account,
        credentials: &Credentials,
    ) -> Result<Stored<Account>, HandOutError> {
        let reference = account.reference.clone();
        let id = unguessable(&*self.ports.random).expose().to_owned();
        account.sealed = self.seal_in(vault, SealedKind::Revocation, &id, credentials);
        let now = self.now();
        let event = Event::new(now, "account.late_tokens_given_back", reference.to_string());
        let revocation = Revocation { id, account, since: now, attempts: 0, next_try: now, last_error: None };
        let batch = document::put(self.batch(), &revocation, Expected::Absent)?.event(event);
        let committed = self.insisting(|| self.ports.store.commit(batch.clone())).await?;
        if let Commit::Done(version) = committed.value {
            self.revoke(Stored { document: revocation, version }).await?;
        }
        Err(HandOutError::NoSuchAccount { reference })
    }

    /// Asks the store again while it cannot be used: what is to be kept exists nowhere else.
    async fn insisting<T, E, Asking>(&self, ask: impl Fn() -> Asking) -> Result<T, HandOutError>
    where
        Asking: Future<Output = Result<T, E>>,
        HandOutError: From<E>,
    {
        for _ in 1..SAVE_ATTEMPTS {
            match ask().await.map_err(HandOutError::from) {
                Err(HandOutError::Store(error)) => {
                    tracing::error!(%error, "new tokens could not be saved yet");
                    self.ports.clock.sleep(SAVE_PAUSE).await;
                }
                answer => return answer,
            }
        }
        ask().await.map_err(HandOutError::from)
    }
}

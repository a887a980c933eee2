//! The hand-out: an access token that serves as long as the caller needs, or the reason why not.
//!
//! Walk: read → [`crate::lifecycle::refresh::decide`] → take the refresh lock → `renewal` (detached) → open → out.

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use futures::FutureExt as _;
use futures::channel::oneshot;
use jiff::{SignedDuration, Timestamp};

use super::Engine;
use super::moving::departure::departure;
use super::records::AccountUse;
use super::renewal::Renewal;
use super::vault::VaultError;
use crate::lifecycle::account::{Account, Generation, Identity};
use crate::lifecycle::failure::{Cause, CauseKind};
use crate::lifecycle::reference::AccountReference;
use crate::lifecycle::refresh::{Ask, Decision, Meanwhile, Refusal, Standpoint, decide};
use crate::oauth::scope::Scope;
use crate::ports::document::{self, Stored};
use crate::ports::refresh_lock::{LockError, RefreshPermit};
use crate::ports::store::{Expected, Origin, StoreError};
use crate::secret::Secret;

/// An access token on its way to a caller, with what the caller may want to know about it.
#[derive(Clone, Debug)]
pub struct HandOut {
    /// The access token.
    pub token: Secret,
    /// The identity token that came with it, if any.
    pub identity_token: Option<Secret>,
    /// The account.
    pub reference: AccountReference,
    /// Who the account is at its provider.
    pub identity: Option<Identity>,
    /// How the token is presented; nearly always `Bearer`.
    pub token_type: String,
    /// What it is good for.
    pub scope: Scope,
    /// When it came, by our clock.
    pub issued_at: Option<Timestamp>,
    /// When it ends, by our clock.
    pub expires_at: Option<Timestamp>,
    /// Fields of the provider's answer that its tools need.
    pub kept: serde_json::Map<String, serde_json::Value>,
    /// Which change of the account's tokens brought it.
    pub generation: Generation,
}

impl HandOut {
    /// What is left of the token; never more than its lifetime, whatever the clock was set to. `None`: no known end.
    pub fn remaining(&self, now: Timestamp) -> Option<SignedDuration> {
        let (issued, end) = (self.issued_at?, self.expires_at?);
        let lifetime = end.duration_since(issued).max(SignedDuration::ZERO);
        Some(end.duration_since(now).clamp(SignedDuration::ZERO, lifetime))
    }

    fn of(account: &Account, token: Secret, identity_token: Option<Secret>) -> Self {
        let access = account.access.as_ref();
        Self {
            token,
            identity_token,
            reference: account.reference.clone(),
            identity: account.identity.clone(),
            token_type: account.token_type.clone(),
            scope: account.scope.clone(),
            issued_at: access.map(|access| access.issued_at),
            expires_at: access.and_then(|access| access.expires_at),
            kept: account.kept.clone(),
            generation: account.generation,
        }
    }
}

impl Engine {
    /// Hands out an access token of `reference` as `ask` wants it, waiting at most `wait` for others and the provider.
    ///
    /// With no wait at all nothing is renewed.
    pub async fn hand_out(
        &self,
        reference: &AccountReference,
        ask: &Ask,
        wait: Duration,
    ) -> Result<Arc<HandOut>, HandOutError> {
        // What is kept open there goes the way of the key.
        let kept_open = self.shelf.as_deref().filter(|_| self.is_unlocked());
        if let Some(handed) = kept_open.and_then(|kept| kept.serve(reference, ask, &*self.ports.clock)) {
            self.note_use(reference);
            return Ok(handed);
        }
        // Apart, because it is large, and what is kept open needs none of it.
        Box::pin(self.hand_out_anew(reference, ask, wait)).await
    }

    async fn hand_out_anew(
        &self,
        reference: &AccountReference,
        ask: &Ask,
        wait: Duration,
    ) -> Result<Arc<HandOut>, HandOutError> {
        let kept_open = self.shelf.as_deref().filter(|_| self.is_unlocked());
        let mark = kept_open.map(|kept| kept.mark(&*self.ports.clock));
        let stored = self.fresh(reference, ask, wait).await?;
        let handed = self.serve(&stored.document).await?;
        if let (Some(kept), Some(mark)) = (kept_open, mark) {
            kept.keep(mark, stored.document, &handed);
            // A lock that came meanwhile has emptied the shelf already.
            if !self.is_unlocked() {
                kept.clear();
            }
        }
        Ok(handed)
    }

    /// Hands out the stored access token as it is, without a look at its end.
    pub async fn hand_out_unchecked(
        &self,
        reference: &AccountReference,
    ) -> Result<Arc<HandOut>, HandOutError> {
        let stored = self.account(reference).await?;
        if stored.document.paused {
            return Err(HandOutError::Paused { reference: reference.clone() });
        }
        self.serve(&stored.document).await
    }

    /// Renews now, whatever the windows say.
    pub async fn refresh(
        &self,
        reference: &AccountReference,
        wait: Duration,
    ) -> Result<Account, HandOutError> {
        let generation = self.account(reference).await?.document.generation;
        self.refresh_after(reference, generation, wait).await
    }

    /// Renews unless the tokens are newer than `generation` already: asked twice, by way of two processes, it happens once.
    pub async fn refresh_after(
        &self,
        reference: &AccountReference,
        generation: Generation,
        wait: Duration,
    ) -> Result<Account, HandOutError> {
        let ask = Ask { newer_than: Some(generation), ..Ask::default() };
        Ok(self.fresh(reference, &ask, wait).await?.document)
    }

    /// An account whose access token may be handed out.
    pub(super) async fn fresh(
        &self,
        reference: &AccountReference,
        ask: &Ask,
        wait: Duration,
    ) -> Result<Stored<Account>, HandOutError> {
        let deadline = self.ports.clock.stopwatch() + wait;
        let mut stored = self.account(reference).await?;
        let decision = decide(&stored.document, ask, Standpoint::Outside, self.now());
        tracing::debug!(account = %reference, ?decision, "hand-out decided");
        let meanwhile = match decision {
            Decision::Serve => return Ok(stored),
            Decision::Refuse(refusal) => return Err(HandOutError::refused(reference, refusal)),
            Decision::Refresh { meanwhile, .. } => meanwhile,
        };
        // A store that cannot be written, or a lock that cannot be tried, takes no token away that still serves.
        let second_best = |stored, error| self.second_best(stored, ask, meanwhile, error);
        match self.confirmed_life(&stored.document).await {
            Ok(Ok(())) => {}
            Ok(Err(refusal)) => return second_best(stored, HandOutError::refused(reference, refusal)).await,
            Err(error) => return second_best(stored, error.into()).await,
        }
        let waits = meanwhile != Meanwhile::Serve && !ask.comes_back();
        let patience = if waits { wait } else { Duration::ZERO };
        let permit = match self.ports.refresh_lock.acquire(&self.space, &reference.key(), patience).await {
            Ok(permit) => permit,
            Err(error) => return second_best(stored, error.into()).await,
        };
        let busy = || HandOutError::Busy { reference: reference.clone() };
        let Some(permit) = permit else {
            if meanwhile == Meanwhile::Nothing {
                // The one who holds the lock may have just finished.
                stored = self.account(reference).await?;
                if decide(&stored.document, ask, Standpoint::Outside, self.now()) == Decision::Serve {
                    return Ok(stored);
                }
            }
            return second_best(stored, busy()).await;
        };
        if wait.is_zero() && meanwhile != Meanwhile::Serve {
            return second_best(stored, busy()).await;
        }
        match self.renew_detached(permit, reference, ask, deadline).await {
            None => second_best(stored, busy()).await,
            Some(Renewal::Fresh(account)) if account.document.paused && ask.hands_out() => {
                Err(HandOutError::Paused { reference: reference.clone() })
            }
            Some(Renewal::Fresh(account)) => Ok(*account),
            Some(Renewal::Refused { account, refusal }) => {
                second_best(*account, HandOutError::refused(reference, refusal)).await
            }
            Some(Renewal::Broken(error)) => second_best(stored, error).await,
        }
    }

    /// The token at hand if it is second best, else the error.
    ///
    /// Much may have happened while the caller waited: the account is looked at again, and one that was paused or logged
    /// out meanwhile is not handed out, whatever still lies at hand.
    async fn second_best(
        &self,
        stored: Stored<Account>,
        ask: &Ask,
        meanwhile: Meanwhile,
        error: HandOutError,
    ) -> Result<Stored<Account>, HandOutError> {
        if meanwhile == Meanwhile::Nothing {
            return Err(error);
        }
        let reference = stored.document.reference.clone();
        tracing::debug!(account = %reference, %error, "the token at hand may still serve");
        let latest = match self.account(&reference).await {
            // A store in trouble takes no token away either.
            Err(HandOutError::Store(_)) => return Ok(stored),
            found => found?,
        };
        match decide(&latest.document, ask, Standpoint::Outside, self.now()) {
            Decision::Serve
            | Decision::Refresh { meanwhile: Meanwhile::Serve | Meanwhile::ServeAfterWait, .. } => Ok(latest),
            Decision::Refresh { meanwhile: Meanwhile::Nothing, .. } => Err(error),
            Decision::Refuse(refusal) => Err(HandOutError::refused(&reference, refusal)),
        }
    }

    /// Runs the renewal as a task of its own: a caller who goes away must not leave a spent token unsaved.
    async fn renew_detached(
        &self,
        permit: Box<dyn RefreshPermit>,
        reference: &AccountReference,
        ask: &Ask,
        deadline: Duration,
    ) -> Option<Renewal> {
        let (sender, receiver) = oneshot::channel();
        let (engine, reference, ask) = (self.clone(), reference.clone(), ask.clone());
        self.ports.tasks.spawn(Box::pin(async move {
            let outcome = engine.renew(&*permit, &reference, &ask).await;
            drop(permit);
            // Nobody listening any more is fine: everything worth keeping is stored.
            drop(sender.send(outcome));
        }));
        let left = deadline.saturating_sub(self.ports.clock.stopwatch());
        futures::select_biased! {
            outcome = receiver.fuse() => outcome.ok(),
            () = self.ports.clock.sleep(left).fuse() => None,
        }
    }

    async fn serve(&self, account: &Account) -> Result<Arc<HandOut>, HandOutError> {
        let credentials = self.credentials(account).await?;
        let token = credentials.access.ok_or_else(|| HandOutError::LoginRequired {
            reference: account.reference.clone(),
            cause: Cause::new(CauseKind::Expired, "there is no access token"),
        })?;
        self.note_use(&account.reference);
        Ok(Arc::new(HandOut::of(account, token, credentials.identity_token)))
    }

    /// A copy of a store may not spend tokens that its original still holds.
    async fn confirmed_life(&self, account: &Account) -> Result<Result<(), Refusal>, StoreError> {
        if let Some(departure) = departure(&*self.ports.store).await? {
            // A refresh that begins now may end when nothing can be written here any more.
            let detail = format!("its records are being moved to {}", departure.document.to);
            return Err(StoreError::Unavailable(detail));
        }
        let incarnation = self.incarnation().await?;
        if incarnation.id == account.incarnation {
            return Ok(Ok(()));
        }
        Ok(match incarnation.origin {
            Origin::Restored { source_is_dead: false, .. } => Err(Refusal::TryLater {
                until: Timestamp::MAX,
                cause: Cause::new(
                    CauseKind::UnconfirmedCopy,
                    "this store is a restored copy and its original may still refresh the same tokens",
                ),
            }),
            Origin::Fresh | Origin::Restored { .. } => Ok(()),
        })
    }

    /// Remembers that an account was used, to the minute: beside the hand-out, which never waits or fails for it.
    fn note_use(&self, reference: &AccountReference) {
        let now = self.now();
        {
            let mut noted = self.noted_uses.lock().unwrap_or_else(PoisonError::into_inner);
            let last = noted.get(reference);
            if last.is_some_and(|last| now.duration_since(*last).abs() < USE_RESOLUTION) {
                return;
            }
            noted.insert(reference.clone(), now);
        }
        let (engine, reference) = (self.clone(), reference.clone());
        self.ports.tasks.spawn(Box::pin(async move {
            if let Err(error) = engine.note_use_now(&reference).await {
                tracing::debug!(%error, account = %reference, "the time of use could not be noted");
            }
        }));
    }

    async fn note_use_now(&self, reference: &AccountReference) -> Result<(), StoreError> {
        let (now, key) = (self.now(), reference.key());
        let answer = document::get::<AccountUse>(&*self.ports.store, &self.space, &key).await?;
        let expected = match &answer.value {
            Some(stored) if now.duration_since(stored.document.last_used) < USE_RESOLUTION => return Ok(()),
            Some(stored) => Expected::Version(stored.version),
            None => Expected::Absent,
        };
        let batch = document::put(self.batch(), &AccountUse { account: key, last_used: now }, expected)?;
        self.ports.store.commit(batch).await.map(|_| ())
    }
}

/// Why nothing was handed out.
#[derive(Debug, thiserror::Error)]
pub enum HandOutError {
    /// The account does not exist (any more).
    #[error("there is no account {reference}")]
    NoSuchAccount {
        /// The account.
        reference: AccountReference,
    },
    /// A person has to log in.
    #[error("{reference} needs a login: {cause}")]
    LoginRequired {
        /// The account.
        reference: AccountReference,
        /// Why.
        cause: Cause,
    },
    /// Not now.
    #[error("{reference} cannot be refreshed now: {cause}")]
    TryLater {
        /// The account.
        reference: AccountReference,
        /// Why.
        cause: Cause,
        /// When it is tried again.
        until: Timestamp,
    },
    /// A refresh is under way, and longer than the caller would wait.
    #[error("{reference} is being refreshed, and that takes longer than the wait")]
    Busy {
        /// The account.
        reference: AccountReference,
    },
    /// Somebody paused it.
    #[error("{reference} is paused")]
    Paused {
        /// The account.
        reference: AccountReference,
    },
    /// The lock cannot be used.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// The vault cannot be used.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// The provider's description cannot be used.
    #[error(transparent)]
    Provider(#[from] super::providers::ProviderError),
    /// The call could not be built.
    #[error("cannot build the refresh request of {reference}: {detail}")]
    Request {
        /// The account.
        reference: AccountReference,
        /// What is wrong with it.
        detail: String,
    },
    /// The store cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl HandOutError {
    pub(super) fn refused(reference: &AccountReference, refusal: Refusal) -> Self {
        let reference = reference.clone();
        match refusal {
            Refusal::LoginRequired(cause) => Self::LoginRequired { reference, cause },
            Refusal::Paused => Self::Paused { reference },
            Refusal::TryLater { until, cause } => Self::TryLater { reference, cause, until },
        }
    }
}

/// Coarse, so that a warm hand-out nearly never writes.
const USE_RESOLUTION: SignedDuration = SignedDuration::from_mins(1);

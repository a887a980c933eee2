//! Cleaning up: logins nobody can use any more go, after revoking what can be revoked; what has expired is collected.
//!
//! An account in use stays, whatever there is against it. The store cannot make a write depend on "no session uses
//! this", so the remover first stakes a claim, then looks for sessions, and removes the account only together with its
//! claim. Whoever opens a session takes the claim away in the same commit ([`Engine::open_session`]): either the remover
//! sees the session, or it finds its claim gone.

use jiff::{SignedDuration, Timestamp};

use super::Engine;
use super::accounts::Overview;
use super::broker::HandOutError;
use super::logout::RevocationReport;
use super::records::{KINDS, RemovalClaim};
use super::sandboxes::Sandboxes;
use super::sessions::{Session, sessions_by_account};
use crate::lifecycle::account::{Account, Standing};
use crate::lifecycle::deadlines::grant_expires_at;
use crate::lifecycle::reference::AccountReference;
use crate::ports::document::{self, Document as _};
use crate::ports::store::{Commit, Expected, Scope, Space, StoreError, Version};

/// What may go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CleanupRules {
    /// Logins whose grant ended, or that need a person, for longer than this.
    pub dead_for: SignedDuration,
    /// Logins not used for longer than this; `None`: use does not matter.
    pub unused_for: Option<SignedDuration>,
}

impl Default for CleanupRules {
    fn default() -> Self {
        Self { dead_for: SignedDuration::from_hours(7 * 24), unused_for: None }
    }
}

/// Why a login goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ground {
    /// Its grant ended then.
    GrantEnded(Timestamp),
    /// It has needed a person since then.
    LoginRequired(Timestamp),
    /// It was last used then.
    Unused(Timestamp),
}

/// What became of an account that was to be removed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Removal {
    /// It is gone; its tokens met this at the provider.
    Removed(RevocationReport),
    /// It stays, because so many sessions use it.
    InUse {
        /// How many.
        sessions: usize,
    },
    /// There was nothing left to remove: somebody else was faster, or the account has been used or logged in again.
    Spared,
}

/// The accounts that may go, with why: none of them is in use by `sessions`. Pure.
pub fn candidates(
    overview: &Overview,
    sessions: &[Session],
    rules: CleanupRules,
    now: Timestamp,
) -> Vec<(AccountReference, Ground)> {
    let used = sessions_by_account(sessions);
    let judge = |account: &Account| {
        let key = account.reference.key();
        let ground = ground(account, overview.last_used.get(&key).copied(), rules, now)?;
        (!used.contains_key(&key)).then(|| (account.reference.clone(), ground))
    };
    overview.accounts.iter().filter_map(judge).collect()
}

fn ground(
    account: &Account,
    last_used: Option<Timestamp>,
    rules: CleanupRules,
    now: Timestamp,
) -> Option<Ground> {
    let longer_ago = |since: Timestamp, limit: SignedDuration| now.duration_since(since) > limit;
    match &account.standing {
        Standing::NeedsLogin { at, .. } | Standing::Revoked { at } if longer_ago(*at, rules.dead_for) => {
            return Some(Ground::LoginRequired(*at));
        }
        _ => {}
    }
    if let Some(end) = grant_expires_at(account)
        && longer_ago(end, rules.dead_for)
    {
        return Some(Ground::GrantEnded(end));
    }
    // An account nobody has used since is as old as its login.
    let last_used = last_used.map_or(account.logged_in_at, |used| used.max(account.logged_in_at));
    match rules.unused_for {
        Some(limit) if longer_ago(last_used, limit) => Some(Ground::Unused(last_used)),
        _ => None,
    }
}

impl Engine {
    /// Removes an account if it still may go, and revokes its tokens where the provider offers it.
    pub async fn remove(
        &self,
        reference: &AccountReference,
        rules: CleanupRules,
    ) -> Result<Removal, HandOutError> {
        loop {
            let claim = self.claim_removal(reference).await?;
            let removal = match self.try_remove(reference, rules, claim).await {
                Ok(None) => continue,
                Ok(Some(removal)) => Ok(removal),
                Err(HandOutError::NoSuchAccount { .. }) => Ok(Removal::Spared),
                Err(error) => Err(error),
            };
            if !matches!(removal, Ok(Removal::Removed(_))) {
                self.withdraw_claim(reference, claim).await?;
            }
            return removal;
        }
    }

    /// `None`: something has changed meanwhile.
    async fn try_remove(
        &self,
        reference: &AccountReference,
        rules: CleanupRules,
        claim: Version,
    ) -> Result<Option<Removal>, HandOutError> {
        // After the claim: a session that is not seen here takes the claim away.
        let sessions = self.sessions().await?.iter().filter(|session| session.uses(reference)).count();
        if sessions > 0 {
            return Ok(Some(Removal::InUse { sessions }));
        }
        let account = self.account(reference).await?;
        let used = self.account_use(reference).await?;
        let last_used = used.as_ref().map(|used| used.document.last_used);
        if ground(&account.document, last_used, rules, self.now()).is_none() {
            return Ok(Some(Removal::Spared));
        }
        let batch = self.batch().delete(RemovalClaim::KIND, reference.key(), claim);
        match self.try_give_up(batch, account, used).await? {
            Some(revocation) => Ok(Some(Removal::Removed(self.revoke(revocation).await?))),
            None => Ok(None),
        }
    }

    /// The claim on removing an account: a new one, or the one another remover has staked. Both then depend on it, and
    /// one of them finds it gone.
    async fn claim_removal(&self, reference: &AccountReference) -> Result<Version, StoreError> {
        let account = reference.key();
        loop {
            let found = document::get::<RemovalClaim>(&*self.ports.store, &self.space, &account).await?;
            if let Some(claim) = found.value {
                return Ok(claim.version);
            }
            let until = found.time.saturating_add(CLAIM_LIFE).unwrap_or(Timestamp::MAX);
            let claim = RemovalClaim { account: account.clone(), until };
            let batch = document::put(self.batch(), &claim, Expected::Absent)?;
            if let Commit::Done(version) = self.ports.store.commit(batch).await?.value {
                return Ok(version);
            }
        }
    }

    async fn withdraw_claim(&self, reference: &AccountReference, claim: Version) -> Result<(), StoreError> {
        let batch = self.batch().delete(RemovalClaim::KIND, reference.key(), claim);
        // A conflict means that somebody has taken it away already.
        self.ports.store.commit(batch).await?;
        Ok(())
    }

    /// What somebody has to do from time to time: ends orphaned sessions, collects what has expired, and tells providers of
    /// logouts they have not heard yet.
    /// Sandboxes have their turn after it, each by itself.
    pub async fn keep_house(&self) -> Result<(), StoreError> {
        self.collect_sessions().await?;
        self.collect_expired().await?;
        self.revoke_queued().await?;
        let mut walk = Sandboxes::new(self.clone()).walk();
        while let Some(sandbox) = walk.next().await? {
            if let Err(error) = self.in_sandbox(&sandbox).look_after_accounts().await {
                tracing::warn!(sandbox = sandbox.name.as_str(), %error, "its accounts are looked after another time");
            }
        }
        Ok(())
    }

    /// What a sandbox needs besides what its authorization server does by itself.
    async fn look_after_accounts(&self) -> Result<(), StoreError> {
        self.collect_sessions().await?;
        self.revoke_queued().await?;
        Ok(())
    }

    /// Collects expired records, a bounded number a kind; tells how many went.
    pub async fn collect_expired(&self) -> Result<usize, StoreError> {
        let mut collected = 0;
        for kind in KINDS {
            let space = match kind.scope {
                Scope::System => &Space::System,
                Scope::Sandbox => &self.space,
            };
            collected += self.ports.store.expire(space, kind, COLLECTED_AT_ONCE).await?;
        }
        Ok(collected)
    }
}

/// A removal takes milliseconds until its commit. A claim nobody took back holds up nobody, so it may stay for longer.
const CLAIM_LIFE: SignedDuration = SignedDuration::from_mins(5);
/// Short enough a transaction that nobody else notices.
const COLLECTED_AT_ONCE: usize = 500;

#[cfg(test)]
mod tests;

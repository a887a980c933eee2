//! Sessions: who is using which account right now, each tied to a process, a deadline or both.
//!
//! A session counts as long as its process runs and its deadline has not passed; nobody has to say goodbye. What that
//! means for removing accounts is decided in [`super::cleanup`].

mod end;
mod session;

use std::collections::{BTreeMap, BTreeSet};

use futures::StreamExt as _;
use jiff::Timestamp;

use self::end::SessionEnd;
pub use self::session::{NewSession, Purpose, Session, sessions_by_account};
use super::Engine;
use super::records::RemovalClaim;
use crate::ports::document::{self, Document as _, Stored};
use crate::ports::random::unguessable;
use crate::ports::store::{Batch, Commit, Expected, Page, StoreError, Version};
use crate::secret::Fingerprint;

impl Engine {
    /// Begins a session. From now on until its end its accounts are safe from cleaning up, even from one that has
    /// already decided to remove them.
    ///
    /// Open it before the first token is handed out: an account that was removed a moment earlier is then found missing
    /// by the hand-out.
    pub async fn open_session(&self, wish: NewSession) -> Result<Session, StoreError> {
        let mut seen = BTreeSet::new();
        let mut accounts = wish.accounts;
        accounts.retain(|account| seen.insert(account.key()));
        let session = Session {
            id: unguessable(&*self.ports.random).expose().to_owned(),
            accounts,
            owner: wish.owner,
            purpose: wish.purpose,
            started_at: self.now(),
            until: wish.until,
            token: wish.token,
            routes: wish.routes,
        };
        let mut claims = BTreeMap::new();
        loop {
            let batch = session.begins(self.batch());
            let batch = document::put(batch, &session, Expected::Absent)?;
            let batch = overrule(batch, &seen, &claims);
            if let Commit::Done(_) = self.ports.store.commit(batch).await?.value {
                return Ok(session);
            }
            claims = self.removal_claims(&seen).await?;
        }
    }

    /// Moves the end of a session. `false`: it has ended already.
    pub async fn renew_session(&self, id: &str, until: Timestamp) -> Result<bool, StoreError> {
        loop {
            let Some(Stored { mut document, version }) = self.stored_session(id).await? else {
                return Ok(false);
            };
            if self.end_of(&document).is_some() {
                return Ok(false);
            }
            document.until = Some(until);
            let batch = document::put(self.batch(), &document, Expected::Version(version))?;
            if let Commit::Done(_) = self.ports.store.commit(batch).await?.value {
                return Ok(true);
            }
        }
    }

    /// Ends a session. `false`: it had ended before.
    pub async fn end_session(&self, id: &str) -> Result<bool, StoreError> {
        loop {
            let Some(stored) = self.stored_session(id).await? else { return Ok(false) };
            let end = self.end_of(&stored.document);
            if self.remove_session(stored, end.unwrap_or(SessionEnd::Told)).await? {
                return Ok(end.is_none());
            }
        }
    }

    /// The sessions that have not ended.
    pub async fn sessions(&self) -> Result<Vec<Session>, StoreError> {
        let mut sessions = document::list::<Session>(&*self.ports.store, &self.space).await?;
        sessions.retain(|stored| self.end_of(&stored.document).is_none());
        Ok(sessions.into_iter().map(|stored| stored.document).collect())
    }

    /// The session whose secret has this fingerprint, unless it has ended.
    pub async fn session_of_token(&self, token: &Fingerprint) -> Result<Option<Session>, StoreError> {
        // The secret is random, so there is one record, and another only if somebody opened two with one secret.
        let page = Page::first(16);
        let store = &*self.ports.store;
        let found = store.find(&self.space, Session::KIND, "token", &token.to_string(), page).await?.value;
        for record in found {
            let session = document::decode::<Session>(&record)?.document;
            if self.end_of(&session).is_none() {
                return Ok(Some(session));
            }
        }
        Ok(None)
    }

    /// The sessions that have ended without anybody saying so, and are still on record.
    pub async fn orphaned_sessions(&self) -> Result<Vec<Session>, StoreError> {
        let orphaned = self.stored_orphans().await?;
        Ok(orphaned.into_iter().map(|(stored, _)| stored.document).collect())
    }

    /// Removes the records of [`Engine::orphaned_sessions`]; tells how many.
    pub async fn collect_sessions(&self) -> Result<usize, StoreError> {
        // Side by side, because stores write commits that arrive together as one.
        let mut removals = futures::stream::iter(self.stored_orphans().await?)
            .map(|(stored, end)| self.remove_session(stored, end))
            .buffer_unordered(COLLECTED_SIDE_BY_SIDE);
        let mut collected = 0;
        while let Some(removed) = removals.next().await {
            collected += usize::from(removed?);
        }
        Ok(collected)
    }

    async fn stored_orphans(&self) -> Result<Vec<(Stored<Session>, SessionEnd)>, StoreError> {
        let sessions = document::list::<Session>(&*self.ports.store, &self.space).await?;
        let ended = |stored: Stored<Session>| Some((self.end_of(&stored.document)?, stored));
        Ok(sessions.into_iter().filter_map(ended).map(|(end, stored)| (stored, end)).collect())
    }

    async fn stored_session(&self, id: &str) -> Result<Option<Stored<Session>>, StoreError> {
        Ok(document::get::<Session>(&*self.ports.store, &self.space, id).await?.value)
    }

    /// `false`: somebody else has changed or removed it meanwhile.
    async fn remove_session(&self, stored: Stored<Session>, end: SessionEnd) -> Result<bool, StoreError> {
        let session = stored.document;
        let batch = end.told(self.batch(), &session, self.now());
        let batch = batch.delete(Session::KIND, &session.id, stored.version);
        Ok(matches!(self.ports.store.commit(batch).await?.value, Commit::Done(_)))
    }

    /// How the session has ended; `None`: it has not.
    fn end_of(&self, session: &Session) -> Option<SessionEnd> {
        SessionEnd::of(session, &*self.ports.processes, self.now())
    }

    /// The claims on removing any of these accounts.
    async fn removal_claims(
        &self,
        accounts: &BTreeSet<String>,
    ) -> Result<BTreeMap<String, Version>, StoreError> {
        let mut claims = BTreeMap::new();
        for account in accounts {
            let claim = document::get::<RemovalClaim>(&*self.ports.store, &self.space, account).await?.value;
            claims.extend(claim.map(|claim| (account.clone(), claim.version)));
        }
        Ok(claims)
    }
}

/// Insists that nobody is about to remove these accounts, by taking away the claims of those who are: their removal
/// cannot be committed without it.
fn overrule(mut batch: Batch, accounts: &BTreeSet<String>, claims: &BTreeMap<String, Version>) -> Batch {
    for account in accounts {
        batch = match claims.get(account) {
            Some(version) => batch.delete(RemovalClaim::KIND, account, *version),
            None => batch.guard(RemovalClaim::KIND, account, Expected::Absent),
        };
    }
    batch
}

/// What the embedded store writes at one time without making others wait.
const COLLECTED_SIDE_BY_SIDE: usize = 64;

#[cfg(test)]
mod tests;

//! Records that nearly every request needs, kept in memory: clients, users, resources, and the marks that end tokens.
//!
//! What is kept is as current as the store's hint of changes: a change of this process is seen by the next request, one
//! of another process as soon as somebody looks for it. Every write is guarded by the versions that were read, so a
//! record that has just become old costs a second try and nothing else.

use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use jiff::Timestamp;

use super::records::client::Client;
use super::records::family::Family;
use super::records::grant::Grant;
use super::records::resource::Resource;
use super::records::revoked::{REVOKED, Revoked, Subject};
use super::records::signing_key::SIGNING_KEY;
use super::records::user::User;
use crate::engine::following::{Following, Remembered};
use crate::engine::moving::departure::{Service, service};
use crate::lifecycle::rotation::Pace;
use crate::ports::clock::Clock;
use crate::ports::document::{self, Document, Stored};
use crate::ports::store::{Change, Space, Store, StoreError};

/// What is kept.
pub(super) struct Known {
    store: Arc<dyn Store>,
    space: Space,
    following: Following,
    clock: Arc<dyn Clock>,
    /// Counts the changes of signing keys.
    keys_changed: AtomicU64,
    is_suspended: AtomicBool,
    /// The second in which the first access token was made that counts.
    honours_from: AtomicI64,
    clients: Kept<Client>,
    users: Kept<User>,
    resources: Kept<Resource>,
    grants: Kept<Grant>,
    families: Kept<Family>,
    revoked: RwLock<HashMap<String, Revoked>>,
}

impl Known {
    pub(super) fn new(store: Arc<dyn Store>, space: Space, clock: Arc<dyn Clock>) -> Self {
        let following = Following::new(Arc::clone(&store), space.clone(), Arc::clone(&clock));
        Self {
            store,
            space,
            following,
            clock,
            keys_changed: AtomicU64::new(0),
            is_suspended: AtomicBool::new(false),
            honours_from: AtomicI64::new(i64::MIN),
            clients: Kept::default(),
            users: Kept::default(),
            resources: Kept::default(),
            grants: Kept::default(),
            families: Kept::default(),
            revoked: RwLock::default(),
        }
    }

    /// Makes everything here as current as the store's last hint.
    pub(super) async fn catch_up(&self) -> Result<(), StoreError> {
        self.following.catch_up(self).await
    }

    /// Makes sure that nothing keeps the server from honouring what it has issued.
    ///
    /// # Errors
    /// Something does: a move to another store, or a copy of which nobody has said that its grants stand, or only just now.
    pub(super) async fn in_service(&self) -> Result<(), StoreError> {
        self.catch_up().await?;
        if self.is_suspended.load(Ordering::Acquire) {
            // It may have ended without a hint of it having come: what came with its end counts with it.
            let service = Box::pin(service(&*self.store)).await?;
            self.honour_from(&service);
            if let Some(detail) = service.suspension {
                return Err(StoreError::Unavailable(detail));
            }
        }
        if !self.honours(self.clock.now()) {
            let detail = "all that was issued was taken back a moment ago".to_owned();
            return Err(StoreError::Unavailable(detail));
        }
        Ok(())
    }

    /// Whether access tokens made then count, for all that is said of the whole store.
    pub(super) fn honours(&self, made: Timestamp) -> bool {
        made.as_second() >= self.honours_from.load(Ordering::Acquire)
    }

    /// What is said of the whole store is a change like any other, in a space that nobody follows.
    async fn look_at_life(&self) -> Result<(), StoreError> {
        let service = service(&*self.store).await?;
        self.honour_from(&service);
        self.is_suspended.store(service.suspension.is_some(), Ordering::Release);
        Ok(())
    }

    /// Never goes back: whoever read the store earlier may be the last to say so here.
    fn honour_from(&self, service: &Service) {
        let second = service.honours_from.map_or(i64::MIN, Timestamp::as_second);
        self.honours_from.fetch_max(second, Ordering::AcqRel);
    }

    /// How often signing keys have changed.
    pub(super) fn keys_changed(&self) -> u64 {
        self.keys_changed.load(Ordering::Acquire)
    }

    pub(super) async fn client(&self, id: &str) -> Result<Option<Stored<Arc<Client>>>, StoreError> {
        self.kept(&self.clients, id).await
    }

    pub(super) async fn user(&self, id: &str) -> Result<Option<Stored<Arc<User>>>, StoreError> {
        self.kept(&self.users, id).await
    }

    pub(super) async fn resource(&self, url: &str) -> Result<Option<Stored<Arc<Resource>>>, StoreError> {
        self.kept(&self.resources, url).await
    }

    /// A grant, perhaps an old one: nobody tells when grants change. Whoever builds on it guards it, and whoever would
    /// refuse because of it doubts it first.
    pub(super) async fn grant(&self, key: &str) -> Result<Option<Stored<Arc<Grant>>>, StoreError> {
        self.kept(&self.grants, key).await
    }

    /// A family that has just been refreshed here, perhaps an old one: nobody tells when families change. What is decided
    /// by it is proven by a commit that guards it, or decided again. Only while its last answer can be asked for again,
    /// which is when everybody who shares the login asks: after that it is likely to have been changed elsewhere.
    pub(super) fn family(&self, id: &str, pace: &Pace, now: Timestamp) -> Option<Stored<Arc<Family>>> {
        let found = self.families.find(id);
        found.filter(|family| family.document.line.as_ref().is_some_and(|line| line.answers_again(pace, now)))
    }

    /// Keeps a family as it has just been stored.
    pub(super) fn keep_family(&self, family: Stored<Arc<Family>>) {
        let id = family.document.id.to_string();
        self.families.replace(id, family);
    }

    /// Whether the tokens of any of `subjects` have been ended.
    pub(super) async fn is_revoked(&self, subjects: &[Subject<'_>]) -> Result<bool, StoreError> {
        self.catch_up().await?;
        let revoked = self.revoked.read().unwrap_or_else(PoisonError::into_inner);
        if revoked.is_empty() {
            return Ok(false);
        }
        Ok(subjects.iter().any(|subject| revoked.contains_key(&subject.to_string())))
    }

    /// Somebody has found a record to be another than the one kept here.
    pub(super) fn doubt(&self, kind: &str, key: &str) {
        self.clients.lose(kind, key);
        self.users.lose(kind, key);
        self.resources.lose(kind, key);
        self.grants.lose(kind, key);
        self.families.lose(kind, key);
    }

    async fn kept<T: Document>(
        &self,
        kept: &Kept<T>,
        key: &str,
    ) -> Result<Option<Stored<Arc<T>>>, StoreError> {
        self.catch_up().await?;
        if let Some(found) = kept.find(key) {
            return Ok(Some(found));
        }
        let losses = kept.losses.load(Ordering::Acquire);
        let read = document::get::<T>(&*self.store, &self.space, key).await?.value;
        let read = read.map(Stored::shared);
        if let Some(read) = &read {
            kept.keep(key, read, losses);
        }
        Ok(read)
    }

    async fn read_mark(&self, key: &str) -> Result<(), StoreError> {
        let mark = document::get::<Revoked>(&*self.store, &self.space, key).await?.value;
        let mut revoked = self.revoked.write().unwrap_or_else(PoisonError::into_inner);
        match mark {
            Some(mark) => revoked.insert(key.to_owned(), mark.document),
            None => revoked.remove(key),
        };
        Ok(())
    }

    /// Forgets marks whose tokens have ended by themselves.
    pub(super) fn forget_old_marks(&self, now: Timestamp) {
        let mut revoked = self.revoked.write().unwrap_or_else(PoisonError::into_inner);
        revoked.retain(|_, mark| mark.until > now);
    }
}

impl Remembered for Known {
    async fn changed(&self, changes: &[Change]) -> Result<(), StoreError> {
        for change in changes {
            self.doubt(&change.kind, &change.key);
            if change.kind == SIGNING_KEY.name {
                self.keys_changed.fetch_add(1, Ordering::AcqRel);
            }
            if change.kind == REVOKED.name {
                self.read_mark(&change.key).await?;
            }
        }
        self.look_at_life().await
    }

    async fn start_anew(&self) -> Result<(), StoreError> {
        self.clients.lose_all();
        self.users.lose_all();
        self.resources.lose_all();
        self.grants.lose_all();
        self.families.lose_all();
        self.keys_changed.fetch_add(1, Ordering::AcqRel);
        let marks = document::list::<Revoked>(&*self.store, &self.space).await?;
        let marks = marks.into_iter().map(|mark| (mark.document.subject.clone(), mark.document));
        *self.revoked.write().unwrap_or_else(PoisonError::into_inner) = marks.collect();
        self.look_at_life().await
    }
}

impl fmt::Debug for Known {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Known")
    }
}

/// Records of one kind.
struct Kept<T> {
    records: RwLock<HashMap<String, Stored<Arc<T>>>>,
    /// Counts what was lost: a record read before is not kept after.
    losses: AtomicU64,
}

impl<T> Default for Kept<T> {
    fn default() -> Self {
        Self { records: RwLock::default(), losses: AtomicU64::new(0) }
    }
}

impl<T: Document> Kept<T> {
    fn find(&self, key: &str) -> Option<Stored<Arc<T>>> {
        self.records.read().unwrap_or_else(PoisonError::into_inner).get(key).cloned()
    }

    fn keep(&self, key: &str, read: &Stored<Arc<T>>, losses: u64) {
        let mut records = self.records.write().unwrap_or_else(PoisonError::into_inner);
        if self.losses.load(Ordering::Acquire) != losses {
            return;
        }
        if records.len() >= MOST_KEPT {
            records.clear();
        }
        records.insert(key.to_owned(), read.clone());
    }

    /// Keeps the newer one.
    fn replace(&self, key: String, stored: Stored<Arc<T>>) {
        let mut records = self.records.write().unwrap_or_else(PoisonError::into_inner);
        if records.len() >= MOST_KEPT {
            records.clear();
        }
        let is_newer = |kept: &Stored<Arc<T>>| kept.version < stored.version;
        if records.get(&key).is_none_or(is_newer) {
            records.insert(key, stored);
        }
    }

    fn lose(&self, kind: &str, key: &str) {
        if kind == T::KIND.name {
            let mut records = self.records.write().unwrap_or_else(PoisonError::into_inner);
            self.losses.fetch_add(1, Ordering::AcqRel);
            records.remove(key);
        }
    }

    fn lose_all(&self) {
        let mut records = self.records.write().unwrap_or_else(PoisonError::into_inner);
        self.losses.fetch_add(1, Ordering::AcqRel);
        records.clear();
    }
}

/// A kilobyte or so each.
const MOST_KEPT: usize = 10_000;

#[cfg(test)]
mod tests;

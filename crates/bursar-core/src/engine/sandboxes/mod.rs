//! Sandboxes: tenants of one installation, each with a space, a data key and an authorization server of its own.
//!
//! A sandbox is a name for a space that nobody had before and nobody will have again: it ends when the name lets go of the
//! space, in one commit, and everything in it is out of reach from then on. `directory` finds them, `removal` clears up.

pub mod directory;
mod name;
pub(in crate::engine) mod records;
mod removal;
#[cfg(test)]
mod tests;
mod walk;

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

pub use self::name::{HostName, HostNameError, SandboxName, SandboxNameError};
use self::records::{Remains, SANDBOX, SANDBOX_HOST, SandboxHost};
pub use self::records::{Sandbox, SandboxSettings};
pub use self::removal::Cleared;
pub use self::walk::Walk;
use super::Engine;
use super::vault::succession::Succession;
use super::vault::{FIRST_SANDBOX_KEY, VaultError};
use crate::identifier::Identifier;
use crate::ports::document::{self, Stored};
use crate::ports::event::Event;
use crate::ports::store::{Batch, Commit, Expected, Page, SandboxId, Space, StoreError};

/// The use cases about sandboxes. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Sandboxes {
    engine: Engine,
    /// Who changes things through this handle, if somebody does.
    actor: Option<Arc<str>>,
}

/// A sandbox as it is wanted.
#[derive(Clone, Debug)]
pub struct NewSandbox {
    /// What people shall call it.
    pub name: SandboxName,
    /// The host it shall be reached by; `None`: beneath the server's own address.
    pub host: Option<HostName>,
    /// After how long it ends by itself; `None`: never.
    pub lifetime: Option<SignedDuration>,
    /// What is different in it.
    pub settings: SandboxSettings,
}

/// Why a sandbox was not made or changed.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    /// The name is taken.
    #[error("there is a sandbox `{name}` already")]
    Exists {
        /// The name.
        name: SandboxName,
    },
    /// Another one is reached by this host.
    #[error("another sandbox has the host `{host}`")]
    HostIsTaken {
        /// The host.
        host: String,
    },
    /// It would end before anybody can use it.
    #[error("a sandbox lives for {} s at least", SHORTEST_LIFE.as_secs())]
    Lifetime,
    /// Its key cannot be made.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// The store cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Sandboxes {
    /// The sandboxes of the installation that `engine` is of.
    pub fn new(engine: Engine) -> Self {
        Self { engine, actor: None }
    }

    /// The same in the hands of `actor`: every change made through it is noted as theirs.
    #[must_use]
    pub fn acting_as(&self, actor: impl Into<Arc<str>>) -> Self {
        Self { actor: Some(actor.into()), ..self.clone() }
    }

    /// Makes a sandbox.
    ///
    /// # Errors
    /// Its name or host is taken, its life is too short, or the vault or the store cannot be used.
    pub async fn add(&self, wish: NewSandbox) -> Result<Sandbox, SandboxError> {
        let NewSandbox { name, host, lifetime, settings } = wish;
        if lifetime.is_some_and(|lifetime| lifetime < SHORTEST_LIFE) {
            return Err(SandboxError::Lifetime);
        }
        let now = self.engine.now();
        let space = self.new_space()?;
        let expires_at = lifetime.map(|lifetime| now.saturating_add(lifetime).unwrap_or(Timestamp::MAX));
        let data_key = self.engine.new_sandbox_key(&space).await?;
        let (key_id, succession) = (FIRST_SANDBOX_KEY, Succession::default());
        let sandbox = Sandbox {
            name,
            space,
            data_key,
            key_id,
            succession,
            host,
            settings,
            created_at: now,
            expires_at,
        };
        loop {
            let event =
                Event::new(now, "sandbox.added", sandbox.name.as_str()).with("space", sandbox.space.as_str());
            let mut batch = document::put(self.change(event), &sandbox, Expected::Absent)?;
            if let Some(host) = &sandbox.host {
                let claim = SandboxHost { host: host.clone(), sandbox: sandbox.name.clone() };
                batch = document::put(batch, &claim, Expected::Absent)?;
            }
            match self.engine.ports.store.commit(batch).await?.value {
                Commit::Done(_) => return Ok(sandbox),
                Commit::Conflict { kind, key } if kind == SANDBOX_HOST.name => {
                    if !self.end_expired_at(&key, now).await? {
                        return Err(SandboxError::HostIsTaken { host: key });
                    }
                }
                Commit::Conflict { .. } => match self.stored(sandbox.name.as_str()).await? {
                    // The name is free, but nobody has cleared up yet.
                    Some(old) if old.document.has_ended(now) => {
                        self.end(&old, "sandbox.expired").await?;
                    }
                    Some(_) => return Err(SandboxError::Exists { name: sandbox.name }),
                    None => {}
                },
            }
        }
    }

    /// The sandbox of this name; `None`: there is none, or not any more.
    pub async fn named(&self, name: &str) -> Result<Option<Sandbox>, StoreError> {
        let now = self.engine.now();
        let stored = self.stored(name).await?.map(|stored| stored.document);
        Ok(stored.filter(|sandbox| !sandbox.has_ended(now)))
    }

    /// Sandboxes in the order of their names: at most `limit`, after the one called `after`. A page may be short, or empty,
    /// before the last: the other half of the answer tells what the next one comes after.
    pub async fn page(
        &self,
        after: Option<&str>,
        limit: usize,
    ) -> Result<(Vec<Sandbox>, Option<String>), StoreError> {
        let page = Page { after: after.map(str::to_owned), limit };
        let records = self.engine.ports.store.list(&Space::System, &SANDBOX, page).await?.value;
        let next = records.last().filter(|_| records.len() >= limit).map(|record| record.key.clone());
        let now = self.engine.now();
        let mut sandboxes = Vec::with_capacity(records.len());
        for record in &records {
            let sandbox = document::decode::<Sandbox>(record)?.document;
            if !sandbox.has_ended(now) {
                sandboxes.push(sandbox);
            }
        }
        Ok((sandboxes, next))
    }

    /// Every sandbox, in the order of their names.
    pub async fn all(&self) -> Result<Vec<Sandbox>, StoreError> {
        let (mut all, mut after) = (Vec::new(), None);
        loop {
            let (page, next) = self.page(after.as_deref(), PAGE).await?;
            all.extend(page);
            if next.is_none() {
                return Ok(all);
            }
            after = next;
        }
    }

    /// Empties a sandbox: it begins again with new keys and nobody in it. Name, host, settings and end stay. `None`: there
    /// is none of this name.
    ///
    /// # Errors
    /// The vault or the store cannot be used.
    pub async fn reset(&self, name: &str) -> Result<Option<Sandbox>, SandboxError> {
        loop {
            let now = self.engine.now();
            let Some(old) = self.stored(name).await?.filter(|old| !old.document.has_ended(now)) else {
                return Ok(None);
            };
            let space = self.new_space()?;
            let data_key = self.engine.new_sandbox_key(&space).await?;
            let remains = Self::remains(&old.document, now);
            let (key_id, succession) = (FIRST_SANDBOX_KEY, Succession::default());
            let sandbox = Sandbox { space, data_key, key_id, succession, ..old.document };
            let event = Event::new(now, "sandbox.reset", name).with("space", sandbox.space.as_str());
            let batch = document::put(self.change(event), &sandbox, Expected::Version(old.version))?;
            let batch = document::put(batch, &remains, Expected::Absent)?;
            if let Commit::Done(_) = self.engine.ports.store.commit(batch).await?.value {
                return Ok(Some(sandbox));
            }
        }
    }

    /// Ends a sandbox: nothing of it is answered any more, and its key is gone. Its records follow in their own time.
    /// `false`: there is none of this name.
    pub async fn remove(&self, name: &str) -> Result<bool, StoreError> {
        loop {
            let now = self.engine.now();
            let Some(stored) = self.stored(name).await?.filter(|old| !old.document.has_ended(now)) else {
                return Ok(false);
            };
            if self.end(&stored, "sandbox.removed").await? {
                return Ok(true);
            }
        }
    }

    /// Ends a sandbox as it was read; `false`: somebody has changed it meanwhile.
    async fn end(&self, stored: &Stored<Sandbox>, what: &str) -> Result<bool, StoreError> {
        let (sandbox, now) = (&stored.document, self.engine.now());
        let event = Event::new(now, what, sandbox.name.as_str()).with("space", sandbox.space.as_str());
        let mut batch = self.change(event).delete(&SANDBOX, sandbox.name.as_str(), stored.version);
        if let Some(host) = &sandbox.host {
            let claim = self.claim(host.as_str()).await?;
            if let Some(claim) = claim.filter(|claim| claim.document.sandbox == sandbox.name) {
                batch = batch.delete(&SANDBOX_HOST, host.as_str(), claim.version);
            }
        }
        let batch = document::put(batch, &Self::remains(sandbox, now), Expected::Absent)?;
        Ok(matches!(self.engine.ports.store.commit(batch).await?.value, Commit::Done(_)))
    }

    /// Ends the sandbox that has a host if its time is over; `false`: it goes on.
    async fn end_expired_at(&self, host: &str, now: Timestamp) -> Result<bool, StoreError> {
        let Some(claim) = self.claim(host).await? else { return Ok(true) };
        match self.stored(claim.document.sandbox.as_str()).await? {
            Some(old) if old.document.has_ended(now) => {
                self.end(&old, "sandbox.expired").await?;
                Ok(true)
            }
            _ => Ok(false),
        }
    }

    async fn stored(&self, name: &str) -> Result<Option<Stored<Sandbox>>, StoreError> {
        Ok(document::get::<Sandbox>(&*self.engine.ports.store, &Space::System, name).await?.value)
    }

    async fn claim(&self, host: &str) -> Result<Option<Stored<SandboxHost>>, StoreError> {
        Ok(document::get::<SandboxHost>(&*self.engine.ports.store, &Space::System, host).await?.value)
    }

    fn remains(sandbox: &Sandbox, now: Timestamp) -> Remains {
        Remains { space: sandbox.space.clone(), name: sandbox.name.clone(), since: now, next_look: now }
    }

    fn change(&self, event: Event) -> Batch {
        let event = match &self.actor {
            Some(actor) => event.with("actor", &**actor),
            None => event,
        };
        Batch::new(Space::System, self.engine.commit_id()).event(event)
    }

    fn new_space(&self) -> Result<SandboxId, StoreError> {
        let name = Identifier::new(self.engine.now(), &*self.engine.ports.random);
        SandboxId::parse(&format!("{SPACE_PREFIX}{name}"))
            .map_err(|_| StoreError::Misuse("a space cannot be named like this"))
    }
}

/// No name of a space that people choose begins like this.
const SPACE_PREFIX: &str = "sbx-";
/// As long as it takes to do anything with it.
const SHORTEST_LIFE: SignedDuration = SignedDuration::from_secs(1);
const PAGE: usize = 256;

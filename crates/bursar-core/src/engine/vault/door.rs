//! Whether this process has the vault open: not yet, open, or locked by a person until a person unlocks it.
//!
//! The first use opens it, and many first users open it once. The key is forgotten by [`Engine::lock`]; what is under way
//! ends with the key it has.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::{Vault, VaultError};
use crate::engine::Engine;
use crate::ports::key_source::{KeyError, MasterKey};
use crate::ports::store::Version;

/// Stands between the secrets and everybody who shares one engine.
#[derive(Debug, Default)]
pub(in crate::engine) struct Door {
    state: Mutex<State>,
    /// Held while the key is fetched, which may take seconds and ask a person.
    opening: tokio::sync::Mutex<()>,
}

#[derive(Debug, Default)]
struct State {
    vault: Option<Opened>,
    is_locked: bool,
    /// How often it was locked: an opening that began before must not undo that.
    locks: u64,
}

/// The vault as its record was when it was looked at.
#[derive(Clone, Debug)]
struct Opened {
    vault: Arc<Vault>,
    /// Which record; `None`: it is to be read.
    version: Option<Version>,
    /// By the stopwatch: when the record was last known to be this one.
    confirmed: Duration,
    /// When somebody last went to look.
    looked: Duration,
}

/// What stands in front of somebody who wants to go in.
enum Passage {
    Open(Arc<Vault>),
    /// It is open, and its record should be looked at again.
    Old(Opened),
    Shut,
}

impl Opened {
    fn is_current(&self, now: Duration) -> bool {
        now.saturating_sub(self.confirmed) < LOOK_AGAIN
    }
}

impl Door {
    /// The open vault; nothing while nobody has opened it.
    fn pass(&self, now: Duration) -> Result<Passage, VaultError> {
        let mut state = self.state();
        if state.is_locked {
            return Err(locked());
        }
        let Some(opened) = &mut state.vault else { return Ok(Passage::Shut) };
        let is_looked_at =
            now.saturating_sub(opened.looked) < LOOKING && now.saturating_sub(opened.confirmed) < LATEST_LOOK;
        if opened.is_current(now) || is_looked_at {
            return Ok(Passage::Open(Arc::clone(&opened.vault)));
        }
        opened.looked = now;
        Ok(Passage::Old(opened.clone()))
    }

    /// Notes that the record was found to be of `version`, and puts what it says now into the place of `old`.
    fn renew(&self, old: &Opened, new: Option<Vault>, version: Version, now: Duration) -> Arc<Vault> {
        let mut state = self.state();
        let vault = new.map_or_else(|| Arc::clone(&old.vault), Arc::new);
        if let Some(opened) = &mut state.vault
            && Arc::ptr_eq(&opened.vault, &old.vault)
        {
            *opened =
                Opened { vault: Arc::clone(&vault), version: Some(version), confirmed: now, looked: now };
        }
        vault
    }

    fn locks(&self) -> u64 {
        self.state().locks
    }

    /// Opens it, unless it was locked since `locks` was read.
    fn open(&self, vault: Vault, locks: u64, now: Duration) -> Result<Arc<Vault>, VaultError> {
        let mut state = self.state();
        if state.locks != locks {
            return Err(locked());
        }
        let vault = Arc::new(vault);
        let opened = Opened { vault: Arc::clone(&vault), version: None, confirmed: now, looked: now };
        state.vault = Some(opened);
        state.is_locked = false;
        Ok(vault)
    }

    /// No invariant spans two fields in a way that a panic could break.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Engine {
    /// The installation's vault, opened or created on first use.
    pub(in crate::engine) async fn installation_vault(&self) -> Result<Arc<Vault>, VaultError> {
        let door = &*self.vault;
        match door.pass(self.stopwatch())? {
            Passage::Open(vault) => Ok(vault),
            Passage::Old(opened) => Box::pin(self.look_again(opened)).await,
            Passage::Shut => Box::pin(self.open_or_create()).await,
        }
    }

    /// The installation's vault if it is open, and was looked at a moment ago.
    pub(super) fn vault_at_hand(&self) -> Option<Arc<Vault>> {
        let (state, now) = (self.vault.state(), self.stopwatch());
        let opened = state.vault.as_ref().filter(|opened| !state.is_locked && opened.is_current(now));
        opened.map(|opened| Arc::clone(&opened.vault))
    }

    async fn open_or_create(&self) -> Result<Arc<Vault>, VaultError> {
        let door = &*self.vault;
        let _only_one = door.opening.lock().await;
        match door.pass(self.stopwatch())? {
            Passage::Open(vault) | Passage::Old(Opened { vault, .. }) => return Ok(vault),
            Passage::Shut => {}
        }
        let locks = door.locks();
        loop {
            // Before the reading, so that what changes meanwhile is noticed in time.
            let now = self.stopwatch();
            if let Some(vault) = self.open_existing().await? {
                return door.open(vault, locks, now);
            }
            if let Some(vault) = self.make_data_key().await? {
                return door.open(vault, locks, now);
            }
            // Somebody else created it meanwhile: theirs is the one.
        }
    }

    /// The open vault, with the keys that its record speaks of now.
    async fn look_again(&self, opened: Opened) -> Result<Arc<Vault>, VaultError> {
        let (door, now) = (&*self.vault, self.stopwatch());
        let record = match self.data_key().await {
            Ok(record) => record,
            // What needs the store will say so itself, and what does not should go on. Nobody removes a key that was in
            // use so short a time ago.
            Err(error) if now.saturating_sub(opened.confirmed) < LONGEST_WITHOUT => {
                tracing::debug!(%error, "the vault's record cannot be read");
                return Ok(opened.vault);
            }
            Err(error) => return Err(error.into()),
        };
        let Some(record) = record else { return Ok(opened.vault) };
        if opened.version == Some(record.version) {
            return Ok(door.renew(&opened, None, record.version, now));
        }
        let data_key = &record.document;
        if let Some(vault) = opened.vault.caught_up(data_key.id, &data_key.succession, self.now()) {
            return Ok(door.renew(&opened, Some(vault), record.version, now));
        }
        // It was asleep while its key was replaced and removed.
        let locks = door.locks();
        match self.open_existing().await? {
            Some(vault) => door.open(vault, locks, now),
            None => Ok(opened.vault),
        }
    }

    /// Looks at the vault's record now, as if the last look was long ago.
    pub(super) async fn look_at_vault_now(&self) -> Result<Arc<Vault>, VaultError> {
        let opened = self.vault.state().vault.clone();
        match opened {
            Some(opened) => {
                self.vault.pass(self.stopwatch())?;
                self.look_again(opened).await
            }
            None => self.installation_vault().await,
        }
    }

    fn stopwatch(&self) -> Duration {
        self.ports.clock.stopwatch()
    }

    /// Opens the vault now with the key its source delivers, and takes a lock away. Nothing happens while there is none.
    ///
    /// # Errors
    /// The key cannot be had or does not fit, or somebody locked the vault meanwhile.
    pub async fn unlock(&self) -> Result<(), VaultError> {
        let door = &*self.vault;
        let locks = door.locks();
        let _only_one = door.opening.lock().await;
        if self.is_unlocked() {
            return Ok(());
        }
        match self.open_existing().await? {
            Some(vault) => door.open(vault, locks, self.stopwatch()).map(drop),
            None => Ok(()),
        }
    }

    /// Opens the vault with a key that a person has given, and takes a lock away.
    ///
    /// # Errors
    /// There is no vault, the key does not fit (then nothing has changed), or somebody locked the vault meanwhile.
    pub async fn unlock_with(&self, master: MasterKey) -> Result<(), VaultError> {
        let door = &*self.vault;
        let locks = door.locks();
        let unwrapped = self.unwrap_data_key_with(master).await?;
        door.open(unwrapped.vault(self)?, locks, self.stopwatch()).map(drop)
    }

    /// Forgets the key. Nothing is handed out, renewed or logged in until [`Engine::unlock`] or [`Engine::unlock_with`].
    pub fn lock(&self) {
        let mut state = self.vault.state();
        state.vault = None;
        state.is_locked = true;
        state.locks += 1;
        if let Some(shelf) = &self.shelf {
            shelf.clear();
        }
    }

    /// Whether somebody has locked it, so that only an unlocking opens it again.
    pub fn is_locked(&self) -> bool {
        self.vault.state().is_locked
    }

    /// Forgets the key because it may be of another store; the next use opens the vault anew. A lock stays a lock.
    pub fn forget_key(&self) {
        let mut state = self.vault.state();
        state.vault = None;
        state.locks += 1;
        if let Some(shelf) = &self.shelf {
            shelf.clear();
        }
    }

    /// Whether the key is at hand.
    pub fn is_unlocked(&self) -> bool {
        self.vault.state().vault.is_some()
    }

    /// The master key, as its source delivers it and proven to fit, for handing it to another process; `None` while
    /// there is no vault.
    pub async fn master_key(&self) -> Result<Option<MasterKey>, VaultError> {
        Ok(self.unwrap_data_key().await?.map(|unwrapped| unwrapped.master))
    }

    /// Makes a vault unless there is one; whether this call made it.
    pub async fn create_vault(&self) -> Result<bool, VaultError> {
        let _only_one = self.vault.opening.lock().await;
        if self.data_key().await?.is_some() {
            return Ok(false);
        }
        let locks = self.vault.locks();
        let Some(vault) = self.make_data_key().await? else { return Ok(false) };
        self.vault.open(vault, locks, self.stopwatch()).map(|_| true)
    }

    async fn open_existing(&self) -> Result<Option<Vault>, VaultError> {
        let Some(unwrapped) = self.unwrap_data_key().await? else { return Ok(None) };
        let vault = unwrapped.vault(self)?;
        if unwrapped.is_former {
            tracing::warn!(
                "the vault was opened with the master key before the one of today; give this machine the new one before \
                 `bursar vault rotate --finish`"
            );
        }
        if unwrapped.stored.document.retiring.is_some() {
            self.finish_interrupted_rotation().await;
        }
        Ok(Some(vault))
    }
}

fn locked() -> VaultError {
    let hint = "run `bursar vault unlock`".into();
    KeyError::Locked { source_name: "vault".into(), hint }.into()
}

/// A change of keys waits several times as long before it relies on everybody knowing of it.
pub(super) const LOOK_AGAIN: Duration = Duration::from_secs(2);
/// Others go in while one looks, but not for long, since who looks may have gone away.
const LOOKING: Duration = Duration::from_secs(1);
pub(super) const LATEST_LOOK: Duration = Duration::from_secs(4);
/// A sixth of the time that a key usually stays which another has replaced.
pub(super) const LONGEST_WITHOUT: Duration = Duration::from_mins(10);

#[cfg(test)]
mod tests;

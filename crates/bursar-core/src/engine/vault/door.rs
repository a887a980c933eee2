//! Whether this process has the vault open: not yet, open, or locked by a person until a person unlocks it.
//!
//! The first use opens it, and many first users open it once. The key is forgotten by [`Engine::lock`]; what is under way
//! ends with the key it has.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::{Vault, VaultError};
use crate::engine::Engine;
use crate::ports::key_source::{KeyError, MasterKey};

/// Stands between the secrets and everybody who shares one engine.
#[derive(Debug, Default)]
pub(in crate::engine) struct Door {
    state: Mutex<State>,
    /// Held while the key is fetched, which may take seconds and ask a person.
    opening: tokio::sync::Mutex<()>,
}

#[derive(Debug, Default)]
struct State {
    vault: Option<Arc<Vault>>,
    is_locked: bool,
    /// How often it was locked: an opening that began before must not undo that.
    locks: u64,
}

impl Door {
    /// The open vault; nothing while nobody has opened it.
    fn pass(&self) -> Result<Option<Arc<Vault>>, VaultError> {
        let state = self.state();
        if state.is_locked { Err(locked()) } else { Ok(state.vault.clone()) }
    }

    fn locks(&self) -> u64 {
        self.state().locks
    }

    /// Opens it, unless it was locked since `locks` was read.
    fn open(&self, vault: Vault, locks: u64) -> Result<Arc<Vault>, VaultError> {
        let mut state = self.state();
        if state.locks != locks {
            return Err(locked());
        }
        let vault = Arc::new(vault);
        state.vault = Some(Arc::clone(&vault));
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
        if let Some(vault) = door.pass()? {
            return Ok(vault);
        }
        let _only_one = door.opening.lock().await;
        if let Some(vault) = door.pass()? {
            return Ok(vault);
        }
        let locks = door.locks();
        loop {
            if let Some(vault) = self.open_existing().await? {
                return door.open(vault, locks);
            }
            if let Some(vault) = self.make_data_key().await? {
                return door.open(vault, locks);
            }
            // Somebody else created it meanwhile: theirs is the one.
        }
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
            Some(vault) => door.open(vault, locks).map(drop),
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
        door.open(unwrapped.vault(), locks).map(drop)
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
        self.vault.open(vault, locks).map(|_| true)
    }

    async fn open_existing(&self) -> Result<Option<Vault>, VaultError> {
        let Some(unwrapped) = self.unwrap_data_key().await? else { return Ok(None) };
        let vault = unwrapped.vault();
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

#[cfg(test)]
mod tests;

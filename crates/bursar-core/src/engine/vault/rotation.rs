//! A new master key around the same data key: no other record changes, and processes that have the vault open go on.
//!
//! The order makes every interruption harmless: the new key is kept beside the old one, then the record is committed with
//! the name of the key that retires, then the old key is removed, then its name. Whoever opens the vault or rotates it next
//! finishes what was left.

use std::time::Duration;

use super::VaultError;
use crate::engine::Engine;
use crate::engine::records::{DataKey, MasterBefore};
use crate::ports::document::{self, Stored};
use crate::ports::event::Event;
use crate::ports::key_source::KeyError;
use crate::ports::refresh_lock::{LockError, RefreshPermit};
use crate::ports::store::{Batch, Commit, Expected, Space, StoreError};
use crate::secret::Secret;

/// A rotation that is done.
#[derive(Debug)]
pub struct Rotated {
    /// What is recorded about the new key's source.
    pub recorded: String,
    /// Why the old key could not be removed yet. The vault opens all the same, and the next opening tries again.
    pub leftover: Option<VaultError>,
}

/// What becomes of the master key before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OldMasterKey {
    /// It opens nothing any more.
    Goes,
    /// It opens the vault too, until [`Engine::drop_old_master_key`]: other machines have not been given the new one yet.
    Stays,
}

impl Engine {
    /// Makes a new master key and wraps the data key with it.
    ///
    /// `given` is the new key or passphrase as a person has laid it out; sources that nobody but a person can change
    /// need it. `old` says what becomes of the key before.
    ///
    /// # Errors
    /// Until the new key is committed an error means that the old one still counts.
    pub async fn rotate_master_key(
        &self,
        given: Option<Secret>,
        old_key: OldMasterKey,
    ) -> Result<Rotated, RotationError> {
        let permit = self.ports.refresh_lock.acquire(&self.space, LOCK, PATIENCE).await?;
        let _permit: Box<dyn RefreshPermit> = permit.ok_or(RotationError::Busy)?;
        let mut unwrapped = self.unwrap_data_key().await?.ok_or(RotationError::NoVault)?;
        if unwrapped.stored.document.before.is_some() {
            return Err(RotationError::OldKept);
        }
        // The next data key is wrapped by the master key of now, for some seconds.
        if unwrapped.stored.document.succession.next_wrapped().is_some() {
            return Err(RotationError::Busy);
        }
        // What an interrupted rotation left beside is still needed: its place must be free before the next one.
        unwrapped.stored = self.retire_old_key(unwrapped.stored).await?;

        let stored = &unwrapped.stored;
        let old = stored.document.key_source.clone();
        let next = self.ports.key_sources.successor(&old, given).await.map_err(VaultError::from)?;
        if next.key == unwrapped.master {
            return Err(RotationError::SameKey);
        }
        let data_key = DataKey {
            wrapped: unwrapped.wrapped_by(&next.key, self),
            key_source: next.recorded.clone(),
            before: match old_key {
                OldMasterKey::Goes => None,
                OldMasterKey::Stays => {
                    Some(MasterBefore { wrapped: stored.document.wrapped.clone(), key_source: old.clone() })
                }
            },
            retiring: Some(old),
            ..stored.document.clone()
        };
        let event = Event::new(self.now(), "vault.rotated", "vault");
        let batch = Batch::new(Space::System, self.commit_id()).event(event);
        let batch =
            document::put(batch, &data_key, Expected::Version(stored.version)).map_err(VaultError::from)?;
        let version = match self.ports.store.commit(batch).await.map_err(VaultError::from)?.value {
            Commit::Done(version) => version,
            Commit::Conflict { .. } => return Err(RotationError::Busy),
        };
        let leftover = self.retire_old_key(Stored { document: data_key, version }).await.err();
        Ok(Rotated { recorded: next.recorded, leftover })
    }

    /// Takes from the master key before what [`OldMasterKey::Stays`] left it: from now on it opens nothing. `false`: it did
    /// not open anything.
    ///
    /// # Errors
    /// This machine has only that one, or the vault or the store cannot be used.
    pub async fn drop_old_master_key(&self) -> Result<bool, RotationError> {
        let permit = self.ports.refresh_lock.acquire(&self.space, LOCK, PATIENCE).await?;
        let _permit: Box<dyn RefreshPermit> = permit.ok_or(RotationError::Busy)?;
        let unwrapped = self.unwrap_data_key().await?.ok_or(RotationError::NoVault)?;
        let stored = unwrapped.stored;
        if stored.document.before.is_none() {
            return Ok(false);
        }
        if unwrapped.is_former {
            return Err(RotationError::OnlyOld);
        }
        let data_key = DataKey { before: None, ..stored.document };
        let event = Event::new(self.now(), "vault.old_key_dropped", "vault");
        let batch = Batch::new(Space::System, self.commit_id()).event(event);
        let batch =
            document::put(batch, &data_key, Expected::Version(stored.version)).map_err(VaultError::from)?;
        match self.ports.store.commit(batch).await.map_err(VaultError::from)?.value {
            Commit::Done(_) => Ok(true),
            Commit::Conflict { .. } => Err(RotationError::Busy),
        }
    }

    /// Removes the key that an interrupted rotation left behind, if nobody else is at it. The vault is open already, so
    /// that this may fail.
    pub(super) async fn finish_interrupted_rotation(&self) {
        let finished = async {
            let Some(_permit) = self.ports.refresh_lock.acquire(&self.space, LOCK, Duration::ZERO).await?
            else {
                return Ok(());
            };
            // Read again: only the holder of the lock knows which key retires.
            if let Some(stored) = self.data_key().await.map_err(VaultError::from)? {
                self.retire_old_key(stored).await?;
            }
            Ok::<(), RotationError>(())
        };
        if let Err(error) = finished.await {
            tracing::warn!(%error, "the vault's old master key could not be removed yet");
        }
    }

    /// Removes the key that `stored` calls retiring, and then its name. The lock must be held.
    async fn retire_old_key(&self, stored: Stored<DataKey>) -> Result<Stored<DataKey>, VaultError> {
        let Some(old) = &stored.document.retiring else { return Ok(stored) };
        self.ports.key_sources.retire(old, &stored.document.key_source).await?;
        let document = DataKey { retiring: None, ..stored.document };
        let batch = Batch::new(Space::System, self.commit_id());
        let batch = document::put(batch, &document, Expected::Version(stored.version))?;
        match self.ports.store.commit(batch).await?.value {
            Commit::Done(version) => Ok(Stored { document, version }),
            Commit::Conflict { .. } => {
                Err(StoreError::Unavailable("the vault's record changed".into()).into())
            }
        }
    }
}

/// Why there is no new master key; the old one still counts.
#[derive(Debug, thiserror::Error)]
pub enum RotationError {
    /// There is nothing to rotate.
    #[error("there is no vault yet")]
    NoVault,
    /// Somebody else does the same.
    #[error("another process is changing the vault's key")]
    Busy,
    /// The master key before the last one still counts.
    #[error("the master key before this one still opens the vault")]
    OldKept,
    /// What this machine opens the vault with is the key that is to go.
    #[error("this machine has the old master key only")]
    OnlyOld,
    /// The new key is the old one.
    #[error("the new master key is the one the vault has")]
    SameKey,
    /// The lock cannot be tried.
    #[error("the vault's key cannot be locked for changing")]
    Lock(#[from] LockError),
    /// The vault does not open, the source cannot take a new key, or the record cannot be written.
    #[error(transparent)]
    Vault(#[from] VaultError),
}

impl From<KeyError> for RotationError {
    fn from(error: KeyError) -> Self {
        Self::Vault(error.into())
    }
}

/// No account has this key: theirs hold a colon.
const LOCK: &str = "vault";

/// A rotation takes milliseconds, or as long as a person thinks about a passphrase; then the other one may be told.
const PATIENCE: Duration = Duration::from_secs(5);

#[cfg(test)]
mod tests;

//! The data key: made once, stored wrapped by the master key, unwrapped by whichever key its source delivers.

use zeroize::Zeroizing;

use super::cipher::CipherKey;
use super::{Vault, VaultError};
use crate::engine::Engine;
use crate::engine::records::DataKey;
use crate::ports::document::{self, Stored};
use crate::ports::key_source::{KeyError, MasterKey};
use crate::ports::store::{Batch, Commit, Expected, Space, StoreError};
use crate::secret::Sealed;

/// The data key out of its wrapping, with the key that was around it.
pub(super) struct Unwrapped {
    /// The record it came from.
    pub(super) stored: Stored<DataKey>,
    /// The key that fits.
    pub(super) master: MasterKey,
    /// On the heap, where it is wiped: what is moved on the stack leaves copies.
    bytes: DataKeyBytes,
}

type DataKeyBytes = Box<Zeroizing<[u8; 32]>>;

impl Unwrapped {
    /// The vault that this key opens.
    pub(super) fn vault(&self) -> Vault {
        Vault::new(self.stored.document.id, &self.bytes)
    }

    /// The data key, wrapped by another master key.
    pub(super) fn wrapped_by(&self, master: &MasterKey, engine: &Engine) -> Sealed {
        wrapping_key(master).seal(DATA_KEY_DATA, &**self.bytes, &*engine.ports.random)
    }
}

impl Engine {
    /// What is recorded about the master key's source; `None` while there is no vault.
    pub async fn recorded_key_source(&self) -> Result<Option<String>, StoreError> {
        Ok(self.data_key().await?.map(|stored| stored.document.key_source))
    }

    /// The record of the data key; `None` while there is no vault.
    pub(super) async fn data_key(&self) -> Result<Option<Stored<DataKey>>, StoreError> {
        Ok(document::get::<DataKey>(&*self.ports.store, &Space::System, CURRENT_KEY).await?.value)
    }

    /// Unwraps the data key with the key its source delivers; `None` while there is no vault.
    pub(super) async fn unwrap_data_key(&self) -> Result<Option<Unwrapped>, VaultError> {
        let Some(mut stored) = self.data_key().await? else { return Ok(None) };
        loop {
            let error = match self.unwrap_by_source(&stored.document).await {
                Ok((master, bytes)) => return Ok(Some(Unwrapped { stored, master, bytes })),
                Err(error) => error,
            };
            // The record may be from before a rotation, and the key from after it.
            match self.data_key().await? {
                Some(latest) if latest.version != stored.version => stored = latest,
                _ => return Err(error),
            }
        }
    }

    async fn unwrap_by_source(&self, data_key: &DataKey) -> Result<(MasterKey, DataKeyBytes), VaultError> {
        let sources = &*self.ports.key_sources;
        // Looked at first: between the two looks a rotation may put the key from beside into its place, never back.
        if data_key.retiring.is_some()
            && let Some(master) = sources.beside(&data_key.key_source).await?
            && let Some(bytes) = unwrapped(data_key, &master)
        {
            return Ok((master, bytes));
        }
        let master = sources.existing(&data_key.key_source).await?;
        let bytes = unwrapped(data_key, &master).ok_or(VaultError::WrongMasterKey)?;
        Ok((master, bytes))
    }

    /// Unwraps the data key with a key that somebody gave.
    pub(super) async fn unwrap_data_key_with(&self, master: MasterKey) -> Result<Unwrapped, VaultError> {
        let stored = self.data_key().await?.ok_or_else(no_vault)?;
        let bytes = unwrapped(&stored.document, &master).ok_or(VaultError::WrongMasterKey)?;
        Ok(Unwrapped { stored, master, bytes })
    }

    /// Makes a data key and a place for its master key; `None` if somebody else did so meanwhile.
    pub(super) async fn make_data_key(&self) -> Result<Option<Vault>, VaultError> {
        let random = &*self.ports.random;
        let created = self.ports.key_sources.create().await?;
        let mut bytes = Box::new(Zeroizing::new([0_u8; 32]));
        random.fill(&mut **bytes);
        let data_key = DataKey {
            id: FIRST_KEY,
            wrapped: wrapping_key(&created.key).seal(DATA_KEY_DATA, &**bytes, random),
            key_source: created.recorded,
            retiring: None,
            created_at: self.now(),
        };
        let batch = Batch::new(Space::System, self.commit_id());
        let batch = document::put(batch, &data_key, Expected::Absent)?;
        match self.ports.store.commit(batch).await?.value {
            Commit::Done(_) => Ok(Some(Vault::new(data_key.id, &bytes))),
            Commit::Conflict { .. } => Ok(None),
        }
    }
}

fn unwrapped(data_key: &DataKey, master: &MasterKey) -> Option<DataKeyBytes> {
    let opened = wrapping_key(master).open(DATA_KEY_DATA, &data_key.wrapped)?;
    let mut bytes = Box::new(Zeroizing::new([0_u8; 32]));
    if opened.len() != bytes.len() {
        return None;
    }
    bytes.copy_from_slice(&opened);
    Some(bytes)
}

fn wrapping_key(master: &MasterKey) -> CipherKey {
    CipherKey::new(MASTER_KEY_ID, master.expose())
}

fn no_vault() -> KeyError {
    KeyError::Unavailable {
        source_name: "vault".into(),
        detail: "there is no vault yet".into(),
        hint: "make one with `bursar vault init`, or log in with `bursar login`".into(),
    }
}

const MASTER_KEY_ID: u32 = 0;
const FIRST_KEY: u32 = 1;
const CURRENT_KEY: &str = "1";
const DATA_KEY_DATA: &[u8] = b"data_key";

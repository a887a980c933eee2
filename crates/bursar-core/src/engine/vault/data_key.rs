//! The data key: made once, stored wrapped by the master key, unwrapped by whichever key its source delivers.

use std::sync::Arc;

use jiff::Timestamp;

use super::cipher::CipherKey;
use super::key::{Key, KeyBytes, key_bytes};
use super::succession::Succession;
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
    /// Whether that is the master key before, which counts until all nodes have the new one.
    pub(super) is_former: bool,
    bytes: KeyBytes,
}

/// What can be told of a vault's keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VaultFacts {
    /// The number of the data key that counts.
    pub data_key: u32,
    /// What the master key's source wants to be reminded of.
    pub key_source: String,
    /// Whether the master key before still opens the vault too.
    pub old_master_key: bool,
    /// When the vault was made.
    pub made_at: Timestamp,
}

impl Unwrapped {
    /// The vault that this key opens.
    pub(super) fn vault(&self, engine: &Engine) -> Result<Vault, VaultError> {
        vault_of(&self.stored.document, self.bytes.clone(), engine)
    }

    /// The data key, wrapped by another master key.
    pub(super) fn wrapped_by(&self, master: &MasterKey, engine: &Engine) -> Sealed {
        wrap(master, &**self.bytes, engine)
    }
}

impl Engine {
    /// What is recorded about the master key's source; `None` while there is no vault.
    pub async fn recorded_key_source(&self) -> Result<Option<String>, StoreError> {
        Ok(self.data_key().await?.map(|stored| stored.document.key_source))
    }

    /// What can be told of the vault's keys; `None` while there is no vault.
    pub async fn vault_facts(&self) -> Result<Option<VaultFacts>, StoreError> {
        Ok(self.data_key().await?.map(|stored| VaultFacts {
            data_key: stored.document.id,
            key_source: stored.document.key_source,
            old_master_key: stored.document.before.is_some(),
            made_at: stored.document.created_at,
        }))
    }

    /// The record of the data key; `None` while there is no vault.
    pub(in crate::engine) async fn data_key(&self) -> Result<Option<Stored<DataKey>>, StoreError> {
        Ok(document::get::<DataKey>(&*self.ports.store, &Space::System, DataKey::CURRENT).await?.value)
    }

    /// Unwraps the data key with the key its source delivers; `None` while there is no vault.
    pub(super) async fn unwrap_data_key(&self) -> Result<Option<Unwrapped>, VaultError> {
        let Some(mut stored) = self.data_key().await? else { return Ok(None) };
        loop {
            let error = match self.unwrap_by_source(&stored.document).await {
                Ok((master, bytes, is_former)) => {
                    return Ok(Some(Unwrapped { stored, master, is_former, bytes }));
                }
                Err(error) => error,
            };
            // The record may be from before a rotation, and the key from after it.
            match self.data_key().await? {
                Some(latest) if latest.version != stored.version => stored = latest,
                _ => return Err(error),
            }
        }
    }

    async fn unwrap_by_source(&self, data_key: &DataKey) -> Result<(MasterKey, KeyBytes, bool), VaultError> {
        let sources = &*self.ports.key_sources;
        // Looked at first: between the two looks a rotation may put the key from beside into its place, never back.
        if data_key.retiring.is_some()
            && let Some(master) = sources.beside(&data_key.key_source).await?
            && let Some((bytes, is_former)) = unwrapped(data_key, &master)
        {
            return Ok((master, bytes, is_former));
        }
        let error = match sources.existing(&data_key.key_source).await {
            Ok(master) => match unwrapped(data_key, &master) {
                Some((bytes, is_former)) => return Ok((master, bytes, is_former)),
                None => VaultError::WrongMasterKey,
            },
            Err(error) => error.into(),
        };
        // A node that has not been given the new key: it may be somewhere else, or come from another passphrase.
        let Some(before) = data_key.before.as_ref().filter(|before| before.key_source != data_key.key_source)
        else {
            return Err(error);
        };
        let Ok(master) = sources.existing(&before.key_source).await else { return Err(error) };
        let (bytes, is_former) = unwrapped(data_key, &master).ok_or(error)?;
        Ok((master, bytes, is_former))
    }

    /// The key that opens a vault, with its record, as a backup carries it; `None` while there is no vault.
    pub(in crate::engine) async fn portable_data_key(&self) -> Result<Option<(DataKey, Vault)>, VaultError> {
        let Some(unwrapped) = self.unwrap_data_key().await? else { return Ok(None) };
        let vault = unwrapped.vault(self)?;
        Ok(Some((unwrapped.stored.document, vault)))
    }

    /// Opens the vault of a record that came from elsewhere, with the key that its source delivers here.
    pub(in crate::engine) async fn open_portable(&self, data_key: &DataKey) -> Result<Vault, VaultError> {
        let (_, bytes, _) = self.unwrap_by_source(data_key).await?;
        vault_of(data_key, bytes, self)
    }

    /// Unwraps the data key with a key that somebody gave.
    pub(super) async fn unwrap_data_key_with(&self, master: MasterKey) -> Result<Unwrapped, VaultError> {
        let stored = self.data_key().await?.ok_or_else(no_vault)?;
        let (bytes, is_former) = unwrapped(&stored.document, &master).ok_or(VaultError::WrongMasterKey)?;
        Ok(Unwrapped { stored, master, is_former, bytes })
    }

    /// Makes a data key and a place for its master key; `None` if somebody else did so meanwhile.
    pub(super) async fn make_data_key(&self) -> Result<Option<Vault>, VaultError> {
        let random = &*self.ports.random;
        let created = self.ports.key_sources.create().await?;
        let key = Arc::new(Key::draw(FIRST_KEY, random));
        let data_key = DataKey {
            id: FIRST_KEY,
            wrapped: wrap(&created.key, key.bytes(), self),
            key_source: created.recorded,
            retiring: None,
            before: None,
            succession: Succession::default(),
            created_at: self.now(),
        };
        let batch = Batch::new(Space::System, self.commit_id());
        let batch = document::put(batch, &data_key, Expected::Absent)?;
        match self.ports.store.commit(batch).await?.value {
            Commit::Done(_) => Ok(Vault::new(key, &data_key.succession, self.now())),
            Commit::Conflict { .. } => Ok(None),
        }
    }
}

/// What a record opens when its data key is out of its wrapping.
fn vault_of(data_key: &DataKey, bytes: KeyBytes, engine: &Engine) -> Result<Vault, VaultError> {
    let key = Arc::new(Key::new(data_key.id, bytes));
    Vault::new(key, &data_key.succession, engine.now()).ok_or(VaultError::BrokenSuccession)
}

/// The data key, and whether `master` is the one before.
fn unwrapped(data_key: &DataKey, master: &MasterKey) -> Option<(KeyBytes, bool)> {
    let key = wrapping_key(master);
    let open = |wrapped: &Sealed| key_bytes(&key.open(DATA_KEY_DATA, wrapped)?);
    let before = || Some((open(&data_key.before.as_ref()?.wrapped)?, true));
    open(&data_key.wrapped).map(|bytes| (bytes, false)).or_else(before)
}

/// A data key, wrapped by a master key.
pub(super) fn wrap(master: &MasterKey, data_key: &[u8], engine: &Engine) -> Sealed {
    wrapping_key(master).seal(DATA_KEY_DATA, data_key, &*engine.ports.random)
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
const DATA_KEY_DATA: &[u8] = b"data_key";

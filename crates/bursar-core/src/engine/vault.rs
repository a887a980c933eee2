//! Sealing: everything secret is encrypted with the data key, and bound to the record it belongs to.
//!
//! The data key is made once and stored wrapped by the master key, so that the master key can change (`rotation`)
//! without touching any record. Whether the vault is open is the business of `door`.

mod census;
mod cipher;
mod data_key;
pub mod derivation;
mod door;
mod key;
pub mod rekeying;
pub mod rotation;
mod sandbox_key;
pub(in crate::engine) mod succession;

use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;
use zeroize::Zeroizing;

pub(super) use self::census::SealedKind;
pub use self::data_key::VaultFacts;
use self::derivation::{Derivation, Former};
pub(super) use self::door::Door;
use self::key::{Key, key_bytes};
use self::sandbox_key::SandboxVaults;
pub(super) use self::sandbox_key::{FIRST_SANDBOX_KEY, Tenancy};
use self::succession::{Stage, Succession};
use crate::engine::sandboxes::SandboxName;
use crate::ports::key_source::KeyError;
use crate::ports::random::Random;
use crate::ports::store::{Space, StoreError};
use crate::secret::Sealed;

/// Seals and opens the secrets of one installation, or of one of its sandboxes, and derives the keys that protect what it issues.
pub struct Vault {
    /// Seals, and opens what it sealed.
    key: Arc<Key>,
    /// Opens too, while one key takes the place of the other.
    other: Option<Arc<Key>>,
    derivation: Derivation,
    sandboxes: SandboxVaults,
}

/// Where a sealed value belongs: moved anywhere else, it does not open.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    /// Space of the record.
    pub space: &'a Space,
    /// Kind of the record. Only kinds that are known to a change of keys can be named.
    pub(super) kind: SealedKind,
    /// Key of the record.
    pub key: &'a str,
}

impl Vault {
    /// What `key` opens: the keys beside it that `succession` speaks of. `None`: those were sealed by another.
    fn new(key: Arc<Key>, succession: &Succession, now: Timestamp) -> Option<Self> {
        let other = match &succession.change {
            None => None,
            Some(change) => {
                let (id, sealed) = match &change.stage {
                    Stage::Announced { .. } => (change.from + 1, &change.handed_on),
                    Stage::Resealing { kept } => (change.from, kept),
                };
                let bytes = key_bytes(&key.cipher.open(OTHER_KEY, sealed)?)?;
                Some(Arc::new(Key::new(id, bytes)))
            }
        };
        let former = succession.former.iter().filter(|former| former.counts(now));
        let former: Option<Vec<Former>> = former
            .map(|former| {
                let bytes = key_bytes(&key.cipher.open(&former.associated_data(), &former.key)?)?;
                let (id, space, purpose) = (former.id, former.space.clone(), former.purpose);
                Some(Former { id, space, purpose, until: former.until, bytes })
            })
            .collect();
        let derivation = Derivation::new(Arc::clone(&key), other.clone(), former?);
        Some(Self { key, other, derivation, sandboxes: SandboxVaults::default() })
    }

    /// The vault as its record says now, opened with what this one has open; `None`: that does not open it.
    fn caught_up(&self, id: u32, succession: &Succession, now: Timestamp) -> Option<Self> {
        let known = [Some(&self.key), self.other.as_ref()].into_iter().flatten();
        let key = if let Some(key) = known.clone().find(|key| key.id == id) {
            Arc::clone(key)
        } else {
            let change = succession.change.as_ref()?;
            let from = known.clone().find(|key| key.id == change.from)?;
            let bytes = key_bytes(&from.cipher.open(OTHER_KEY, &change.handed_on)?)?;
            Arc::new(Key::new(id, bytes))
        };
        Self::new(key, succession, now)
    }

    /// The keys that are derived from the data key.
    pub fn derivation(&self) -> &Derivation {
        &self.derivation
    }

    /// Seals `plain` for the record at `place`.
    pub fn seal(&self, place: Place<'_>, plain: &[u8], random: &dyn Random) -> Sealed {
        self.key.cipher.seal(&place.associated_data(), plain, random)
    }

    /// Opens what was sealed for the record at `place`.
    pub fn open(&self, place: Place<'_>, sealed: &Sealed) -> Result<Zeroizing<Vec<u8>>, VaultError> {
        let data = place.associated_data();
        let mut keys = std::iter::once(&self.key).chain(&self.other);
        keys.find_map(|key| key.cipher.open(&data, sealed))
            .ok_or_else(|| VaultError::NotOurs { kind: place.kind.record().name, key: place.key.to_owned() })
    }
}

impl fmt::Debug for Vault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Vault")
            .field("key", &self.key)
            .field("other", &self.other)
            .finish_non_exhaustive()
    }
}

impl Place<'_> {
    fn associated_data(self) -> Vec<u8> {
        [self.space.as_str(), self.kind.record().name, self.key].join("\0").into_bytes()
    }
}

/// One data key under another is bound to nothing else: whoever has the one may have the other.
const OTHER_KEY: &[u8] = b"other-data-key";

/// Why a secret cannot be sealed or opened.
#[derive(Debug, thiserror::Error)]
pub enum VaultError {
    /// The master key cannot be had, or somebody locked the vault.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The key opens nothing here.
    #[error("the master key does not fit this vault")]
    WrongMasterKey,
    /// What is recorded of other keys does not open with the one that counts.
    #[error("the vault's record of other data keys cannot be opened")]
    BrokenSuccession,
    /// A record's secrets were sealed by another vault, for another record, or are damaged.
    #[error("the secrets of {kind} `{key}` cannot be opened")]
    NotOurs {
        /// Kind of the record.
        kind: &'static str,
        /// Its key.
        key: String,
    },
    /// The sandbox has ended or was emptied, and its key is gone.
    #[error("the sandbox `{name}` has ended or was emptied")]
    SandboxEnded {
        /// What it was called.
        name: SandboxName,
    },
    /// The wrapped key cannot be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
}

#[cfg(test)]
mod drawer;
#[cfg(test)]
mod tests;

//! Sealing: everything secret is encrypted with the data key, and bound to the record it belongs to.
//!
//! The data key is made once and stored wrapped by the master key, so that the master key can change (`rotation`)
//! without touching any record. Whether the vault is open is the business of `door`.

mod cipher;
mod data_key;
pub mod derivation;
mod door;
pub mod rotation;
mod sandbox_key;

use zeroize::Zeroizing;

use self::cipher::CipherKey;
use self::derivation::Derivation;
pub(super) use self::door::Door;
pub(super) use self::sandbox_key::SandboxKey;
use self::sandbox_key::SandboxVaults;
use crate::ports::key_source::KeyError;
use crate::ports::random::Random;
use crate::ports::store::{Kind, Space, StoreError};
use crate::secret::Sealed;

/// Seals and opens the secrets of one installation, or of one of its sandboxes, and derives the keys that protect what it issues.
#[derive(Debug)]
pub struct Vault {
    key: CipherKey,
    derivation: Derivation,
    sandboxes: SandboxVaults,
}

/// Where a sealed value belongs: moved anywhere else, it does not open.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    /// Space of the record.
    pub space: &'a Space,
    /// Kind of the record.
    pub kind: &'static Kind,
    /// Key of the record.
    pub key: &'a str,
}

impl Vault {
    fn new(id: u32, data_key: &[u8; 32]) -> Self {
        Self {
            key: CipherKey::new(id, data_key),
            derivation: Derivation::new(id, data_key),
            sandboxes: SandboxVaults::default(),
        }
    }

    /// The keys that are derived from the data key.
    pub fn derivation(&self) -> &Derivation {
        &self.derivation
    }

    /// Seals `plain` for the record at `place`.
    pub fn seal(&self, place: Place<'_>, plain: &[u8], random: &dyn Random) -> Sealed {
        self.key.seal(&place.associated_data(), plain, random)
    }

    /// Opens what was sealed for the record at `place`.
    pub fn open(&self, place: Place<'_>, sealed: &Sealed) -> Result<Zeroizing<Vec<u8>>, VaultError> {
        self.key
            .open(&place.associated_data(), sealed)
            .ok_or_else(|| VaultError::NotOurs { kind: place.kind.name, key: place.key.to_owned() })
    }
}

impl Place<'_> {
    fn associated_data(self) -> Vec<u8> {
        [self.space.as_str(), self.kind.name, self.key].join("\0").into_bytes()
    }
}

/// Why a secret cannot be sealed or opened.
#[derive(Debug, thiserror::Error)]
pub enum VaultError {
    /// The master key cannot be had, or somebody locked the vault.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The key opens nothing here.
    #[error("the master key does not fit this vault")]
    WrongMasterKey,
    /// A record's secrets were sealed by another vault, for another record, or are damaged.
    #[error("the secrets of {kind} `{key}` cannot be opened")]
    NotOurs {
        /// Kind of the record.
        kind: &'static str,
        /// Its key.
        key: String,
    },
    /// The wrapped key cannot be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
}

#[cfg(test)]
mod drawer;
#[cfg(test)]
mod tests;

//! Sealing: everything secret is encrypted with the data key, and bound to the record it belongs to.
//!
//! AES-256-GCM-SIV (RFC 8452), so that even a repeated nonce gives nothing away but equality. The data key is made once
//! and stored wrapped by the master key, so that the master key can change without touching any record.

use aws_lc_rs::aead::{AES_256_GCM_SIV, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use zeroize::Zeroizing;

use super::Engine;
use super::records::DataKey;
use crate::ports::document;
use crate::ports::key_source::{KeyError, MasterKey};
use crate::ports::random::Random;
use crate::ports::store::{Batch, Commit, Expected, Kind, Space, StoreError};
use crate::secret::Sealed;

/// Seals and opens the secrets of one installation.
#[derive(Debug)]
pub struct Vault {
    key: CipherKey,
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

impl Engine {
    /// The vault, opened or created on first use.
    pub(super) async fn vault(&self) -> Result<&Vault, VaultError> {
        self.vault.get_or_try_init(|| async { self.open_or_create_vault().await }).await
    }

    /// What is recorded about the master key's source; `None` while there is no vault.
    pub async fn recorded_key_source(&self) -> Result<Option<String>, StoreError> {
        let answer = document::get::<DataKey>(&*self.ports.store, &Space::System, CURRENT_KEY).await?;
        Ok(answer.value.map(|stored| stored.document.key_source))
    }

    /// Opens the vault now, creating it if there is none.
    pub async fn unlock(&self) -> Result<(), VaultError> {
        self.vault().await.map(|_| ())
    }

    async fn open_or_create_vault(&self) -> Result<Vault, VaultError> {
        loop {
            let answer = document::get::<DataKey>(&*self.ports.store, &Space::System, CURRENT_KEY).await?;
            if let Some(stored) = answer.value {
                return self.open_vault(&stored.document).await;
            }
            if let Some(vault) = self.create_vault().await? {
                return Ok(vault);
            }
            // Somebody else created it meanwhile: theirs is the one.
        }
    }

    async fn open_vault(&self, data_key: &DataKey) -> Result<Vault, VaultError> {
        let master = self.ports.key_sources.existing(&data_key.key_source).await?;
        let bytes = wrapping_key(&master)
            .open(DATA_KEY_DATA, &data_key.wrapped)
            .and_then(|bytes| <[u8; 32]>::try_from(bytes.as_slice()).ok().map(Zeroizing::new))
            .ok_or(VaultError::WrongMasterKey)?;
        Ok(Vault { key: CipherKey::new(data_key.id, &bytes) })
    }

    async fn create_vault(&self) -> Result<Option<Vault>, VaultError> {
        let random = &*self.ports.random;
        let created = self.ports.key_sources.create().await?;
        let mut bytes = Zeroizing::new([0_u8; 32]);
        random.fill(&mut *bytes);
        let data_key = DataKey {
            id: FIRST_KEY,
            wrapped: wrapping_key(&created.key).seal(DATA_KEY_DATA, &*bytes, random),
            key_source: created.recorded,
            created_at: self.now(),
        };
        let batch = Batch::new(Space::System, self.commit_id());
        let batch = document::put(batch, &data_key, Expected::Absent)?;
        match self.ports.store.commit(batch).await?.value {
            Commit::Done(_) => Ok(Some(Vault { key: CipherKey::new(data_key.id, &bytes) })),
            Commit::Conflict { .. } => Ok(None),
        }
    }
}

fn wrapping_key(master: &MasterKey) -> CipherKey {
    CipherKey::new(MASTER_KEY_ID, master.expose())
}

/// One AEAD key with its number.
struct CipherKey {
    id: u32,
    key: LessSafeKey,
}

impl std::fmt::Debug for CipherKey {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "CipherKey({})", self.id)
    }
}

impl CipherKey {
    fn new(id: u32, bytes: &[u8; 32]) -> Self {
        let key =
            UnboundKey::new(&AES_256_GCM_SIV, bytes).expect("32 bytes is the key length of AES-256-GCM-SIV");
        Self { id, key: LessSafeKey::new(key) }
    }

    /// Layout: format (1) | key id (4, big endian) | nonce (12) | ciphertext and tag.
    fn seal(&self, associated_data: &[u8], plain: &[u8], random: &dyn Random) -> Sealed {
        let mut nonce = [0_u8; NONCE_LEN];
        random.fill(&mut nonce);
        let mut buffer = Zeroizing::new(Vec::with_capacity(plain.len() + TAG_LENGTH));
        buffer.extend_from_slice(plain);
        self.key
            .seal_in_place_append_tag(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(associated_data),
                &mut *buffer,
            )
            .expect("credentials are far below the cipher's limit of 64 GiB");
        let header = [&[FORMAT][..], &self.id.to_be_bytes(), &nonce].concat();
        Sealed(URL_SAFE_NO_PAD.encode([header.as_slice(), buffer.as_slice()].concat()))
    }

    fn open(&self, associated_data: &[u8], sealed: &Sealed) -> Option<Zeroizing<Vec<u8>>> {
        let bytes = URL_SAFE_NO_PAD.decode(&sealed.0).ok()?;
        let (header, rest) = bytes.split_at_checked(HEADER_LENGTH)?;
        let (nonce, ciphertext) = rest.split_at_checked(NONCE_LEN)?;
        let expected = [&[FORMAT][..], &self.id.to_be_bytes()].concat();
        if header != expected {
            return None;
        }
        let mut buffer = Zeroizing::new(ciphertext.to_vec());
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let length = self.key.open_in_place(nonce, Aad::from(associated_data), &mut buffer).ok()?.len();
        buffer.truncate(length);
        Some(buffer)
    }
}

/// Why a secret cannot be sealed or opened.
#[derive(Debug, thiserror::Error)]
pub enum VaultError {
    /// The master key cannot be had.
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

const FORMAT: u8 = 1;
const HEADER_LENGTH: usize = 1 + 4;
const TAG_LENGTH: usize = 16;
const MASTER_KEY_ID: u32 = 0;
const FIRST_KEY: u32 = 1;
const CURRENT_KEY: &str = "1";
const DATA_KEY_DATA: &[u8] = b"data_key";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::records::AccountUse;
    use crate::memory::random::SeededRandom;
    use crate::ports::document::Document as _;

    fn place<'a>(space: &'a Space, key: &'a str) -> Place<'a> {
        Place { space, kind: AccountUse::KIND, key }
    }

    #[test]
    fn a_sealed_value_opens_only_where_it_belongs_and_only_whole() {
        let random = SeededRandom::new(1);
        let vault = Vault { key: CipherKey::new(1, &[7; 32]) };
        let sealed = vault.seal(place(&Space::System, "one"), b"secret", &random);
        assert_eq!(vault.open(place(&Space::System, "one"), &sealed).unwrap().as_slice(), b"secret");
        assert!(vault.open(place(&Space::System, "two"), &sealed).is_err());

        let other = Vault { key: CipherKey::new(1, &[8; 32]) };
        assert!(other.open(place(&Space::System, "one"), &sealed).is_err());

        let bytes = URL_SAFE_NO_PAD.decode(&sealed.0).unwrap();
        for position in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[position] ^= 1;
            let changed = Sealed(URL_SAFE_NO_PAD.encode(changed));
            assert!(vault.open(place(&Space::System, "one"), &changed).is_err(), "byte {position}");
        }
    }

    #[test]
    fn equal_secrets_look_different_when_sealed() {
        let random = SeededRandom::new(1);
        let vault = Vault { key: CipherKey::new(1, &[7; 32]) };
        let seal = || vault.seal(place(&Space::System, "one"), b"secret", &random);
        assert_ne!(seal(), seal());
    }
}

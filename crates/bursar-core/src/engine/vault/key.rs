//! One data key with everything that is made from it.

use std::fmt;

use aws_lc_rs::hkdf::{HKDF_SHA256, Prk};
use zeroize::Zeroizing;

use super::cipher::CipherKey;
use crate::ports::random::Random;

/// A data key. The number tells it from those before and after it.
pub(super) struct Key {
    pub(super) id: u32,
    pub(super) cipher: CipherKey,
    /// What keys are derived from it by.
    pub(super) derives: Prk,
    /// On the heap, where it is wiped: what is moved on the stack leaves copies.
    bytes: KeyBytes,
}

pub(super) type KeyBytes = Box<Zeroizing<[u8; 32]>>;

impl Key {
    pub(super) fn new(id: u32, bytes: KeyBytes) -> Self {
        Self {
            id,
            cipher: CipherKey::new(id, &bytes),
            derives: Prk::new_less_safe(HKDF_SHA256, &**bytes),
            bytes,
        }
    }

    /// A new one.
    pub(super) fn draw(id: u32, random: &dyn Random) -> Self {
        let mut bytes = Box::new(Zeroizing::new([0; 32]));
        random.fill(&mut **bytes);
        Self::new(id, bytes)
    }

    /// The key itself, for sealing it under another.
    pub(super) fn bytes(&self) -> &[u8] {
        &**self.bytes
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Key({})", self.id)
    }
}

/// A key out of what was opened; `None`: it is none.
pub(super) fn key_bytes(opened: &[u8]) -> Option<KeyBytes> {
    let mut bytes = Box::new(Zeroizing::new([0_u8; 32]));
    if opened.len() != bytes.len() {
        return None;
    }
    bytes.copy_from_slice(opened);
    Some(bytes)
}

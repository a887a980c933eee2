//! The one cipher of the vault: AES-256-GCM-SIV (RFC 8452), so that even a repeated nonce gives nothing away but equality.

use aws_lc_rs::aead::{AES_256_GCM_SIV, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use zeroize::Zeroizing;

use crate::ports::random::Random;
use crate::secret::Sealed;

/// One AEAD key with its number. The cryptographic library wipes it when it is dropped.
pub(super) struct CipherKey {
    id: u32,
    key: LessSafeKey,
}

impl std::fmt::Debug for CipherKey {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "CipherKey({})", self.id)
    }
}

impl CipherKey {
    pub(super) fn new(id: u32, bytes: &[u8; 32]) -> Self {
        let key =
            UnboundKey::new(&AES_256_GCM_SIV, bytes).expect("32 bytes is the key length of AES-256-GCM-SIV");
        Self { id, key: LessSafeKey::new(key) }
    }

    /// Layout: format (1) | key id (4, big endian) | nonce (12) | ciphertext and tag.
    pub(super) fn seal(&self, associated_data: &[u8], plain: &[u8], random: &dyn Random) -> Sealed {
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

    pub(super) fn open(&self, associated_data: &[u8], sealed: &Sealed) -> Option<Zeroizing<Vec<u8>>> {
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

/// The number of the key that `sealed` says it was sealed with.
pub(super) fn key_id(sealed: &Sealed) -> Option<u32> {
    // The beginning of a text in base64 is read by itself: the rest may be long.
    let start = sealed.0.as_bytes().get(..HEADER_LETTERS)?;
    let bytes = URL_SAFE_NO_PAD.decode(start).ok()?;
    let id = bytes.get(1..HEADER_LENGTH)?.try_into().ok()?;
    (bytes.first() == Some(&FORMAT)).then(|| u32::from_be_bytes(id))
}

const FORMAT: u8 = 1;
/// Six bytes: the header, and one more.
const HEADER_LETTERS: usize = 8;
const HEADER_LENGTH: usize = 1 + 4;
const TAG_LENGTH: usize = 16;

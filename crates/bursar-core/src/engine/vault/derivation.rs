//! Keys derived from the data key (RFC 5869): one for each purpose and space, so that none opens what is
//! another's, and nothing more has to be stored.

use std::fmt;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::hkdf::{HKDF_SHA256, KeyType, Prk};
use aws_lc_rs::hmac::{self, HMAC_SHA256};
use zeroize::Zeroizing;

use super::cipher::CipherKey;
use crate::ports::random::Random;
use crate::ports::store::Space;
use crate::secret::Sealed;

/// Derives keys from one data key.
pub struct Derivation {
    id: u32,
    key: Prk,
}

/// What a derived key is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Authenticates refresh tokens, so that guessing finds nothing.
    RefreshTokens,
    /// Makes the refresh token that takes the place of one that was spent.
    Successors,
    /// Seals opaque access tokens.
    OpaqueTokens,
    /// Seals what travels through a browser and comes back.
    Tickets,
    /// Makes the values that forms must bring back.
    Forms,
    /// Authenticates the ids of clients that registered themselves.
    RegisteredClients,
    /// Makes the nonces that proofs of possession must carry.
    ProofNonces,
    /// Makes the digests of codes that people type, which are too short to be hashed without a key.
    UserCodes,
}

impl Derivation {
    pub(super) fn new(id: u32, data_key: &[u8; 32]) -> Self {
        Self { id, key: Prk::new_less_safe(HKDF_SHA256, data_key) }
    }

    /// Keys for tests of what is protected by them.
    #[cfg(test)]
    pub(in crate::engine) fn for_test(id: u32, data_key: &[u8; 32]) -> Self {
        Self::new(id, data_key)
    }

    /// The number of the data key, for what must tell later which key it was made with.
    pub fn key_id(&self) -> u32 {
        self.id
    }

    /// A key that authenticates.
    pub fn authenticator(&self, space: &Space, purpose: Purpose) -> Authenticator {
        Authenticator { key: hmac::Key::new(HMAC_SHA256, &*self.bytes(space, purpose)) }
    }

    /// A key that seals.
    pub fn sealer(&self, space: &Space, purpose: Purpose) -> Sealer {
        Sealer(CipherKey::new(self.id, &self.bytes(space, purpose)))
    }

    fn bytes(&self, space: &Space, purpose: Purpose) -> Zeroizing<[u8; 32]> {
        let mut bytes = Zeroizing::new([0; 32]);
        // Names have no zero byte in them, so no two lists read the same.
        let info = [space.as_str().as_bytes(), b"\0", purpose.name().as_bytes(), b"\0"];
        let derived = self.key.expand(&info, Length);
        derived.and_then(|key| key.fill(&mut *bytes)).expect("32 bytes is far below the limit of 8,160");
        bytes
    }
}

impl Purpose {
    fn name(self) -> &'static str {
        match self {
            Self::RefreshTokens => "refresh-tokens",
            Self::Successors => "successors",
            Self::OpaqueTokens => "opaque-tokens",
            Self::Tickets => "tickets",
            Self::Forms => "forms",
            Self::RegisteredClients => "registered-clients",
            Self::ProofNonces => "proof-nonces",
            Self::UserCodes => "user-codes",
        }
    }
}

/// Makes and checks codes that only this installation can make.
#[derive(Clone, Debug)]
pub struct Authenticator {
    key: hmac::Key,
}

impl Authenticator {
    /// HMAC-SHA-256 of `message` (RFC 2104).
    pub fn code(&self, message: &[u8]) -> [u8; 32] {
        let mut code = [0; 32];
        code.copy_from_slice(hmac::sign(&self.key, message).as_ref());
        code
    }

    /// Whether `code` is that of `message`, or its beginning of at least 128 bits; in constant time.
    pub fn verifies(&self, message: &[u8], code: &[u8]) -> bool {
        let expected = self.code(message);
        code.len() >= SHORTEST_CODE
            && expected.get(..code.len()).is_some_and(|start| verify_slices_are_equal(start, code).is_ok())
    }
}

/// Seals with a derived key.
#[derive(Debug)]
pub struct Sealer(CipherKey);

impl Sealer {
    /// Seals `plain`, bound to `associated`.
    pub fn seal(&self, associated: &[u8], plain: &[u8], random: &dyn Random) -> Sealed {
        self.0.seal(associated, plain, random)
    }

    /// Opens what [`Sealer::seal`] sealed with the same key and the same `associated`; `None`: it is not that.
    pub fn open(&self, associated: &[u8], sealed: &Sealed) -> Option<Zeroizing<Vec<u8>>> {
        self.0.open(associated, sealed)
    }
}

impl fmt::Debug for Derivation {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Derivation({})", self.id)
    }
}

#[derive(Clone, Copy)]
struct Length;

impl KeyType for Length {
    fn len(&self) -> usize {
        32
    }
}

/// RFC 2104 §5 lets codes be cut to half of their length.
const SHORTEST_CODE: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::random::SeededRandom;
    use crate::ports::store::SandboxId;

    fn sandbox(name: &str) -> Space {
        Space::Sandbox(SandboxId::parse(name).unwrap())
    }

    #[test]
    fn every_purpose_space_and_data_key_has_keys_of_its_own() {
        let (one, other) = (Derivation::new(1, &[1; 32]), Derivation::new(1, &[2; 32]));
        let code = |keys: &Derivation, space: &str, purpose| {
            keys.authenticator(&sandbox(space), purpose).code(b"message")
        };
        let known = code(&one, "a", Purpose::RefreshTokens);
        assert_eq!(known, code(&one, "a", Purpose::RefreshTokens));
        assert_ne!(known, code(&other, "a", Purpose::RefreshTokens));
        assert_ne!(known, code(&one, "b", Purpose::RefreshTokens));
        assert_ne!(known, code(&one, "a", Purpose::Forms));
    }

    #[test]
    fn codes_are_checked_whole_or_by_half_and_never_by_less() {
        let authenticator = Derivation::new(1, &[1; 32]).authenticator(&sandbox("a"), Purpose::Forms);
        let code = authenticator.code(b"message");
        assert!(authenticator.verifies(b"message", &code));
        assert!(authenticator.verifies(b"message", &code[..16]));
        assert!(!authenticator.verifies(b"message", &code[..15]));
        assert!(!authenticator.verifies(b"message", b""));
        assert!(!authenticator.verifies(b"massage", &code));
        assert!(!authenticator.verifies(b"message", &[code.as_slice(), b"x"].concat()));
    }

    #[test]
    fn what_is_sealed_for_a_purpose_opens_for_no_other() {
        let keys = Derivation::new(1, &[1; 32]);
        let sealer = |purpose| keys.sealer(&sandbox("a"), purpose);
        let ticket = sealer(Purpose::Tickets).seal(b"page", b"ticket", &SeededRandom::new(1));
        assert_eq!(sealer(Purpose::Tickets).open(b"page", &ticket).unwrap().as_slice(), b"ticket");
        assert!(sealer(Purpose::OpaqueTokens).open(b"page", &ticket).is_none());
        assert!(sealer(Purpose::Tickets).open(b"other", &ticket).is_none());
    }
}

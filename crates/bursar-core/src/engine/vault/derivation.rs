//! Keys derived from the data key (RFC 5869): one for each purpose and space, so that none opens what is
//! another's, and nothing more has to be stored.
//!
//! While a data key takes the place of another, and after it, what was made with the one before still counts: see
//! `succession`.

use std::fmt;
use std::sync::Arc;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::hkdf::KeyType;
use aws_lc_rs::hmac::{self, HMAC_SHA256};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::cipher::CipherKey;
use super::key::{Key, KeyBytes};
use crate::ports::random::Random;
use crate::ports::store::{SandboxId, Space};
use crate::secret::Sealed;

/// Derives keys from the data key, and knows those that were derived from others.
pub struct Derivation {
    key: Arc<Key>,
    /// The other data key while one takes the place of the other.
    other: Option<Arc<Key>>,
    former: Vec<Former>,
}

/// A key that was derived from a data key that is gone.
pub(super) struct Former {
    pub(super) id: u32,
    pub(super) space: SandboxId,
    pub(super) purpose: Purpose,
    pub(super) until: Option<Timestamp>,
    pub(super) bytes: KeyBytes,
}

/// What a derived key is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
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

/// How long what is made with derived keys lives.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MadeLives {
    /// A login, however much its refresh tokens are used.
    pub login: SignedDuration,
    /// The longest an access token lives.
    pub access_token: SignedDuration,
    /// The longest that anything lives which travels through a browser.
    pub ticket: SignedDuration,
}

impl MadeLives {
    /// The longer one of each.
    #[must_use]
    pub fn or_longer(self, other: Self) -> Self {
        Self {
            login: self.login.max(other.login),
            access_token: self.access_token.max(other.access_token),
            ticket: self.ticket.max(other.ticket),
        }
    }
}

impl Derivation {
    pub(super) fn new(key: Arc<Key>, other: Option<Arc<Key>>, former: Vec<Former>) -> Self {
        Self { key, other, former }
    }

    /// Keys for tests of what is protected by them.
    #[cfg(test)]
    pub(in crate::engine) fn for_test(id: u32, data_key: &[u8; 32]) -> Self {
        Self::new(Arc::new(Key::new(id, Box::new(Zeroizing::new(*data_key)))), None, Vec::new())
    }

    /// The number of the data key, for what must tell later which key it was made with.
    pub fn key_id(&self) -> u32 {
        self.key.id
    }

    /// A key that authenticates; codes that were made before count as long as they may at `now`.
    pub fn authenticator(&self, space: &Space, purpose: Purpose, now: Timestamp) -> Authenticator {
        let key = |bytes: &[u8; 32]| hmac::Key::new(HMAC_SHA256, bytes);
        let mut keys = vec![(self.key.id, key(&derived(&self.key, space, purpose)))];
        keys.extend(self.others(space, purpose, now).map(|(id, bytes)| (id, key(&bytes))));
        Authenticator { keys: keys.into() }
    }

    /// A key that seals; what was sealed before opens as long as it may at `now`.
    pub fn sealer(&self, space: &Space, purpose: Purpose, now: Timestamp) -> Sealer {
        let others = self.others(space, purpose, now).map(|(id, bytes)| CipherKey::new(id, &bytes)).collect();
        Sealer { key: CipherKey::new(self.key.id, &derived(&self.key, space, purpose)), others }
    }

    /// The key of one backup file, told from those of others by its salt.
    pub(in crate::engine) fn backup_key(&self, salt: &[u8]) -> Zeroizing<[u8; 32]> {
        let mut bytes = Zeroizing::new([0; 32]);
        // No space is named like this, so no other purpose has the same list.
        let info = [b"\0backup\0".as_slice(), salt];
        let derived = self.key.derives.expand(&info, Length);
        derived.and_then(|key| key.fill(&mut *bytes)).expect("32 bytes is far below the limit of 8,160");
        bytes
    }

    /// When the first of the keys from before ceases to count after `now`; `None`: none does.
    pub fn next_end(&self, now: Timestamp) -> Option<Timestamp> {
        self.former.iter().filter_map(|former| former.until).filter(|until| *until > now).min()
    }

    fn others<'a>(
        &'a self,
        space: &'a Space,
        purpose: Purpose,
        now: Timestamp,
    ) -> impl Iterator<Item = (u32, KeyBytes)> {
        let other = self.other.iter().map(move |other| (other.id, Box::new(derived(other, space, purpose))));
        let former = self.former.iter().filter(move |former| {
            former.purpose == purpose
                && former.space.as_str() == space.as_str()
                && former.until.is_none_or(|until| until > now)
        });
        // The latest first: most of what comes was made with it.
        other.chain(former.rev().map(|former| (former.id, former.bytes.clone())))
    }
}

/// The key for one purpose and space.
pub(super) fn derived(key: &Key, space: &Space, purpose: Purpose) -> Zeroizing<[u8; 32]> {
    let mut bytes = Zeroizing::new([0; 32]);
    // Names have no zero byte in them, so no two lists read the same.
    let info = [space.as_str().as_bytes(), b"\0", purpose.name().as_bytes(), b"\0"];
    let derived = key.derives.expand(&info, Length);
    derived.and_then(|key| key.fill(&mut *bytes)).expect("32 bytes is far below the limit of 8,160");
    bytes
}

impl Purpose {
    /// All of them.
    pub(super) const ALL: [Self; 8] = [
        Self::RefreshTokens,
        Self::Successors,
        Self::OpaqueTokens,
        Self::Tickets,
        Self::Forms,
        Self::RegisteredClients,
        Self::ProofNonces,
        Self::UserCodes,
    ];

    pub(super) fn name(self) -> &'static str {
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

    /// When the last has ended of what was made until `last_made`; `None`: it does not end by itself.
    pub(super) fn ends(self, last_made: Timestamp, lives: &MadeLives) -> Option<Timestamp> {
        let life = match self {
            Self::RefreshTokens | Self::Successors => lives.login,
            Self::OpaqueTokens => lives.access_token,
            Self::Tickets => lives.ticket,
            // An id is known to its client for as long as that is installed somewhere.
            Self::RegisteredClients => return None,
            Self::Forms | Self::ProofNonces | Self::UserCodes => A_DAY,
        };
        Some(last_made.saturating_add(life).unwrap_or(Timestamp::MAX))
    }
}

/// Makes and checks codes that only this installation can make. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Authenticator {
    /// With the numbers of their data keys; the first makes, all of them check.
    keys: Arc<[(u32, hmac::Key)]>,
}

impl Authenticator {
    /// HMAC-SHA-256 of `message` (RFC 2104).
    pub fn code(&self, message: &[u8]) -> [u8; 32] {
        code(&self.keys[0].1, message)
    }

    /// Whether `code` is that of `message`, or its beginning of at least 128 bits; in constant time.
    pub fn verifies(&self, message: &[u8], code: &[u8]) -> bool {
        self.keys.iter().any(|(_, key)| verifies(key, message, code))
    }

    /// The number of the data key that makes codes.
    pub fn key_id(&self) -> u32 {
        self.keys[0].0
    }

    /// Each key that counts alone, the one that makes codes first: for what must be made again as it was, or is found by its
    /// code.
    pub fn each(&self) -> impl Iterator<Item = Self> {
        self.keys.iter().map(|key| Self { keys: Arc::new([key.clone()]) })
    }
}

fn code(key: &hmac::Key, message: &[u8]) -> [u8; 32] {
    let mut code = [0; 32];
    code.copy_from_slice(hmac::sign(key, message).as_ref());
    code
}

fn verifies(key: &hmac::Key, message: &[u8], shown: &[u8]) -> bool {
    let expected = code(key, message);
    shown.len() >= SHORTEST_CODE
        && expected.get(..shown.len()).is_some_and(|start| verify_slices_are_equal(start, shown).is_ok())
}

/// Seals with a derived key.
#[derive(Debug)]
pub struct Sealer {
    key: CipherKey,
    others: Vec<CipherKey>,
}

impl Sealer {
    /// Seals `plain`, bound to `associated`.
    pub fn seal(&self, associated: &[u8], plain: &[u8], random: &dyn Random) -> Sealed {
        self.key.seal(associated, plain, random)
    }

    /// Opens what [`Sealer::seal`] sealed with the same key, or one that was in its place before, and the same `associated`;
    /// `None`: it is not that.
    pub fn open(&self, associated: &[u8], sealed: &Sealed) -> Option<Zeroizing<Vec<u8>>> {
        let mut keys = std::iter::once(&self.key).chain(&self.others);
        keys.find_map(|key| key.open(associated, sealed))
    }
}

impl fmt::Debug for Derivation {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Derivation({})", self.key.id)
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
/// Far longer than a person, a browser or a clock is behind.
const A_DAY: SignedDuration = SignedDuration::from_hours(24);

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
        let (one, other) = (Derivation::for_test(1, &[1; 32]), Derivation::for_test(1, &[2; 32]));
        let code = |keys: &Derivation, space: &str, purpose| {
            keys.authenticator(&sandbox(space), purpose, Timestamp::UNIX_EPOCH).code(b"message")
        };
        let known = code(&one, "a", Purpose::RefreshTokens);
        assert_eq!(known, code(&one, "a", Purpose::RefreshTokens));
        assert_ne!(known, code(&other, "a", Purpose::RefreshTokens));
        assert_ne!(known, code(&one, "b", Purpose::RefreshTokens));
        assert_ne!(known, code(&one, "a", Purpose::Forms));
    }

    #[test]
    fn codes_are_checked_whole_or_by_half_and_never_by_less() {
        let authenticator = Derivation::for_test(1, &[1; 32]).authenticator(
            &sandbox("a"),
            Purpose::Forms,
            Timestamp::UNIX_EPOCH,
        );
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
        let keys = Derivation::for_test(1, &[1; 32]);
        let sealer = |purpose| keys.sealer(&sandbox("a"), purpose, Timestamp::UNIX_EPOCH);
        let ticket = sealer(Purpose::Tickets).seal(b"page", b"ticket", &SeededRandom::new(1));
        assert_eq!(sealer(Purpose::Tickets).open(b"page", &ticket).unwrap().as_slice(), b"ticket");
        assert!(sealer(Purpose::OpaqueTokens).open(b"page", &ticket).is_none());
        assert!(sealer(Purpose::Tickets).open(b"other", &ticket).is_none());
    }
}

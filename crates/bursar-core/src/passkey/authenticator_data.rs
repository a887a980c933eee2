//! What an authenticator says (Web Authentication §6.1): for which host, in whose presence, how often, and its new key.

use super::PasskeyError;
use super::cbor::Value;

/// The bytes, taken apart.
#[derive(Debug)]
pub(super) struct AuthenticatorData<'a> {
    /// SHA-256 of the host.
    pub(super) relying_party: &'a [u8],
    /// Somebody has touched it.
    pub(super) is_user_present: bool,
    /// It has made sure who that is, by a finger, a face or a PIN.
    pub(super) is_user_verified: bool,
    /// There is a copy of the passkey with its maker.
    pub(super) is_backed_up: bool,
    /// How often it has signed; 0: it does not count.
    pub(super) counter: u32,
    /// The new passkey, when one was made.
    pub(super) new: Option<AttestedCredential<'a>>,
}

/// A passkey that was just made (§6.5.1).
#[derive(Debug)]
pub(super) struct AttestedCredential<'a> {
    pub(super) id: &'a [u8],
    /// As COSE writes it (RFC 9053 §7).
    pub(super) key: &'a [u8],
}

impl<'a> AuthenticatorData<'a> {
    pub(super) fn read(bytes: &'a [u8]) -> Result<Self, PasskeyError> {
        Self::parts(bytes).ok_or(PasskeyError::Authenticator)
    }

    fn parts(bytes: &'a [u8]) -> Option<Self> {
        let (relying_party, rest) = bytes.split_at_checked(32)?;
        let (&flags, rest) = rest.split_first()?;
        let (counter, mut rest) = rest.split_first_chunk::<4>()?;
        let has = |flag: u8| flags & flag != 0;
        let mut new = None;
        if has(ATTESTED) {
            let (credential, after) = attested(rest)?;
            new = Some(credential);
            rest = after;
        }
        if has(EXTENDED) {
            let (extensions, after) = Value::read(rest)?;
            if !matches!(extensions, Value::Map(_)) {
                return None;
            }
            rest = after;
        }
        // Web Authentication Level 3 §6.1.3: what cannot be backed up is not backed up.
        let is_contradictory = has(BACKED_UP) && !has(MAY_BE_BACKED_UP);
        (rest.is_empty() && !is_contradictory).then_some(Self {
            relying_party,
            is_user_present: has(PRESENT),
            is_user_verified: has(VERIFIED),
            is_backed_up: has(BACKED_UP),
            counter: u32::from_be_bytes(*counter),
            new,
        })
    }
}

fn attested(bytes: &[u8]) -> Option<(AttestedCredential<'_>, &[u8])> {
    // The first 16 bytes name the make.
    let (_, rest) = bytes.split_at_checked(16)?;
    let (length, rest) = rest.split_first_chunk::<2>()?;
    let length = usize::from(u16::from_be_bytes(*length));
    if !(1..=LONGEST_ID).contains(&length) {
        return None;
    }
    let (id, rest) = rest.split_at_checked(length)?;
    let (_, after) = Value::read(rest)?;
    let key = &rest[..rest.len() - after.len()];
    Some((AttestedCredential { id, key }, after))
}

const PRESENT: u8 = 0x01;
const VERIFIED: u8 = 0x04;
const MAY_BE_BACKED_UP: u8 = 0x08;
const BACKED_UP: u8 = 0x10;
const ATTESTED: u8 = 0x40;
const EXTENDED: u8 = 0x80;
/// Web Authentication §7.1 step 17 of Level 3.
const LONGEST_ID: usize = 1023;

//! The public key of a passkey as COSE writes it (RFC 9052 §7, RFC 9053 §7): P-256, Ed25519 or RSA, each with its one
//! algorithm.

use std::fmt;

use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1, ParsedPublicKey};

use super::PasskeyError;
use super::cbor::Value;
use crate::oauth::jose::PublicKey;

/// A key that verifies the signatures of one passkey.
pub struct CredentialKey {
    encoded: Vec<u8>,
    verifier: Verifier,
}

enum Verifier {
    /// Authenticators write ECDSA signatures in ASN.1, JOSE does not (Web Authentication §6.5.6).
    Ecdsa(ParsedPublicKey),
    Other(PublicKey),
}

impl CredentialKey {
    /// Reads a key.
    ///
    /// # Errors
    /// It is of another kind, for another algorithm, weak or damaged.
    pub fn from_cose(bytes: &[u8]) -> Result<Self, PasskeyError> {
        let key = Value::of(bytes).ok_or(PasskeyError::Key)?;
        let number = |label| key.at(&Value::Integer(label)).and_then(Value::integer);
        let part = |label| key.at(&Value::Integer(label)).and_then(Value::bytes).ok_or(PasskeyError::Key);
        let verifier = match (number(KIND), number(ALGORITHM), number(CURVE)) {
            (Some(2), Some(ES256), Some(1)) => ecdsa(part(X)?, part(Y)?)?,
            (Some(1), Some(EDDSA), Some(6)) => other(PublicKey::ed25519(part(X)?))?,
            (Some(3), Some(RS256), _) => other(PublicKey::rsa(part(MODULUS)?, part(EXPONENT)?))?,
            _ => return Err(PasskeyError::Key),
        };
        Ok(Self { encoded: bytes.to_owned(), verifier })
    }

    /// The bytes it was read from.
    pub fn as_cose(&self) -> &[u8] {
        &self.encoded
    }

    pub(super) fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        match &self.verifier {
            Verifier::Ecdsa(key) => key.verify_sig(message, signature).is_ok(),
            Verifier::Other(key) => key.verifies(message, signature),
        }
    }
}

impl fmt::Debug for CredentialKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("CredentialKey").finish_non_exhaustive()
    }
}

fn ecdsa(x: &[u8], y: &[u8]) -> Result<Verifier, PasskeyError> {
    if x.len() != 32 || y.len() != 32 {
        return Err(PasskeyError::Key);
    }
    // SEC 1 §2.3.3: 4 stands for an uncompressed point.
    let point = [&[4], x, y].concat();
    let key = ParsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, point).map_err(|_| PasskeyError::Key)?;
    Ok(Verifier::Ecdsa(key))
}

fn other<E>(key: Result<PublicKey, E>) -> Result<Verifier, PasskeyError> {
    key.map(Verifier::Other).map_err(|_| PasskeyError::Key)
}

const KIND: i64 = 1;
const ALGORITHM: i64 = 3;
const CURVE: i64 = -1;
const X: i64 = -2;
const Y: i64 = -3;
const MODULUS: i64 = -1;
const EXPONENT: i64 = -2;
/// The names of the algorithms (RFC 9053 §2, RFC 8812 §2), which the page offers in this order.
pub(super) const ES256: i64 = -7;
pub(super) const EDDSA: i64 = -8;
pub(super) const RS256: i64 = -257;

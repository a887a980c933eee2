//! Public JSON Web Keys (RFC 7517 §4; RFC 7518 §6.2, §6.3; RFC 8037 §2).
//!
//! A key that is read can verify and has one algorithm. Private and symmetric keys are refused: whoever sends one has given
//! it away. Sets of keys are in `key_set`.

use std::fmt;

use aws_lc_rs::rsa::PublicKeyComponents;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED, ED25519, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value, json};

use super::jws::is_key_id;
use super::{Algorithm, Thumbprint};

/// A key that verifies signatures of one algorithm.
#[derive(Clone)]
pub struct PublicKey {
    algorithm: Algorithm,
    /// The members that make the key, `kty` among them, in the order of their names.
    members: Vec<(&'static str, String)>,
    thumbprint: Thumbprint,
    key_id: Option<String>,
    verifier: ParsedPublicKey,
}

impl PublicKey {
    /// Reads a P-256, Ed25519 or RSA key (2048 to 8192 bits) that is for signatures.
    ///
    /// # Errors
    /// It is private, of another kind, for another use, or damaged.
    pub fn from_jwk(jwk: &Map<String, Value>) -> Result<Self, JwkError> {
        if PRIVATE.iter().any(|name| jwk.contains_key(*name)) {
            return Err(JwkError::Private);
        }
        check_use(jwk)?;
        let key_id = text(jwk, "kid")?;
        if key_id.is_some_and(|key_id| !is_key_id(key_id)) {
            return Err(JwkError::Member { name: "kid" });
        }
        let kind = text(jwk, "kty")?.ok_or(JwkError::Member { name: "kty" })?;
        let key = match (kind, text(jwk, "crv")?) {
            ("EC", Some("P-256")) => Self::p256(&coordinate(jwk, "x")?, &coordinate(jwk, "y")?),
            ("OKP", Some("Ed25519")) => Self::ed25519(&coordinate(jwk, "x")?),
            ("RSA", _) => Self::rsa(&decoded(jwk, "n")?, &decoded(jwk, "e")?),
            ("oct", _) => return Err(JwkError::Private),
            _ => return Err(JwkError::Unsupported),
        }?;
        // RFC 7517 §4.4: a key says at most one algorithm, and is for no other (RFC 8725 §3.1).
        match text(jwk, "alg")? {
            Some(name) if Algorithm::from_name(name) != Some(key.algorithm) => Err(JwkError::Unsupported),
            _ => Ok(Self { key_id: key_id.map(str::to_owned), ..key }),
        }
    }

    /// The key as it is published: what makes it, and that it is for signatures by this algorithm.
    pub fn to_jwk(&self) -> Map<String, Value> {
        let mut jwk: Map<String, Value> =
            self.members.iter().map(|(name, value)| ((*name).to_owned(), json!(value))).collect();
        jwk.insert("kid".to_owned(), json!(self.key_id.as_deref().unwrap_or(self.thumbprint.as_str())));
        jwk.insert("alg".to_owned(), json!(self.algorithm.name()));
        jwk.insert("use".to_owned(), json!("sig"));
        jwk
    }

    /// The only algorithm it verifies.
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The name of the key, if it has one.
    pub fn key_id(&self) -> Option<&str> {
        self.key_id.as_deref()
    }

    /// The name that follows from the key itself (RFC 7638).
    pub fn thumbprint(&self) -> &Thumbprint {
        &self.thumbprint
    }

    /// The same key under another name.
    #[must_use]
    pub fn named(self, key_id: &str) -> Self {
        Self { key_id: Some(key_id.to_owned()), ..self }
    }

    pub(crate) fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        self.verifier.verify_sig(message, signature).is_ok()
    }

    /// A point on P-256, whose curve equation is checked.
    pub(crate) fn p256(x: &[u8], y: &[u8]) -> Result<Self, JwkError> {
        // SEC 1 §2.3.3: 4 stands for an uncompressed point.
        let point = [&[4], x, y].concat();
        let verifier =
            ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point).map_err(|_| JwkError::Unsupported)?;
        let members =
            vec![("crv", "P-256".to_owned()), ("kty", "EC".to_owned()), ("x", encoded(x)), ("y", encoded(y))];
        Ok(Self::new(Algorithm::Es256, members, verifier))
    }

    /// A point on Ed25519 in its 32 bytes.
    pub(crate) fn ed25519(x: &[u8]) -> Result<Self, JwkError> {
        if is_weak(x) {
            return Err(JwkError::Unsupported);
        }
        let verifier = ParsedPublicKey::new(&ED25519, x).map_err(|_| JwkError::Unsupported)?;
        let members = vec![("crv", "Ed25519".to_owned()), ("kty", "OKP".to_owned()), ("x", encoded(x))];
        Ok(Self::new(Algorithm::EdDsa, members, verifier))
    }

    /// An RSA key from modulus and exponent, big-endian without leading zeros (RFC 7518 §2, `Base64urlUInt`).
    pub(crate) fn rsa(modulus: &[u8], exponent: &[u8]) -> Result<Self, JwkError> {
        let bits = modulus.len() * 8 - modulus.first().map_or(0, |first| first.leading_zeros() as usize);
        let is_odd = |number: &[u8]| number.last().is_some_and(|last| last % 2 == 1);
        let good = RSA_BITS.contains(&bits)
            && modulus[0] != 0
            && is_odd(modulus)
            && is_odd(exponent)
            && exponent[0] != 0
            && (exponent.len() <= RSA_EXPONENT_BYTES && exponent != [1]);
        if !good {
            return Err(JwkError::Unsupported);
        }
        let verifier = PublicKeyComponents { n: modulus, e: exponent }
            .to_parsed_public_key(&RSA_PKCS1_2048_8192_SHA256)
            .map_err(|_| JwkError::Unsupported)?;
        let members = vec![("e", encoded(exponent)), ("kty", "RSA".to_owned()), ("n", encoded(modulus))];
        Ok(Self::new(Algorithm::Rs256, members, verifier))
    }

    fn new(algorithm: Algorithm, members: Vec<(&'static str, String)>, verifier: ParsedPublicKey) -> Self {
        // RFC 7638 §3.3. All values are base64url or our own words: nothing to escape.
        let members_text: Vec<String> =
            members.iter().map(|(name, value)| format!("\"{name}\":\"{value}\"")).collect();
        let thumbprint = Thumbprint::of(&format!("{{{}}}", members_text.join(",")));
        Self { algorithm, members, thumbprint, key_id: None, verifier }
    }
}

impl PartialEq for PublicKey {
    fn eq(&self, other: &Self) -> bool {
        self.members == other.members && self.key_id == other.key_id
    }
}

impl Eq for PublicKey {}

impl fmt::Debug for PublicKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("PublicKey")
            .field("algorithm", &self.algorithm)
            .field("key_id", &self.key_id)
            .field("thumbprint", &self.thumbprint.as_str())
            .finish_non_exhaustive()
    }
}

/// A key that cannot be used to verify.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JwkError {
    /// It has private or symmetric parts (RFC 7518 §6.2.2, §6.3.2, §6.4).
    #[error("the key is private; only its public part may be sent")]
    Private,
    /// Its `use` or `key_ops` is something else (RFC 7517 §4.2, §4.3).
    #[error("the key is not for signatures")]
    OtherUse,
    /// A member is missing or has no valid value.
    #[error("the key's member `{name}` is missing or not valid")]
    Member {
        /// The member's name.
        name: &'static str,
    },
    /// It is a key, but of no kind we verify with, or a weak one.
    #[error(
        "the key is not a valid P-256, Ed25519 or RSA key (2048 to 8192 bits), or is for another algorithm"
    )]
    Unsupported,
}

const PRIVATE: [&str; 8] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];

/// RFC 7518 §3.3 wants 2048; beyond 8192 a verification costs a server tens of milliseconds.
const RSA_BITS: std::ops::RangeInclusive<usize> = 2048..=8192;

/// 65537 has three bytes; the cryptographic library stops at 33 bits, and the time grows with the length.
const RSA_EXPONENT_BYTES: usize = 4;

fn check_use(jwk: &Map<String, Value>) -> Result<(), JwkError> {
    let used = match text(jwk, "use")? {
        None | Some("sig") => true,
        Some(_) => false,
    };
    let operations = match jwk.get("key_ops") {
        None => true,
        Some(Value::Array(operations)) => operations.iter().any(|operation| operation == "verify"),
        Some(_) => return Err(JwkError::Member { name: "key_ops" }),
    };
    if used && operations { Ok(()) } else { Err(JwkError::OtherUse) }
}

fn text<'a>(jwk: &'a Map<String, Value>, name: &'static str) -> Result<Option<&'a str>, JwkError> {
    match jwk.get(name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(JwkError::Member { name }),
    }
}

fn decoded(jwk: &Map<String, Value>, name: &'static str) -> Result<Vec<u8>, JwkError> {
    let text = text(jwk, name)?.ok_or(JwkError::Member { name })?;
    let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| JwkError::Member { name })?;
    if bytes.is_empty() { Err(JwkError::Member { name }) } else { Ok(bytes) }
}

/// RFC 7518 §6.2.1.2, RFC 8037 §2: always the full length of the field, 32 bytes for both curves.
fn coordinate(jwk: &Map<String, Value>, name: &'static str) -> Result<Vec<u8>, JwkError> {
    decoded(jwk, name)
        .and_then(|bytes| if bytes.len() == 32 { Ok(bytes) } else { Err(JwkError::Member { name }) })
}

fn encoded(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Whether an Ed25519 point is one of the eight of small order, for which anybody can write signatures that hold for every
/// message, or is not written in its only form (RFC 8032 §5.1.3).
fn is_weak(point: &[u8]) -> bool {
    let Ok(mut y) = <[u8; 32]>::try_from(point) else { return true };
    // The highest bit is the sign of x; what remains is y, little-endian, below 2^255 - 19.
    y[31] &= 0x7f;
    let is_minus_one = y[0] == 0xec && y[1..31] == [0xff; 30] && y[31] == 0x7f;
    let is_not_reduced = y[0] >= 0xed && y[1..31] == [0xff; 30] && y[31] == 0x7f;
    let is_small = y[0] <= 1 && y[1..] == [0; 31];
    is_minus_one || is_not_reduced || is_small || ORDER_EIGHT.contains(&y)
}

/// The two y of the four points of order eight.
const ORDER_EIGHT: [[u8; 32]; 2] = [
    [
        0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4, 0x89, 0xf2, 0xef, 0x98, 0xf0, 0xd5,
        0xdf, 0xac, 0x05, 0xd3, 0xc6, 0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53, 0xfc, 0x05,
    ],
    [
        0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b, 0x76, 0x0d, 0x10, 0x67, 0x0f, 0x2a,
        0x20, 0x53, 0xfa, 0x2c, 0x39, 0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac, 0x03, 0x7a,
    ],
];

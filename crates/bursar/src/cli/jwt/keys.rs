//! Keys in the forms people have them in: PEM or JWK, private or public.

use aws_lc_rs::rsa;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bursar_core::oauth::jose::{JwkError, PublicKey, read_object};
use bursar_core::oauth::signing::{SigningError, SigningKey};
use bursar_core::secret::Secret;
use rustls::pki_types::SubjectPublicKeyInfoDer;
use rustls::pki_types::pem::PemObject as _;
use serde_json::{Map, Value, json};

use crate::exit::{Exit, Failure};

/// A private key, under the name `key_id` or its own.
pub(super) fn private(text: &Secret, key_id: Option<&str>) -> Result<SigningKey, Failure> {
    let read = if is_jwk(text) { SigningKey::from_jwk(text) } else { SigningKey::from_pem(text, None) };
    let key = read.map_err(|error| unusable(&error))?;
    Ok(match key_id {
        Some(key_id) => key.named(key_id),
        None => key,
    })
}

/// The public half of whatever key the text holds.
pub(super) fn public(text: &Secret) -> Result<PublicKey, Failure> {
    if SigningKey::looks_like_one(text) && !is_public_jwk(text) {
        return private(text, None)?.public_key().map_err(|error| unusable(&error));
    }
    let jwk = if is_jwk(text) {
        read_object(text.expose().as_bytes()).map_err(|error| unusable(&error))?
    } else {
        let pem = SubjectPublicKeyInfoDer::from_pem_slice(text.expose().as_bytes());
        let der = pem.map_err(|_| unusable(&SigningError::NotPem))?;
        jwk_of(&der).ok_or_else(|| unusable(&JwkError::Unsupported))?
    };
    PublicKey::from_jwk(&jwk).map_err(|error| unusable(&error))
}

fn is_jwk(text: &Secret) -> bool {
    text.expose().trim_start().starts_with('{')
}

fn is_public_jwk(text: &Secret) -> bool {
    is_jwk(text) && read_object(text.expose().as_bytes()).is_ok_and(|jwk| !jwk.contains_key("d"))
}

/// The JWK of a public key in its usual DER form (RFC 5280 §4.1.2.7, RFC 5480 §2, RFC 8410 §4).
fn jwk_of(der: &[u8]) -> Option<Map<String, Value>> {
    let encoded = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
    let jwk = if let Some(point) = der.strip_prefix(ED25519) {
        json!({ "kty": "OKP", "crv": "Ed25519", "x": encoded(point) })
    } else if let Some(point) = der.strip_prefix(P256) {
        let (x, y) = point.split_at_checked(32)?;
        json!({ "kty": "EC", "crv": "P-256", "x": encoded(x), "y": encoded(y) })
    } else {
        let key = rsa::PublicKey::from_der(der).ok()?;
        let (modulus, exponent) = rsa_numbers(key.as_ref())?;
        json!({ "kty": "RSA", "n": encoded(modulus), "e": encoded(exponent) })
    };
    match jwk {
        Value::Object(jwk) => Some(jwk),
        _ => None,
    }
}

/// Modulus and exponent of an `RSAPublicKey` (RFC 8017 §A.1.1), which the library has checked.
fn rsa_numbers(der: &[u8]) -> Option<(&[u8], &[u8])> {
    let (numbers, _) = element(der, SEQUENCE)?;
    let (modulus, rest) = element(numbers, INTEGER)?;
    let (exponent, _) = element(rest, INTEGER)?;
    // A zero in front keeps a number from looking negative.
    let unsigned = |number: &'_ [u8]| number.iter().take_while(|byte| **byte == 0).count();
    Some((&modulus[unsigned(modulus)..], &exponent[unsigned(exponent)..]))
}

/// The content of a DER element and what follows it (X.690 §8.1.3).
fn element(der: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (&[found, first], rest) = der.split_first_chunk::<2>()?;
    let (length, rest) = if first < 0x80 {
        (usize::from(first), rest)
    } else {
        let (bytes, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
        let length = bytes.iter().try_fold(0_usize, |length, byte| {
            length.checked_mul(256).map(|length| length + usize::from(*byte))
        });
        (length?, rest)
    };
    rest.split_at_checked(length).filter(|_| found == tag)
}

const INTEGER: u8 = 0x02;
const SEQUENCE: u8 = 0x30;

fn unusable(error: &(dyn std::error::Error + 'static)) -> Failure {
    Failure::of(Exit::Usage, error).hint("name a file with one Ed25519, P-256 or RSA key, as PEM or JWK")
}

/// Everything before the key itself: its length and its algorithm are always the same.
const ED25519: &[u8] = b"\x30\x2a\x30\x05\x06\x03\x2b\x65\x70\x03\x21\x00";
const P256: &[u8] =
    b"\x30\x59\x30\x13\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07\x03\x42\x00\x04";

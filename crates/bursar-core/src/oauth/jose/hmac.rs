//! Secrets that sign and verify (RFC 7518 §3.2): for our own sessions only, never for what a client sends.

use std::fmt;
use std::sync::Arc;

use aws_lc_rs::hmac;
use serde::Serialize;

use super::{Algorithm, TokenError};
use crate::oauth::signing::{SigningError, compact};
use crate::secret::Secret;

/// A shared secret of at least 32 bytes for `HS256`.
#[derive(Clone)]
pub struct HmacKey(Arc<hmac::Key>);

impl HmacKey {
    /// Takes the bytes of a text as they are, whatever they would mean as hexadecimal or base64.
    ///
    /// # Errors
    /// There are fewer than 32: RFC 7518 §3.2 wants as many as SHA-256 gives, and shorter ones are guessed off-line.
    pub fn new(secret: &Secret) -> Result<Self, SecretTooShort> {
        if secret.expose().len() < MINIMUM_BYTES {
            return Err(SecretTooShort);
        }
        Ok(Self::of(secret.expose().as_bytes()))
    }

    fn of(bytes: &[u8]) -> Self {
        Self(Arc::new(hmac::Key::new(hmac::HMAC_SHA256, bytes)))
    }

    /// Signs `claims` as a compact JWT whose header says `typ`.
    ///
    /// # Errors
    /// The claims have no JSON form.
    pub fn sign(&self, typ: &str, claims: &(impl Serialize + ?Sized)) -> Result<Secret, SigningError> {
        compact(Algorithm::Hs256, typ, None, claims, |message| Ok(hmac::sign(&self.0, message)))
    }

    pub(super) fn verify(&self, message: &[u8], signature: &[u8]) -> Result<(), TokenError> {
        hmac::verify(&self.0, message, signature).map_err(|_| TokenError::BadSignature)
    }
}

impl fmt::Debug for HmacKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("HmacKey(…)")
    }
}

/// A secret that could be guessed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a secret for HS256 needs at least {MINIMUM_BYTES} bytes")]
pub struct SecretTooShort;

const MINIMUM_BYTES: usize = 32;

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;

    use super::super::CompactToken;
    use super::*;

    #[test]
    fn appendix_a_1_of_rfc_7515_verifies() {
        let bytes = URL_SAFE_NO_PAD
            .decode("AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow")
            .unwrap();
        // The example's key is no text, which ours always are.
        let key = HmacKey::of(&bytes);
        let token = "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFt\
                     cGxlLmNvbS9pc19yb290Ijp0cnVlfQ.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
        let token = CompactToken::parse(token).unwrap();
        assert!(token.header().is_type("JWT"));
        assert_eq!(token.verify_hmac(&key).unwrap().required_text("iss"), Ok("joe"));
        let other = HmacKey::of(&bytes[1..]);
        assert_eq!(token.verify_hmac(&other).unwrap_err(), TokenError::BadSignature);
    }
}

//! Proof Key for Code Exchange (RFC 7636): only who began a login can redeem its code.
//!
//! Only the `S256` method exists here; `plain` protects nothing that TLS does not (RFC 9700 §2.1.1).

use std::fmt;

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::ports::random::{Random, unguessable};
use crate::secret::Secret;

/// The secret half, sent with the code (RFC 7636 §4.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verifier(Secret);

impl Verifier {
    /// A new verifier of 256 random bits, the strength RFC 7636 §7.1 recommends.
    pub fn generate(random: &dyn Random) -> Self {
        Self(unguessable(random))
    }

    /// Reads a stored or received verifier.
    ///
    /// # Errors
    /// The text breaks the form of RFC 7636 §4.1.
    pub fn parse(text: &str) -> Result<Self, VerifierError> {
        let unreserved = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
        if !(43..=128).contains(&text.len()) {
            return Err(VerifierError::Length);
        }
        if !text.bytes().all(unreserved) {
            return Err(VerifierError::Character);
        }
        Ok(Self(Secret::new(text)))
    }

    /// The public half (RFC 7636 §4.2).
    pub fn challenge(&self) -> Challenge {
        Challenge(URL_SAFE_NO_PAD.encode(digest(&SHA256, self.expose().as_bytes())))
    }

    /// The text as a secret, for what looks for it in the words of others.
    pub(in crate::oauth) fn secret(&self) -> &Secret {
        &self.0
    }

    /// The text, for the token request.
    pub fn expose(&self) -> &str {
        self.0.expose()
    }
}

/// The public half, sent with the authorization request (RFC 7636 §4.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Challenge(String);

impl Challenge {
    /// The value of `code_challenge_method` (RFC 7636 §4.3).
    pub const METHOD: &'static str = "S256";

    /// The value of `code_challenge`.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Challenge {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// A text that is not a verifier.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VerifierError {
    /// RFC 7636 §4.1 sets the bounds.
    #[error("a code verifier has 43 to 128 characters")]
    Length,
    /// RFC 7636 §4.1 allows unreserved characters.
    #[error("a code verifier has letters, digits and -._~ only")]
    Character,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn appendix_b_of_rfc_7636_is_reproduced() {
        let verifier = Verifier::parse("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk").unwrap();
        assert_eq!(verifier.challenge().as_str(), "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
    }

    #[test]
    fn generated_verifiers_encode_the_random_bytes_of_appendix_b() {
        let bytes = [
            116, 24, 223, 180, 151, 153, 224, 37, 79, 250, 96, 125, 216, 173, 187, 186, 22, 212, 37, 77, 105,
            214, 191, 240, 91, 88, 5, 88, 83, 132, 141, 121,
        ];
        let verifier = Verifier::generate(&Bytes(bytes));
        assert_eq!(verifier.expose(), "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk");
        assert!(Verifier::parse(verifier.expose()).is_ok());
    }

    #[test]
    fn malformed_verifiers_are_refused() {
        assert_eq!(Verifier::parse(&"a".repeat(42)), Err(VerifierError::Length));
        assert_eq!(Verifier::parse(&"a".repeat(129)), Err(VerifierError::Length));
        assert!(Verifier::parse(&"~".repeat(128)).is_ok());
        assert_eq!(Verifier::parse(&"+".repeat(43)), Err(VerifierError::Character));
        assert_eq!(Verifier::parse(&"é".repeat(30)), Err(VerifierError::Character));
    }

    #[test]
    fn debug_output_hides_the_verifier() {
        let verifier = Verifier::parse(&"s3cret".repeat(8)).unwrap();
        assert!(!format!("{verifier:?}").contains("s3cret"));
    }

    #[derive(Debug)]
    struct Bytes([u8; 32]);

    impl Random for Bytes {
        fn fill(&self, bytes: &mut [u8]) {
            bytes.copy_from_slice(&self.0);
        }
    }
}

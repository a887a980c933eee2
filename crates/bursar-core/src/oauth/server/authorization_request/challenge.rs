//! The public half of a PKCE pair as a client sends it (RFC 7636 §4.3).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::AuthorizationRequestError;
use crate::oauth::form::Parameters;
use crate::oauth::pkce::{Challenge, Verifier};

/// A challenge that some verifier could fit, made with `S256`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReceivedChallenge(String);

impl ReceivedChallenge {
    /// Reads `code_challenge` of a request or of a record.
    pub fn parse(text: &str) -> Option<Self> {
        is_digest(text).then(|| Self(text.to_owned()))
    }

    /// Reads challenge and method of a request.
    pub(super) fn read(parameters: &Parameters) -> Result<Self, AuthorizationRequestError> {
        let challenge =
            parameters.value("code_challenge").ok_or(AuthorizationRequestError::ChallengeMissing)?;
        if parameters.value("code_challenge_method") != Some(Challenge::METHOD) {
            return Err(AuthorizationRequestError::ChallengeMethod);
        }
        Self::parse(challenge).ok_or(AuthorizationRequestError::ChallengeMalformed)
    }

    /// The text, for the record of the code.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether `verifier` is the secret half (RFC 7636 §4.6).
    pub fn fits(&self, verifier: &Verifier) -> bool {
        verifier.challenge().as_str() == self.0
    }
}

/// Whether `text` can be a SHA-256 digest in base64url: exactly 32 bytes, without padding and without loose bits.
fn is_digest(text: &str) -> bool {
    text.len() == 43 && URL_SAFE_NO_PAD.decode(text).is_ok()
}

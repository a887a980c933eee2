//! Randomness as a value, so that tests can seed it.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::secret::Secret;

/// A cryptographically secure source of random bytes.
pub trait Random: Send + Sync + fmt::Debug {
    /// Fills `bytes` entirely.
    fn fill(&self, bytes: &mut [u8]);
}

/// 256 random bits as 43 characters of unpadded base64url: states, verifiers, commit ids.
pub fn unguessable(random: &dyn Random) -> Secret {
    let mut bytes = zeroize::Zeroizing::new([0_u8; 32]);
    random.fill(&mut *bytes);
    Secret::new(URL_SAFE_NO_PAD.encode(*bytes))
}

//! What the browser says of a ceremony (Web Authentication §5.8.1): its kind, its challenge, and where it was.

use serde_json::Value;

use super::{Expected, PasskeyError};
use crate::oauth::jose::read_object;

/// Compares what the browser says with what was asked for; `ceremony` is `webauthn.create` or `webauthn.get`.
pub(super) fn check(bytes: &[u8], ceremony: &str, expected: &Expected<'_>) -> Result<(), PasskeyError> {
    if bytes.len() > LONGEST {
        return Err(PasskeyError::ClientData);
    }
    let told = read_object(bytes).map_err(|_| PasskeyError::ClientData)?;
    let text = |name: &str| told.get(name).and_then(Value::as_str).ok_or(PasskeyError::ClientData);
    if text("type")? != ceremony {
        return Err(PasskeyError::Ceremony);
    }
    if text("challenge")? != expected.challenge {
        return Err(PasskeyError::Challenge);
    }
    let origin = text("origin")?;
    // No page of ours stands in a frame of somebody else's.
    let is_framed = told.get("crossOrigin").is_some_and(|framed| *framed != Value::Bool(false));
    if origin != expected.origin || is_framed {
        return Err(PasskeyError::Origin { told: origin.chars().take(LONGEST_ORIGIN).collect() });
    }
    Ok(())
}

/// Browsers write some 200 bytes, and may add members.
const LONGEST: usize = 4096;
/// Enough of it for a log.
const LONGEST_ORIGIN: usize = 200;

//! Names of keys that everybody computes alike (RFC 7638).

use std::fmt;

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

/// SHA-256 over the required members of a key, as base64url: the value of `jkt` (RFC 9449 §6) and of our `kid`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct Thumbprint(String);

impl Thumbprint {
    /// Reads one that somebody sent, such as `dpop_jkt` (RFC 9449 §10).
    ///
    /// # Errors
    /// It is not the base64url of 32 bytes.
    pub fn parse(text: &str) -> Result<Self, NotAThumbprint> {
        match URL_SAFE_NO_PAD.decode(text) {
            Ok(bytes) if bytes.len() == 32 => Ok(Self(text.to_owned())),
            _ => Err(NotAThumbprint),
        }
    }

    /// The 43 characters.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// `canonical` is the JSON of RFC 7638 §3: required members only, in the order of their names, without spaces.
    pub(super) fn of(canonical: &str) -> Self {
        Self(URL_SAFE_NO_PAD.encode(digest(&SHA256, canonical.as_bytes())))
    }
}

impl fmt::Display for Thumbprint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl TryFrom<String> for Thumbprint {
    type Error = NotAThumbprint;

    fn try_from(text: String) -> Result<Self, NotAThumbprint> {
        Self::parse(&text)
    }
}

/// A text of another length or other characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a SHA-256 thumbprint in base64url")]
pub struct NotAThumbprint;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_thirty_two_bytes_of_base64url_are_one() {
        let example = "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs";
        assert_eq!(Thumbprint::parse(example).unwrap().as_str(), example);
        let last = format!("{}t", &example[..42]);
        for other in ["", "a", &example[1..], &format!("{example}="), &format!("{example}A"), &last] {
            assert_eq!(Thumbprint::parse(other), Err(NotAThumbprint), "{other}");
        }
    }
}

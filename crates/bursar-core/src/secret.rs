//! The one type for everything that must never be seen: tokens, codes, client secrets, keys.
//!
//! It is redacted when printed, wiped when dropped, compared in constant time and never `Serialize`: the only way
//! out is [`Secret::expose`], so that every place that looks at a secret can be found by name.

use std::fmt;

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Deserializer};
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

/// A secret text.
#[derive(Clone)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Takes ownership of `text`; the caller keeps no copy.
    pub fn new(text: impl Into<String>) -> Self {
        Self(Zeroizing::new(text.into()))
    }

    /// The text itself, for the one moment it is needed.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// What may be stored and logged in place of the secret.
    pub fn fingerprint(&self) -> Fingerprint {
        Fingerprint::of(self.expose())
    }

    /// `text` with `…` in every place of the secret, for the words of strangers who repeat what they were sent.
    ///
    /// A beginning of the secret at the end of `text` goes too: long words are cut before they come here.
    pub fn masked_in(&self, text: &str) -> String {
        if self.0.len() < SHORTEST_MASKED {
            return text.to_owned();
        }
        let mut masked = text.replace(self.expose(), "…");
        let beginnings = (SHORTEST_MASKED..self.0.len()).rev().filter_map(|length| self.0.get(..length));
        if let Some(cut) = beginnings.into_iter().find(|beginning| masked.ends_with(beginning)) {
            masked.truncate(masked.len() - cut.len());
            masked.push('…');
        }
        masked
    }

    /// Whether there is no text at all.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Less is no secret, and would be found in ordinary words.
const SHORTEST_MASKED: usize = 8;

impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        self.expose().as_bytes().ct_eq(other.expose().as_bytes()).into()
    }
}

impl Eq for Secret {}

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Secret(…)")
    }
}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self::new)
    }
}

/// The first 128 bits of SHA-256 of a secret, as base64url: tells two tokens apart, gives neither away.
///
/// Tokens are long random strings, so a fingerprint cannot be reversed by guessing.
#[derive(Clone, Debug, PartialEq, Eq, Hash, serde::Serialize, Deserialize)]
pub struct Fingerprint(String);

impl Fingerprint {
    fn of(text: &str) -> Self {
        Self(URL_SAFE_NO_PAD.encode(&digest(&SHA256, text.as_bytes()).as_ref()[..16]))
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// Ciphertext as it is stored: base64url of header, nonce and sealed bytes. Made and opened by `engine::vault` alone.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, Deserialize)]
pub struct Sealed(pub(crate) String);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_output_never_shows_the_text() {
        assert_eq!(format!("{:?}", Secret::new("hunter2")), "Secret(…)");
    }

    #[test]
    fn a_secret_is_masked_in_the_words_of_others_whole_or_cut_at_their_end() {
        let secret = Secret::new("refresh-token-1");
        for (text, masked) in [
            ("no refresh-token-1, sorry; refresh-token-1 is gone", "no …, sorry; … is gone"),
            ("I do not know refresh-tok", "I do not know …"),
            ("I do not know your refresh", "I do not know your refresh"),
            ("refresh-token-2", "refresh-token-2"),
            ("", ""),
        ] {
            assert_eq!(secret.masked_in(text), masked);
        }
        assert_eq!(Secret::new("").masked_in("words"), "words");
        assert_eq!(Secret::new("or").masked_in("words"), "words");
    }

    #[test]
    fn fingerprints_tell_secrets_apart_without_showing_them() {
        let one = Secret::new("token-one");
        assert_eq!(one.fingerprint(), Secret::new("token-one").fingerprint());
        assert_ne!(one.fingerprint(), Secret::new("token-two").fingerprint());
        assert!(!one.fingerprint().to_string().contains("token"));
    }
}

//! The name of a pushed request (RFC 9126 §2.2).

use std::fmt;

/// `urn:ietf:params:oauth:request_uri:` with a reference that this server made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PushedRequestUri(String);

impl PushedRequestUri {
    /// The name for `reference`, which has letters, digits, `-` and `_` only.
    pub fn new(reference: &str) -> Self {
        debug_assert!(is_reference(reference), "a reference is made by this server");
        Self(reference.to_owned())
    }

    /// Reads such a name; anything else is no name of ours.
    pub fn parse(text: &str) -> Option<Self> {
        let reference = text.strip_prefix(PREFIX).filter(|reference| is_reference(reference))?;
        Some(Self(reference.to_owned()))
    }

    /// What this server made, without the prefix.
    pub fn reference(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for PushedRequestUri {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{PREFIX}{}", self.0)
    }
}

const PREFIX: &str = "urn:ietf:params:oauth:request_uri:";

/// Three times what 256 random bits need.
const MAXIMUM_REFERENCE_BYTES: usize = 128;

fn is_reference(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
    (1..=MAXIMUM_REFERENCE_BYTES).contains(&text.len()) && text.bytes().all(allowed)
}

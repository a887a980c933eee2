//! Addresses for people to read (RFC 7591 §2 `client_uri`, `logo_uri`, `tos_uri`, `policy_uri`).

use ::url::Url;

use super::fault::MemberFault;

/// The `http` or `https` address of a page or picture, kept as it was written. A script or a file is never one.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct PageUrl(String);

impl PageUrl {
    /// Reads an address.
    pub(super) fn parse(text: &str) -> Result<Self, MemberFault> {
        // What the reader would repair (spaces, tabs, backslashes) is not what was reviewed.
        let plain = text.len() <= MAXIMUM_BYTES
            && (text.starts_with("https://") || text.starts_with("http://"))
            && !text.contains(|character: char| {
                character.is_whitespace() || character.is_control() || "\\\"'<>`".contains(character)
            });
        let named = |url: &Url| url.host().is_some() && url.username().is_empty() && url.password().is_none();
        match Url::parse(text) {
            Ok(url) if plain && named(&url) => Ok(Self(text.to_owned())),
            _ => Err(MemberFault::Page),
        }
    }

    /// The text as it was written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// As much as browsers of every kind take.
const MAXIMUM_BYTES: usize = 2000;

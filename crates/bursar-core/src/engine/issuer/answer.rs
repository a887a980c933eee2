//! What the token endpoint answers (RFC 6749 §5.1), and how the answer of a rotation waits for a second asking.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::oauth::jose::Thumbprint;
use crate::oauth::scope::Scope;
use crate::oauth::server::resource::ResourceSet;
use crate::secret::Secret;

/// Tokens on their way to a client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenAnswer {
    /// The access token.
    pub access_token: Secret,
    /// How it is presented.
    pub token_type: TokenType,
    /// When it ends.
    pub expires_at: Timestamp,
    /// The refresh token, if there is one.
    pub refresh_token: Option<Secret>,
    /// What the access token is good for.
    pub scope: Scope,
    /// Who signed in, if that was asked for (OIDC Core §3.1.3.3).
    pub id_token: Option<Secret>,
}

/// How an access token is presented.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenType {
    /// By whoever has it (RFC 6750).
    Bearer,
    /// With proof of a key (RFC 9449).
    Dpop,
}

impl TokenType {
    /// The value of `token_type`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Bearer => "Bearer",
            Self::Dpop => "DPoP",
        }
    }
}

/// What tells one access token from all others.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Stamp {
    /// Its name (`jti`).
    pub(super) id: String,
    /// When it was issued.
    pub(super) issued_at: Timestamp,
    /// When it ends.
    pub(super) expires_at: Timestamp,
}

/// What replaced a refresh token, kept sealed until nobody may ask for it any more. The tokens that come with it are made
/// again from this: what tells them from all others is here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Successor {
    pub(super) refresh_token: Secret,
    pub(super) stamp: Stamp,
    pub(super) scope: Scope,
    pub(super) resources: ResourceSet,
    /// The key the access token is bound to.
    pub(super) sender_key: Option<Thumbprint>,
}

impl Successor {
    /// As it is sealed.
    pub(super) fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        let written = Written {
            refresh_token: self.refresh_token.expose(),
            stamp: &self.stamp,
            scope: &self.scope,
            resources: &self.resources,
            sender_key: self.sender_key.as_ref(),
        };
        // Room for all of it: a buffer that grows leaves what it held behind.
        let mut bytes = Zeroizing::new(Vec::with_capacity(LONGEST_USUAL));
        // A buffer takes everything, and nothing here has keys that JSON cannot have.
        let _always = serde_json::to_writer(&mut *bytes, &written);
        bytes
    }

    /// Reads what was sealed; `None`: it is something else.
    pub(super) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let read: Read = serde_json::from_slice(bytes).ok()?;
        let Read { refresh_token, stamp, scope, resources, sender_key } = read;
        Some(Self { refresh_token, stamp, scope, resources, sender_key })
    }
}

#[derive(Serialize)]
struct Written<'a> {
    refresh_token: &'a str,
    stamp: &'a Stamp,
    scope: &'a Scope,
    resources: &'a ResourceSet,
    sender_key: Option<&'a Thumbprint>,
}

#[derive(Deserialize)]
struct Read {
    refresh_token: Secret,
    stamp: Stamp,
    scope: Scope,
    resources: ResourceSet,
    sender_key: Option<Thumbprint>,
}

/// A refresh token, two resources and a scope of some ten words.
const LONGEST_USUAL: usize = 512;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_successor_is_read_as_it_was_written() {
        let successor = Successor {
            refresh_token: Secret::new("r"),
            stamp: Stamp {
                id: "j".to_owned(),
                issued_at: Timestamp::UNIX_EPOCH,
                expires_at: Timestamp::from_second(900).unwrap(),
            },
            scope: Scope::parse("read write").unwrap(),
            resources: ResourceSet::parse(["https://a.test/mcp"]).unwrap(),
            sender_key: None,
        };
        assert_eq!(Successor::from_bytes(&successor.to_bytes()), Some(successor));
        assert_eq!(Successor::from_bytes(b"{}"), None);
    }
}

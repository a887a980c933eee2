//! What sandboxes are called: a name for people and paths, and perhaps a host name of their own.

use std::fmt;

use serde::{Deserialize, Serialize};
use url::Host;

use crate::ports::store::{InvalidSandboxId, SandboxId};

/// A sandbox's name: 1 to 63 of `a-z`, `0-9` and `-`, and not `default`, which is the server itself.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct SandboxName(String);

impl SandboxName {
    /// Checks a name.
    ///
    /// # Errors
    /// It has other characters, is too long, or is the server's own.
    pub fn parse(text: &str) -> Result<Self, SandboxNameError> {
        let id = SandboxId::parse(text)?;
        if id == SandboxId::personal() {
            return Err(SandboxNameError::IsTheServer);
        }
        Ok(Self(id.into()))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for SandboxName {
    type Error = SandboxNameError;

    fn try_from(text: String) -> Result<Self, SandboxNameError> {
        Self::parse(&text)
    }
}

impl From<SandboxName> for String {
    fn from(name: SandboxName) -> Self {
        name.0
    }
}

impl fmt::Display for SandboxName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// Why a text is no sandbox's name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SandboxNameError {
    /// It cannot be any sandbox's.
    #[error(transparent)]
    Invalid(#[from] InvalidSandboxId),
    /// It is what the server itself goes by.
    #[error("`default` is the server itself")]
    IsTheServer,
}

/// A host by which a sandbox is reached, in small letters and without a port.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct HostName(String);

impl HostName {
    /// Checks a host name or address; an address of IPv6 stands in brackets.
    ///
    /// # Errors
    /// It is none.
    pub fn parse(text: &str) -> Result<Self, HostNameError> {
        match Host::parse(text) {
            Ok(host) if text.len() <= LONGEST_HOST => Ok(Self(host.to_string())),
            _ => Err(HostNameError),
        }
    }

    /// The host.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for HostName {
    type Error = HostNameError;

    fn try_from(text: String) -> Result<Self, HostNameError> {
        Self::parse(&text)
    }
}

impl From<HostName> for String {
    fn from(host: HostName) -> Self {
        host.0
    }
}

/// A text that is no host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this is no host name: write it without scheme, port and path, such as `ci.example.com`")]
pub struct HostNameError;

/// RFC 1035 §2.3.4.
const LONGEST_HOST: usize = 253;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_fit_into_paths_and_hosts_are_written_one_way() {
        assert!(SandboxName::parse("ci-7").is_ok());
        for text in ["", "-a", "A", "a/b", "a.b", "a_b", "default", &"a".repeat(64)] {
            assert!(SandboxName::parse(text).is_err(), "{text}");
        }
        for (text, host) in
            [("CI.Example.com", "ci.example.com"), ("127.0.0.1", "127.0.0.1"), ("[::1]", "[::1]")]
        {
            assert_eq!(HostName::parse(text).unwrap().as_str(), host);
        }
        for text in ["", "a:1", "a/b", "https://a", "a b", "::1", &"a.".repeat(200)] {
            assert_eq!(HostName::parse(text), Err(HostNameError), "{text}");
        }
    }
}

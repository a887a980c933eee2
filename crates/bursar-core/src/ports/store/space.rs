//! Who records belong to.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// Who the records belong to. A batch names one space, so nothing can cross.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Space {
    /// What belongs to the installation itself: keys, the list of sandboxes.
    System,
    /// One tenant.
    Sandbox(SandboxId),
}

impl Space {
    /// How the space is written in tables and associated data: empty for the system, else the sandbox's name.
    pub fn as_str(&self) -> &str {
        match self {
            Self::System => "",
            Self::Sandbox(id) => id.as_str(),
        }
    }
}

/// A tenant's name: 1 to 63 of `a-z`, `0-9` and `-`, starting with a letter or digit.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct SandboxId(
    /// Shared, because every batch and every read names it.
    Arc<str>,
);

impl SandboxId {
    /// The sandbox of an installation with only one.
    pub fn personal() -> Self {
        Self("default".into())
    }

    /// Checks a name.
    pub fn parse(text: &str) -> Result<Self, InvalidSandboxId> {
        let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        let fits =
            !text.is_empty() && text.len() <= 63 && !text.starts_with('-') && text.bytes().all(allowed);
        if fits { Ok(Self(text.into())) } else { Err(InvalidSandboxId(text.to_owned())) }
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for SandboxId {
    type Error = InvalidSandboxId;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text)
    }
}

impl From<SandboxId> for String {
    fn from(id: SandboxId) -> Self {
        id.0.as_ref().to_owned()
    }
}

/// A text that cannot name a sandbox.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` cannot name a sandbox: use 1 to 63 of a-z, 0-9 and `-`")]
pub struct InvalidSandboxId(String);

//! How an application calls the claims of its sessions.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Our names and those of the application; a name that is not mapped is as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "BTreeMap<String, String>", into = "BTreeMap<String, String>")]
pub struct ClaimNames(BTreeMap<String, String>);

impl ClaimNames {
    /// Takes a map from our names to theirs.
    ///
    /// # Errors
    /// A name is not one of ours, a new name has a meaning of its own, or two claims would have one name.
    pub fn new(names: BTreeMap<String, String>) -> Result<Self, ClaimNamesError> {
        for (ours, theirs) in &names {
            if !NAMES.contains(&ours.as_str()) {
                return Err(ClaimNamesError::Unknown { name: ours.clone() });
            }
            // The user's identifier is in `sub` anyway.
            let is_subject = ours == "userId" && theirs == "sub";
            let is_printable = theirs.chars().all(|character| character.is_ascii_graphic());
            if (RESERVED.contains(&theirs.as_str()) && !is_subject) || theirs.is_empty() || !is_printable {
                return Err(ClaimNamesError::Reserved { name: theirs.clone() });
            }
        }
        let names = Self(names);
        let mut used: Vec<&str> = NAMES.iter().map(|name| names.of(name)).collect();
        used.sort_unstable();
        match used.windows(2).find(|pair| pair[0] == pair[1]) {
            Some(pair) => Err(ClaimNamesError::Twice { name: pair[0].to_owned() }),
            None => Ok(names),
        }
    }

    /// What the application calls a claim.
    pub fn of<'a>(&'a self, ours: &'a str) -> &'a str {
        self.0.get(ours).map_or(ours, String::as_str)
    }

    /// Whether a claim of this name means something already, whatever else is to be said.
    pub(super) fn has(&self, theirs: &str) -> bool {
        RESERVED.contains(&theirs) || NAMES.iter().any(|ours| self.of(ours) == theirs)
    }
}

impl TryFrom<BTreeMap<String, String>> for ClaimNames {
    type Error = ClaimNamesError;

    fn try_from(names: BTreeMap<String, String>) -> Result<Self, ClaimNamesError> {
        Self::new(names)
    }
}

impl From<ClaimNames> for BTreeMap<String, String> {
    fn from(names: ClaimNames) -> Self {
        names.0
    }
}

/// Names that cannot be used together.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ClaimNamesError {
    /// There is no such claim.
    #[error("`{}` is no claim of a session; there are {}", name.escape_debug(), NAMES.join(", "))]
    Unknown {
        /// What was written.
        name: String,
    },
    /// The name means something else in tokens, or is none.
    #[error("a claim cannot be called `{}`", name.escape_debug())]
    Reserved {
        /// What was written.
        name: String,
    },
    /// Two claims would have one name.
    #[error("two claims would be called `{}`", name.escape_debug())]
    Twice {
        /// The name.
        name: String,
    },
}

const NAMES: [&str; 7] = ["userId", "username", "email", "avatarUrl", "role", "permissions", "sessionId"];

/// What says something in tokens of other kinds: a session that had them could pass for one, or an ID token for a session.
const RESERVED: [&str; 18] = [
    "iss",
    "sub",
    "aud",
    "exp",
    "nbf",
    "iat",
    "jti",
    "sid",
    "nonce",
    "at_hash",
    "c_hash",
    "azp",
    "auth_time",
    "acr",
    "amr",
    "cnf",
    "client_id",
    "scope",
];

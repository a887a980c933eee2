//! Which environment variables a provider's tools read, and what `exec` puts into them.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Environment variable names and what each is set to.
pub type Environment = BTreeMap<String, EnvironmentValue>;

/// What every tool that knows no provider of its own can read.
pub(super) fn generic() -> Environment {
    ["ACCESS_TOKEN", "BURSAR_TOKEN"].map(|name| (name.to_owned(), EnvironmentValue::AccessToken)).into()
}

/// What an environment variable is set to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EnvironmentValue {
    /// `access_token`.
    AccessToken,
    /// `id_token`.
    IdToken,
    /// `identity`: the account's identity, as shown in lists.
    Identity,
    /// `kept:PATH`: a field that `token_response.keep` names.
    Kept(String),
}

impl fmt::Display for EnvironmentValue {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AccessToken => formatter.write_str("access_token"),
            Self::IdToken => formatter.write_str("id_token"),
            Self::Identity => formatter.write_str("identity"),
            Self::Kept(path) => write!(formatter, "kept:{path}"),
        }
    }
}

impl Serialize for EnvironmentValue {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for EnvironmentValue {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        match (text.as_str(), text.strip_prefix("kept:")) {
            ("access_token", _) => Ok(Self::AccessToken),
            ("id_token", _) => Ok(Self::IdToken),
            ("identity", _) => Ok(Self::Identity),
            (_, Some(path)) if !path.is_empty() => Ok(Self::Kept(path.to_owned())),
            _ => Err(serde::de::Error::custom(format!(
                "unknown variant `{text}`, expected one of `access_token`, `id_token`, `identity`, `kept:PATH`"
            ))),
        }
    }
}

//! How people name an account: `PROVIDER[:NICKNAME]`.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::provider::ProviderId;

/// Names one account.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct AccountReference {
    /// Who issued its tokens.
    pub provider: ProviderId,
    /// Which of the accounts there.
    pub nickname: Nickname,
}

impl AccountReference {
    /// Reads `PROVIDER:NICKNAME`; `None` if it is something else.
    pub fn parse(text: &str) -> Option<Self> {
        let (provider, nickname) = text.split_once(':')?;
        Some(Self { provider: ProviderId::parse(provider).ok()?, nickname: Nickname::parse(nickname).ok()? })
    }

    /// The key of its record: nicknames are unique whatever their case.
    pub fn key(&self) -> String {
        format!("{}:{}", self.provider, self.nickname.as_str().to_lowercase())
    }
}

impl fmt::Display for AccountReference {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:{}", self.provider, self.nickname)
    }
}

/// A name a person gives to an account: 1 to 50 characters, no whitespace, no control characters, no `:` and no `/`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Nickname(String);

impl Nickname {
    /// The nickname of an account nobody named.
    pub fn unnamed() -> Self {
        Self("default".to_owned())
    }

    /// Checks a name.
    pub fn parse(text: &str) -> Result<Self, InvalidNickname> {
        let forbidden = |character: char| {
            character.is_whitespace() || character.is_control() || character == ':' || character == '/'
        };
        if (1..=LONGEST).contains(&text.chars().count()) && !text.contains(forbidden) {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidNickname(text.chars().take(LONGEST + 1).collect()))
        }
    }

    /// The name as it was given.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Nickname {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl TryFrom<String> for Nickname {
    type Error = InvalidNickname;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text)
    }
}

impl From<Nickname> for String {
    fn from(nickname: Nickname) -> Self {
        nickname.0
    }
}

/// A text that cannot be a nickname.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` cannot be a nickname: use 1 to 50 characters without whitespace, `:` or `/`")]
pub struct InvalidNickname(String);

const LONGEST: usize = 50;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nicknames_are_short_and_free_of_separators() {
        for good in ["work", "1", "Ada_L.", "é", &"x".repeat(50)] {
            assert!(Nickname::parse(good).is_ok(), "{good}");
        }
        for bad in ["", "two words", "a:b", "a/b", "tab\t", &"x".repeat(51)] {
            assert!(Nickname::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn keys_ignore_the_case_of_nicknames() {
        let reference = |nickname| AccountReference {
            provider: ProviderId::parse("google").unwrap(),
            nickname: Nickname::parse(nickname).unwrap(),
        };
        assert_eq!(reference("Work").key(), reference("wORK").key());
        assert_eq!(reference("Work").to_string(), "google:Work");
    }
}

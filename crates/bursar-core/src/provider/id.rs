//! The short name of a provider, as it appears in account references, file names and lock keys.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use url::Url;

use crate::oauth::url::{EndpointUrl, Issuer};

/// 1 to 50 characters of `a-z`, `0-9`, `-`, `_` and `.`.
///
/// No `:` and no `/`, because both separate the parts of an account reference.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProviderId(String);

impl ProviderId {
    /// Checks `text`; nothing is changed, so capitals are refused rather than folded.
    pub fn parse(text: &str) -> Result<Self, ProviderIdError> {
        if text.is_empty() || text.len() > LONGEST {
            return Err(ProviderIdError::Length(text.len()));
        }
        match text.chars().find(|letter| !is_allowed(*letter)) {
            Some(letter) => Err(ProviderIdError::Letter(letter)),
            None => Ok(Self(text.to_owned())),
        }
    }

    /// The id for a login by issuer URL: the host, with `:port` written as `-port`.
    ///
    /// One host may serve several issuers, whose accounts must never be mixed, so a path is appended together with a
    /// hash of the issuer: `login.example.com-one-5d41402a`. So is a host that does not fit into 50 characters.
    pub fn of_issuer(issuer: &Issuer) -> Self {
        Self::of_address(issuer.as_url(), issuer.as_str())
    }

    /// The id for a login by the URL of a protected resource, by the same rules; a query makes another resource.
    pub fn of_resource(url: &EndpointUrl) -> Self {
        Self::of_address(url.as_url(), url.as_str())
    }

    fn of_address(url: &Url, text: &str) -> Self {
        let mut name = url.host_str().unwrap_or_default().to_owned();
        if let Some(port) = url.port() {
            name.push('-');
            name.push_str(&port.to_string());
        }
        let path = url.path().trim_matches('/');
        if !path.is_empty() {
            name.push('-');
            name.push_str(path);
        }
        let plain: String = name
            .trim_matches(['[', ']'])
            .chars()
            .map(|letter| letter.to_ascii_lowercase())
            .map(|letter| if is_allowed(letter) { letter } else { '-' })
            .collect();
        if path.is_empty() && url.query().is_none() && plain.len() <= LONGEST {
            return Self(plain);
        }
        // Without the hash, `/` and `-` in paths, ports and cut ends could make two issuers equal.
        let hash = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, text.as_bytes());
        let [a, b, c, d, ..] = hash.as_ref() else { unreachable!("SHA-256 has 32 bytes") };
        let suffix = u32::from_be_bytes([*a, *b, *c, *d]);
        Self(format!("{}-{suffix:08x}", &plain[..plain.len().min(LONGEST - 9)]))
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ProviderId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl std::str::FromStr for ProviderId {
    type Err = ProviderIdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

impl Serialize for ProviderId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for ProviderId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

/// Why a text is not a provider id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProviderIdError {
    /// Empty, or longer than 50 characters.
    #[error("a provider name has 1 to 50 characters, not {0}")]
    Length(usize),
    /// A character outside the allowed set.
    #[error("a provider name is made of a-z, 0-9, `-`, `_` and `.`; {0:?} is not allowed")]
    Letter(char),
}

fn is_allowed(letter: char) -> bool {
    matches!(letter, 'a'..='z' | '0'..='9' | '-' | '_' | '.')
}

/// Fits a table column and, with a nickname of the same length, a file name.
const LONGEST: usize = 50;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_short_names_are_ids() {
        for good in ["google", "github-app", "auth.example.com-8443", "a_1", &"a".repeat(50)] {
            assert_eq!(ProviderId::parse(good).unwrap().as_str(), good);
        }
        for bad in ["", "Google", "a:b", "a/b", "a b", "é", &"a".repeat(51)] {
            assert!(ProviderId::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn an_issuer_is_named_by_its_host() {
        for (issuer, id) in [
            ("https://auth.example.com", "auth.example.com"),
            ("https://auth.example.com/", "auth.example.com"),
            ("https://auth.example.com:8443", "auth.example.com-8443"),
            ("http://127.0.0.1:9000", "127.0.0.1-9000"),
        ] {
            assert_eq!(ProviderId::of_issuer(&Issuer::parse(issuer).unwrap()).as_str(), id);
        }
    }

    #[test]
    fn issuers_of_one_host_stay_apart() {
        let long = "a".repeat(80);
        let issuers = [
            format!("https://sso.example.com/{long}"),
            format!("https://sso.example.com/{long}b"),
            "https://sso.example.com/One".to_owned(),
            "https://sso.example.com/one".to_owned(),
            "https://sso.example.com/one/two".to_owned(),
            "https://sso.example.com/one-two".to_owned(),
            "https://sso.example.com/8443".to_owned(),
            "https://sso.example.com:8443".to_owned(),
            "https://sso.example.com".to_owned(),
        ];
        let ids: std::collections::BTreeSet<_> =
            issuers.iter().map(|issuer| ProviderId::of_issuer(&Issuer::parse(issuer).unwrap())).collect();
        assert_eq!(ids.len(), issuers.len());
        assert!(ids.iter().all(|id| ProviderId::parse(id.as_str()).is_ok()));
        let named = ProviderId::of_issuer(&Issuer::parse("https://sso.example.com/realms/one").unwrap());
        assert!(named.as_str().starts_with("sso.example.com-realms-one-"), "{named}");
    }
}

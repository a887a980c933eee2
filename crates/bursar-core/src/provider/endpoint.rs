//! Where a provider listens: endpoints as templates such as `https://{host}/oauth/token`, and their filling in.
//!
//! A value that fills a template can never reach another host or another path than the one the template shows.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::variable::Variable;
use crate::oauth::url::{EndpointUrl, UrlError};

/// The URLs of one provider; whatever it does not offer is left out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Endpoints {
    /// The issuer, as it names itself in metadata (RFC 8414), identity tokens (OIDC Core) and redirects (RFC 9207).
    pub issuer: Option<Endpoint>,
    /// RFC 6749 §3.1.
    pub authorize: Option<Endpoint>,
    /// RFC 6749 §3.2.
    pub token: Option<Endpoint>,
    /// Where refresh tokens are spent, if not at `token`.
    pub refresh: Option<Endpoint>,
    /// RFC 8628 §3.1.
    pub device: Option<Endpoint>,
    /// RFC 7009 §2, or what `[revoke]` says; may contain `{client_id}`.
    pub revoke: Option<Endpoint>,
    /// RFC 7662 §2.
    pub introspect: Option<Endpoint>,
    /// OIDC Core §5.3, or the call that tells whose token it is.
    pub userinfo: Option<Endpoint>,
    /// A provider's own check of an access token.
    pub validate: Option<Endpoint>,
    /// RFC 9126 §2.
    pub pushed_authorization: Option<Endpoint>,
    /// RFC 7591 §3.
    pub registration: Option<Endpoint>,
    /// RFC 7517 §5.
    pub keys: Option<Endpoint>,
}

impl Endpoints {
    /// Every endpoint that is declared, with its name in the catalogue.
    pub fn declared(&self) -> impl Iterator<Item = (&'static str, &Endpoint)> {
        let Self {
            issuer,
            authorize,
            token,
            refresh,
            device,
            revoke,
            introspect,
            userinfo,
            validate,
            pushed_authorization,
            registration,
            keys,
        } = self;
        [
            ("issuer", issuer),
            ("authorize", authorize),
            ("token", token),
            ("refresh", refresh),
            ("device", device),
            ("revoke", revoke),
            ("introspect", introspect),
            ("userinfo", userinfo),
            ("validate", validate),
            ("pushed_authorization", pushed_authorization),
            ("registration", registration),
            ("keys", keys),
        ]
        .into_iter()
        .filter_map(|(name, endpoint)| endpoint.as_ref().map(|endpoint| (name, endpoint)))
    }

    pub(super) fn declared_mut(&mut self) -> impl Iterator<Item = &mut Endpoint> {
        [
            &mut self.issuer,
            &mut self.authorize,
            &mut self.token,
            &mut self.refresh,
            &mut self.device,
            &mut self.revoke,
            &mut self.introspect,
            &mut self.userinfo,
            &mut self.validate,
            &mut self.pushed_authorization,
            &mut self.registration,
            &mut self.keys,
        ]
        .into_iter()
        .flatten()
    }
}

/// One URL, in which `{name}` stands for a variable.
#[derive(Clone, PartialEq, Eq)]
pub struct Endpoint(String);

impl Endpoint {
    /// Checks that `text` is an acceptable endpoint once its variables are filled in.
    pub fn parse(text: &str) -> Result<Self, EndpointError> {
        let endpoint = Self(text.to_owned());
        let sample = endpoint.replace(|_| Ok("1.example".to_owned()))?;
        EndpointUrl::parse(&sample)?;
        Ok(endpoint)
    }

    /// The template as written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The URL, if no variable is left.
    pub fn url(&self) -> Result<EndpointUrl, EndpointError> {
        self.url_with(|_| None)
    }

    /// The URL, with `value` filling the variables that are left: percent-encoded, so that it stays one path segment.
    pub fn url_with(&self, value: impl Fn(&str) -> Option<String>) -> Result<EndpointUrl, EndpointError> {
        let text = self.replace(|name| match value(name) {
            Some(value) => Ok(segment(&value)),
            None => Err(EndpointError::Unresolved(name.to_owned())),
        })?;
        Ok(EndpointUrl::parse(&text)?)
    }

    /// The names between braces, in order.
    pub fn variables(&self) -> Vec<String> {
        let mut names = Vec::new();
        // A stored template is well formed, so there is no error to lose.
        let _ = self.replace(|name| {
            names.push(name.to_owned());
            Ok(String::new())
        });
        names
    }

    /// The template with every variable of `values` written in; others stay.
    pub(super) fn fill(
        &self,
        declared: &BTreeMap<String, Variable>,
        values: &BTreeMap<String, String>,
    ) -> Result<Self, EndpointError> {
        let filled = self.replace(|name| {
            Ok(match values.get(name) {
                Some(value) if declared.contains_key(name) => value.clone(),
                _ => format!("{{{name}}}"),
            })
        })?;
        Self::parse(&filled)
    }

    /// Whether the variable stands in the host (or port) of the URL.
    pub(super) fn has_in_host(&self, name: &str) -> bool {
        let authority = self.0.split_once("://").map_or("", |(_, rest)| rest);
        let end = authority.find(['/', '?', '#']).unwrap_or(authority.len());
        authority[..end].contains(&format!("{{{name}}}"))
    }

    fn replace(
        &self,
        mut value: impl FnMut(&str) -> Result<String, EndpointError>,
    ) -> Result<String, EndpointError> {
        let mut text = String::with_capacity(self.0.len());
        let mut rest = self.0.as_str();
        while let Some((before, after)) = rest.split_once('{') {
            let (name, after) = after.split_once('}').ok_or(EndpointError::Brace)?;
            if name.is_empty() || !name.chars().all(|letter| matches!(letter, 'a'..='z' | '0'..='9' | '_')) {
                return Err(EndpointError::Name(name.to_owned()));
            }
            text.push_str(before);
            text.push_str(&value(name)?);
            rest = after;
        }
        if rest.contains('}') {
            return Err(EndpointError::Brace);
        }
        text.push_str(rest);
        Ok(text)
    }
}

impl From<&EndpointUrl> for Endpoint {
    fn from(url: &EndpointUrl) -> Self {
        // Braces are not URL characters; a parsed URL carries them percent-encoded in the path, but a query may keep
        // them as they are.
        Self(url.to_string().replace('{', "%7B").replace('}', "%7D"))
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, formatter)
    }
}

impl Serialize for Endpoint {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Endpoint {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).map_err(|error| match error {
            EndpointError::Url(ref cause) => serde::de::Error::custom(format!("{error}: {cause}")),
            _ => serde::de::Error::custom(error),
        })
    }
}

/// Why a text is not an endpoint.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EndpointError {
    /// A brace without its partner.
    #[error("the endpoint has a brace without its partner")]
    Brace,
    /// A variable name outside `a-z`, `0-9` and `_`.
    #[error("`{0}` is not a variable name; it is made of a-z, 0-9 and `_`")]
    Name(String),
    /// A variable nobody gave a value.
    #[error("the variable `{0}` of the endpoint has no value")]
    Unresolved(String),
    /// The URL itself.
    #[error("the endpoint is not an acceptable URL")]
    Url(#[from] UrlError),
}

/// `text` with everything but unreserved characters (RFC 3986 §2.3) percent-encoded.
fn segment(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            encoded.push(char::from(byte));
        } else {
            encoded.push('%');
            for digit in [byte >> 4, byte & 15] {
                encoded.push(char::from(b"0123456789ABCDEF"[usize::from(digit)]));
            }
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn templates_become_urls_only_when_filled() {
        let endpoint = Endpoint::parse("https://{host}/api/{client_id}/token").unwrap();
        assert_eq!(endpoint.variables(), ["host", "client_id"]);
        assert!(endpoint.has_in_host("host"));
        assert!(!endpoint.has_in_host("client_id"));
        assert_eq!(endpoint.url().unwrap_err(), EndpointError::Unresolved("host".to_owned()));
        let plain = Endpoint::parse("https://example.com/token").unwrap();
        assert_eq!(plain.url().unwrap().to_string(), "https://example.com/token");
    }

    #[test]
    fn a_value_cannot_leave_its_path_segment() {
        let endpoint = Endpoint::parse("https://api.example.com/applications/{client_id}/token").unwrap();
        let url = endpoint.url_with(|_| Some("a/../b?c#d".to_owned())).unwrap();
        assert_eq!(url.to_string(), "https://api.example.com/applications/a%2F..%2Fb%3Fc%23d/token");
    }

    #[test]
    fn malformed_templates_are_refused() {
        for text in [
            "https://{host/token",
            "https://host}/token",
            "https://{}/token",
            "https://{A}/t",
            "ftp://a/b",
            "",
        ] {
            assert!(Endpoint::parse(text).is_err(), "{text}");
        }
    }
}

//! What a token is to be used at (RFC 8707).
//!
//! Reads resource indicators and says which ones a request may have. Which resources exist is known elsewhere.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::uri_text::{UriFault, UriText, shown};

/// The address of a protected resource, kept exactly as it was written (RFC 8707 §2).
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct ResourceIndicator(String);

impl ResourceIndicator {
    /// Reads an absolute URI without fragment: `https`, or `http` to this machine.
    ///
    /// # Errors
    /// The rule that `text` breaks; the peer hears `invalid_target`.
    pub fn parse(text: &str) -> Result<Self, ResourceError> {
        let uri = UriText::parse(text)
            .map_err(|fault| ResourceError::Address { resource: shown(text), source: fault })?;
        if uri.scheme == "https" || uri.is_loopback_http() {
            Ok(Self(text.to_owned()))
        } else {
            Err(ResourceError::Encrypted { resource: shown(text) })
        }
    }

    /// The text as it was written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether both mean one resource: the same text, where a slash that stands alone after the host makes no
    /// difference. Half of the libraries write it, because RFC 3986 §6.2.3 says that both address the same.
    pub fn names_same(&self, other: &Self) -> bool {
        self.without_lone_slash() == other.without_lone_slash()
    }

    fn without_lone_slash(&self) -> &str {
        match UriText::parse(&self.0) {
            Ok(UriText { path: "/", query: None, .. }) => &self.0[..self.0.len() - 1],
            _ => &self.0,
        }
    }
}

impl fmt::Display for ResourceIndicator {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl TryFrom<String> for ResourceIndicator {
    type Error = ResourceError;

    fn try_from(text: String) -> Result<Self, ResourceError> {
        Self::parse(&text)
    }
}

/// The resources of one request or grant, each once, in the order they were named.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ResourceSet(Vec<ResourceIndicator>);

impl ResourceSet {
    /// Reads every `resource` of a request (RFC 8707 §2). None of them is ever dropped silently.
    ///
    /// # Errors
    /// One of them is not acceptable, or there are too many.
    pub fn parse<'a>(texts: impl IntoIterator<Item = &'a str>) -> Result<Self, ResourceError> {
        let mut set = Self::default();
        for text in texts {
            set.insert(ResourceIndicator::parse(text)?)?;
        }
        Ok(set)
    }

    /// Whether `resource` is one of them.
    pub fn contains(&self, resource: &ResourceIndicator) -> bool {
        self.iter().any(|known| known.names_same(resource))
    }

    /// The resources of a token request: all of this grant if none was requested, else those requested, as they are
    /// written in the grant (RFC 8707 §2.2).
    ///
    /// # Errors
    /// One of them is not in this grant: a client must not choose its tokens' audience alone.
    pub fn narrowed(&self, requested: &Self) -> Result<Self, ResourceError> {
        if requested.is_empty() {
            return Ok(self.clone());
        }
        let granted = |resource: &ResourceIndicator| {
            let known = self.iter().find(|known| known.names_same(resource)).cloned();
            known.ok_or_else(|| ResourceError::NotGranted { resource: shown(resource.as_str()) })
        };
        requested.iter().map(granted).collect::<Result<_, _>>().map(Self)
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// The resources in order.
    pub fn iter(&self) -> impl Iterator<Item = &ResourceIndicator> {
        self.0.iter()
    }

    fn insert(&mut self, resource: ResourceIndicator) -> Result<(), ResourceError> {
        if self.contains(&resource) {
            return Ok(());
        }
        if self.0.len() == MAXIMUM_RESOURCES {
            return Err(ResourceError::TooMany);
        }
        self.0.push(resource);
        Ok(())
    }
}

/// A resource that no token can be for (RFC 8707 §2, `invalid_target`).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ResourceError {
    /// It is no absolute URI, or one with a fragment.
    #[error("the resource `{resource}` is not acceptable")]
    Address {
        /// The text, shortened and without its query.
        resource: String,
        /// The rule it breaks.
        source: UriFault,
    },
    /// Tokens travel encrypted, or stay on this machine.
    #[error(
        "the resource `{resource}` must start with https:// (http:// is for localhost, 127.0.0.1 and [::1] only)"
    )]
    Encrypted {
        /// The text, shortened and without its query.
        resource: String,
    },
    /// The user has not agreed to it.
    #[error("the resource `{resource}` is not among those that were granted")]
    NotGranted {
        /// The text, shortened and without its query.
        resource: String,
    },
    /// More than any consent page can show.
    #[error("there are more than {MAXIMUM_RESOURCES} resources")]
    TooMany,
}

/// A person must be able to read the list before agreeing to it.
const MAXIMUM_RESOURCES: usize = 10;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn set(texts: &[&str]) -> ResourceSet {
        ResourceSet::parse(texts.iter().copied()).unwrap()
    }

    #[test]
    fn examples_of_rfc_8707_are_read() {
        for text in
            ["https://cal.example.com/", "https://contacts.example.com/", "https://api.example.com/app/"]
        {
            assert_eq!(ResourceIndicator::parse(text).unwrap().as_str(), text);
        }
    }

    #[test]
    fn relative_fragment_and_plain_http_resources_are_refused() {
        let address =
            |source| move |resource: &str| ResourceError::Address { resource: resource.to_owned(), source };
        assert_eq!(ResourceIndicator::parse("/mcp"), Err(address(UriFault::NotAbsolute)("/mcp")));
        assert_eq!(
            ResourceIndicator::parse("https://a.example/#b"),
            Err(address(UriFault::Fragment)("https://a.example/"))
        );
        for text in ["http://a.example/", "urn:example:api", "com.example.app:/a"] {
            assert_eq!(
                ResourceIndicator::parse(text),
                Err(ResourceError::Encrypted { resource: text.to_owned() })
            );
        }
        assert!(ResourceIndicator::parse("http://127.0.0.1:3000/mcp").is_ok());
    }

    #[test]
    fn only_a_lone_slash_makes_no_difference() {
        let same = |one, other| {
            let [one, other] = [one, other].map(|text| ResourceIndicator::parse(text).unwrap());
            one.names_same(&other) && other.names_same(&one)
        };
        assert!(same("https://a.example", "https://a.example/"));
        assert!(!same("https://a.example/mcp", "https://a.example/mcp/"));
        assert!(!same("https://a.example", "https://A.example"));
        assert!(!same("https://a.example", "https://a.example:443"));
        assert!(!same("https://a.example/?a", "https://a.example?a"));
    }

    #[test]
    fn repeated_resources_count_once_and_too_many_are_refused() {
        let texts = ["https://a.example/", "https://b.example/mcp", "https://a.example"];
        assert_eq!(set(&texts), set(&texts[..2]));
        let many: Vec<String> =
            (0..=MAXIMUM_RESOURCES).map(|number| format!("https://a.example/{number}")).collect();
        assert_eq!(ResourceSet::parse(many.iter().map(String::as_str)), Err(ResourceError::TooMany));
    }

    #[test]
    fn a_token_request_narrows_and_never_widens() {
        let granted = set(&["https://a.example/", "https://b.example/mcp"]);
        assert_eq!(granted.narrowed(&ResourceSet::default()).unwrap(), granted);
        assert_eq!(granted.narrowed(&set(&["https://a.example"])).unwrap(), set(&["https://a.example/"]));
        let wider = set(&["https://a.example", "https://c.example/"]);
        assert_eq!(
            granted.narrowed(&wider),
            Err(ResourceError::NotGranted { resource: "https://c.example/".to_owned() })
        );
        assert!(ResourceSet::default().narrowed(&wider).is_err());
    }

    proptest! {
        #[test]
        fn any_text_is_judged_and_kept(text in ".{0,60}") {
            if let Ok(resource) = ResourceIndicator::parse(&text) {
                prop_assert_eq!(resource.as_str(), text.as_str());
                prop_assert!(resource.names_same(&resource));
            }
        }
    }
}

//! URLs that tokens may be sent to (RFC 6749 §3.1, §3.2; RFC 8414 §2; RFC 8252 §8.3).
//!
//! Decides which URLs are acceptable as an endpoint or an issuer, and how a URL is shown without its secrets.
//! It never resolves a name: whether an address may be called is for the `Upstream` port.

use std::borrow::Cow;
use std::fmt;
use std::hash::{Hash, Hasher};

use ::url::{Host, Url};
use serde::{Deserialize, Serialize};

/// A URL that may receive codes, tokens and client secrets.
///
/// It is `https` to any host, or `http` to this machine, without user information and without fragment
/// (RFC 6749 §3.1, §3.2).
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct EndpointUrl(Url);

impl EndpointUrl {
    /// Reads an absolute URL.
    ///
    /// # Errors
    /// The rule that `text` breaks, with the text masked.
    pub fn parse(text: &str) -> Result<Self, UrlError> {
        checked(text).map(Self)
    }

    /// The URL itself.
    pub fn as_url(&self) -> &Url {
        &self.0
    }

    /// The normalised text.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// The host without its port; an IPv6 address stands in brackets.
    pub fn host(&self) -> &str {
        self.0.host_str().unwrap_or_default()
    }
}

impl fmt::Display for EndpointUrl {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

impl TryFrom<String> for EndpointUrl {
    type Error = UrlError;

    fn try_from(text: String) -> Result<Self, UrlError> {
        Self::parse(&text)
    }
}

impl From<EndpointUrl> for String {
    fn from(endpoint: EndpointUrl) -> Self {
        endpoint.0.into()
    }
}

/// The name of an authorization server (RFC 8414 §2): an endpoint URL that has no query either.
///
/// Two issuers are the same only if they are written the same, byte for byte (RFC 8414 §3.3, RFC 9207 §2.4), so the
/// text is kept as it was written.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Issuer {
    text: String,
    url: Url,
}

impl Issuer {
    /// Reads an issuer identifier.
    ///
    /// # Errors
    /// The rule that `text` breaks, with the text masked.
    pub fn parse(text: &str) -> Result<Self, UrlError> {
        let url = checked(text)?;
        if url.query().is_some() {
            return Err(UrlError::new(UrlRule::NoQuery, text));
        }
        Ok(Self { text: text.to_owned(), url })
    }

    /// The text as it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The URL itself, normalised.
    pub fn as_url(&self) -> &Url {
        &self.url
    }

    /// The host without its port; an IPv6 address stands in brackets.
    pub fn host(&self) -> &str {
        self.url.host_str().unwrap_or_default()
    }
}

impl PartialEq for Issuer {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Issuer {}

impl Hash for Issuer {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.text.hash(state);
    }
}

impl fmt::Display for Issuer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.text)
    }
}

impl TryFrom<String> for Issuer {
    type Error = UrlError;

    fn try_from(text: String) -> Result<Self, UrlError> {
        Self::parse(&text)
    }
}

impl From<Issuer> for String {
    fn from(issuer: Issuer) -> Self {
        issuer.text
    }
}

/// A text that is not an acceptable URL.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}`: {rule}")]
pub struct UrlError {
    /// The rule that was broken.
    pub rule: UrlRule,
    /// The text, without user information, query and fragment.
    pub text: String,
}

impl UrlError {
    fn new(rule: UrlRule, text: &str) -> Self {
        Self { rule, text: masked_text(text) }
    }
}

/// What an acceptable URL is like.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UrlRule {
    /// It must be an absolute URL with a host, written without spaces, control characters and backslashes.
    #[error("not an absolute URL such as https://auth.example.com")]
    Absolute,
    /// It must be encrypted, or stay on this machine (RFC 6749 §3.1, RFC 8252 §8.3).
    #[error("must start with https:// (http:// is for localhost, 127.0.0.1 and [::1] only)")]
    Encrypted,
    /// It must not carry a user name or password.
    #[error("must not contain a user name or password")]
    NoUserInformation,
    /// It must not carry a fragment (RFC 6749 §3.1).
    #[error("must not contain a fragment (#)")]
    NoFragment,
    /// An issuer must not carry a query (RFC 8414 §2).
    #[error("an issuer must not contain a query (?)")]
    NoQuery,
}

/// Whether `url` names this machine: `localhost`, 127.0.0.0/8 or `::1`.
pub fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// `url` for logs and messages: no user information, no fragment, and only the names of its query parameters.
///
/// A parameter without `=` is hidden whole, because it may be the secret itself.
pub fn masked(url: &Url) -> String {
    let mut shown = url.clone();
    // Both calls fail only for URLs that cannot have user information, which is what is wanted.
    let _ = shown.set_username("");
    let _ = shown.set_password(None);
    shown.set_fragment(None);
    shown.set_query(None);
    let Some(query) = url.query() else { return shown.into() };
    let parameters: Vec<Cow<'_, str>> = query
        .split('&')
        .map(|pair| match pair.split_once('=') {
            Some((name, _)) => Cow::Owned(format!("{name}=…")),
            None => Cow::Borrowed("…"),
        })
        .collect();
    format!("{shown}?{}", parameters.join("&"))
}

fn checked(text: &str) -> Result<Url, UrlError> {
    let broken = |rule| UrlError::new(rule, text);
    // The URL parser repairs what browsers repair (spaces, tabs, backslashes, missing slashes); a repaired URL is not
    // the one that was reviewed.
    let unrepaired =
        |character: char| !(character.is_whitespace() || character.is_control() || character == '\\');
    let (scheme, rest) = text.split_once("://").ok_or_else(|| broken(UrlRule::Absolute))?;
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    if authority.is_empty() || !text.chars().all(unrepaired) {
        return Err(broken(UrlRule::Absolute));
    }
    let url = Url::parse(text).map_err(|_| broken(UrlRule::Absolute))?;
    // In `https:/user@host/://` the first `://` is not the one after the scheme, and `authority` not the authority.
    if !scheme.eq_ignore_ascii_case(url.scheme()) {
        return Err(broken(UrlRule::Absolute));
    }
    if authority.contains('@') {
        return Err(broken(UrlRule::NoUserInformation));
    }
    if url.fragment().is_some() {
        return Err(broken(UrlRule::NoFragment));
    }
    match url.scheme() {
        "https" => Ok(url),
        "http" if is_loopback(&url) => Ok(url),
        _ => Err(broken(UrlRule::Encrypted)),
    }
}

/// What may be shown of a text that may not even be a URL.
fn masked_text(text: &str) -> String {
    // Long enough to recognise any real issuer, short enough for one line of a terminal.
    const SHOWN: usize = 120;
    let path = text.split(['?', '#']).next().unwrap_or_default();
    // What stands before the last `@` may be a password, wherever the host really begins.
    let shown = path.rsplit_once('@').map_or_else(|| path.to_owned(), |(_, rest)| format!("…@{rest}"));
    shown.chars().filter(|character| !character.is_control()).take(SHOWN).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn only_urls_fit_for_tokens_are_endpoints() {
        let accepted = [
            "https://auth.example.com/token",
            "https://auth.example.com:8443/token?version=2",
            "http://localhost:8790/token",
            "http://127.0.0.1:1/",
            "http://127.8.9.10/",
            "http://[::1]:5/token",
            "HTTPS://AUTH.example.com",
        ];
        for text in accepted {
            assert!(EndpointUrl::parse(text).is_ok(), "{text}");
        }
        let refused = [
            ("http://auth.example.com/token", UrlRule::Encrypted),
            ("http://localhost.example.com/", UrlRule::Encrypted),
            ("http://127.0.0.1.example.com/", UrlRule::Encrypted),
            ("http://10.0.0.1/", UrlRule::Encrypted),
            ("http://[::2]/", UrlRule::Encrypted),
            ("ftp://auth.example.com/", UrlRule::Encrypted),
            ("file:///etc/passwd", UrlRule::Absolute),
            ("javascript://%0aalert(1)", UrlRule::Encrypted),
            ("https://user:password@auth.example.com/", UrlRule::NoUserInformation),
            ("https://@auth.example.com/", UrlRule::NoUserInformation),
            ("https://auth.example.com/#", UrlRule::NoFragment),
            ("https://auth.example.com/#top", UrlRule::NoFragment),
            ("auth.example.com", UrlRule::Absolute),
            ("https:auth.example.com", UrlRule::Absolute),
            ("https:///auth.example.com", UrlRule::Absolute),
            ("https:/user:password@evil.example/://auth.example.com", UrlRule::Absolute),
            ("https:@evil.example/://", UrlRule::Absolute),
            ("https://auth.example.com\\@evil.example/", UrlRule::Absolute),
            (" https://auth.example.com", UrlRule::Absolute),
            ("https://auth.exa\tmple.com", UrlRule::Absolute),
            ("https://", UrlRule::Absolute),
            ("", UrlRule::Absolute),
        ];
        for (text, rule) in refused {
            assert_eq!(EndpointUrl::parse(text).map_err(|error| error.rule), Err(rule), "{text}");
        }
    }

    #[test]
    fn an_issuer_has_no_query_and_keeps_its_text() {
        let issuer = Issuer::parse("https://Auth.Example.com").unwrap();
        assert_eq!(issuer.as_str(), "https://Auth.Example.com");
        assert_eq!(issuer.host(), "auth.example.com");
        assert_ne!(issuer, Issuer::parse("https://auth.example.com").unwrap());
        assert_ne!(
            Issuer::parse("https://auth.example.com").unwrap(),
            Issuer::parse("https://auth.example.com/").unwrap()
        );
        for text in ["https://auth.example.com?", "https://auth.example.com/?tenant=1"] {
            assert_eq!(Issuer::parse(text).unwrap_err().rule, UrlRule::NoQuery, "{text}");
        }
    }

    #[test]
    fn errors_and_logs_show_no_secret() {
        let error =
            EndpointUrl::parse("https://ada:hunter2@auth.example.com/?key=hunter2#hunter2").unwrap_err();
        assert_eq!(error.to_string(), "`…@auth.example.com/`: must not contain a user name or password");
        let url = Url::parse("https://ada:hunter2@a.example:8/cb?code=hunter2&state=hunter2&hunter2#hunter2")
            .unwrap();
        assert_eq!(masked(&url), "https://a.example:8/cb?code=…&state=…&…");
        assert_eq!(masked(&Url::parse("myapp:callback?code=hunter2").unwrap()), "myapp:callback?code=…");
    }

    #[test]
    fn both_types_are_written_as_text() {
        let endpoint: EndpointUrl = serde_json::from_str("\"https://a.example/token\"").unwrap();
        assert_eq!(serde_json::to_string(&endpoint).unwrap(), "\"https://a.example/token\"");
        let issuer: Issuer = serde_json::from_str("\"https://a.example\"").unwrap();
        assert_eq!(serde_json::to_string(&issuer).unwrap(), "\"https://a.example\"");
        assert!(serde_json::from_str::<EndpointUrl>("\"http://a.example\"").is_err());
    }

    proptest! {
        #[test]
        fn any_text_is_judged_without_panic(text in ".{0,80}") {
            if let Ok(endpoint) = EndpointUrl::parse(&text) {
                prop_assert!(endpoint.as_url().username().is_empty());
                prop_assert_eq!(EndpointUrl::parse(endpoint.as_str()), Ok(endpoint.clone()));
            }
        }

        #[test]
        fn masking_hides_every_value(user in "[a-z]{8}", value in "[0-9]{8}", fragment in "[A-Z]{8}") {
            let url = Url::parse(&format!("https://{user}:{value}@a.example/?b={value}#{fragment}")).unwrap();
            let shown = masked(&url);
            prop_assert!(![user, value, fragment].iter().any(|secret| shown.contains(secret.as_str())));
        }
    }
}

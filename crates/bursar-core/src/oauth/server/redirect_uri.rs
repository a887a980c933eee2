//! Where the answer of an authorization may go (RFC 6749 §3.1.2, RFC 8252 §7, RFC 9700 §4.1).
//!
//! Says which addresses a client may register and which requested address is one of them. It never redirects: what is
//! sent there is made by `authorization_response`. Being registered, and nothing else, makes an address a target.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::uri_text::{UriFault, UriText, shown};

/// An address that a client has registered for its answers, kept exactly as it was written.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RegisteredRedirect {
    text: String,
    destination: Destination,
}

/// What kind of place an address leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Destination {
    /// A web site, over `https`.
    Web,
    /// A program on the user's own computer, over `http` (RFC 8252 §7.3).
    Loopback,
    /// A program on the user's own device, by a scheme of its own (RFC 8252 §7.1).
    App,
}

impl RegisteredRedirect {
    /// Reads an address: `https` to any host, `http` to this machine, or an app's own scheme.
    ///
    /// # Errors
    /// The rule that `text` breaks, with the text shortened.
    pub fn parse(text: &str) -> Result<Self, RedirectUriError> {
        let refused = |rule| RedirectUriError { text: shown(text), rule };
        let uri = UriText::parse(text).map_err(|fault| refused(RedirectUriRule::Address(fault)))?;
        let destination = match uri.scheme {
            "https" => Destination::Web,
            _ if uri.is_loopback_http() => Destination::Loopback,
            "http" => return Err(refused(RedirectUriRule::Encrypted)),
            // A scheme with a dot is made of a domain name, which dangerous ones (`javascript`, `data`) never are.
            scheme if scheme.contains('.') || WELL_KNOWN_APP_SCHEMES.contains(&scheme) => Destination::App,
            _ => return Err(refused(RedirectUriRule::Scheme)),
        };
        let names = uri.query.into_iter().flat_map(|query| query.split('&'));
        let mut names = names.map(|pair| pair.split('=').next().unwrap_or_default());
        // A client that finds a name twice may take the value that was registered for the one that was answered. An
        // escape could hide such a name, so names have none.
        match names.find(|name| name.contains('%') || ANSWERED_PARAMETERS.contains(name)) {
            Some(_) => Err(refused(RedirectUriRule::AnsweredParameter)),
            None => Ok(Self { text: text.to_owned(), destination }),
        }
    }

    /// The text as it was registered.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// What kind of place it is.
    pub fn destination(&self) -> Destination {
        self.destination
    }

    /// Whether it is a program on the user's own computer.
    pub fn is_loopback(&self) -> bool {
        self.destination == Destination::Loopback
    }

    /// The host without its port, or the scheme of an app: what a person should look at before agreeing.
    pub fn host(&self) -> &str {
        host(&self.text, self.destination)
    }

    /// Whether `requested` is this address: the same text, where on this machine any port will do, because programs
    /// take whichever is free (RFC 8252 §7.3).
    pub fn matches(&self, requested: &str) -> bool {
        if self.text == requested {
            return true;
        }
        if self.destination != Destination::Loopback {
            return false;
        }
        match (UriText::parse(&self.text), UriText::parse(requested)) {
            (Ok(ours), Ok(theirs)) => {
                (ours.scheme, ours.host(), ours.path, ours.query)
                    == (theirs.scheme, theirs.host(), theirs.path, theirs.query)
            }
            _ => false,
        }
    }
}

impl fmt::Display for RegisteredRedirect {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.text)
    }
}

impl TryFrom<String> for RegisteredRedirect {
    type Error = RedirectUriError;

    fn try_from(text: String) -> Result<Self, RedirectUriError> {
        Self::parse(&text)
    }
}

impl From<RegisteredRedirect> for String {
    fn from(redirect: RegisteredRedirect) -> Self {
        redirect.text
    }
}

/// An address that was found to be one of the client's: the only thing an answer can be sent to.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RedirectTarget {
    text: String,
    destination: Destination,
}

impl RedirectTarget {
    /// Finds where to answer: `requested`, if it is one of the `registered` addresses, or the only registered one if
    /// nothing was requested (RFC 6749 §3.1.2.3).
    ///
    /// # Errors
    /// There is no such address. Nothing may be redirected then (RFC 6749 §3.1.2.4).
    pub fn choose(
        registered: &[RegisteredRedirect],
        requested: Option<&str>,
    ) -> Result<Self, RedirectRefusal> {
        let Some(requested) = requested else {
            return match registered {
                [only] => Ok(Self { text: only.text.clone(), destination: only.destination }),
                [] => Err(RedirectRefusal::NoneRegistered),
                _ => Err(RedirectRefusal::Missing),
            };
        };
        if let Some(found) = registered.iter().find(|redirect| redirect.matches(requested)) {
            return Ok(Self { text: requested.to_owned(), destination: found.destination });
        }
        let common = |redirect: &&RegisteredRedirect| common_bytes(redirect.as_str(), requested);
        let nearest = registered.iter().max_by_key(common).ok_or(RedirectRefusal::NoneRegistered)?;
        Err(RedirectRefusal::Unregistered {
            requested: shown(requested),
            nearest: shown(nearest.as_str()),
            position: common_bytes(nearest.as_str(), requested) + 1,
        })
    }

    /// The address as it was requested.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// What kind of place it is.
    pub fn destination(&self) -> Destination {
        self.destination
    }

    /// Whether it is a program on the user's own computer.
    pub fn is_loopback(&self) -> bool {
        self.destination == Destination::Loopback
    }

    /// The host without its port, or the scheme of an app: what a person should look at before agreeing.
    pub fn host(&self) -> &str {
        host(&self.text, self.destination)
    }

    /// The expression that lets a form's answer be redirected there (Content Security Policy 3 §2.3.1).
    pub fn content_security_source(&self) -> String {
        let scheme = self.text.split(':').next().unwrap_or_default();
        let authority = self.text.split('/').nth(2).unwrap_or_default();
        let authority = authority.split('?').next().unwrap_or_default();
        // The grammar knows neither an address in brackets nor the host of an app, so the scheme has to do.
        if self.destination == Destination::App || authority.starts_with('[') {
            return format!("{scheme}:");
        }
        format!("{scheme}://{authority}")
    }
}

impl fmt::Display for RedirectTarget {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.text)
    }
}

/// A text that a client must not register.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the redirect URI `{text}` is not acceptable")]
pub struct RedirectUriError {
    /// The text, shortened and without its query.
    pub text: String,
    /// The rule it breaks.
    #[source]
    pub rule: RedirectUriRule,
}

/// What a redirect URI is like.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RedirectUriRule {
    /// It must be an address that can be compared as text.
    #[error(transparent)]
    Address(UriFault),
    /// RFC 9700 §2.6: codes travel encrypted, or stay on this machine.
    #[error("http:// is for localhost, 127.0.0.1 and [::1] only; use https://")]
    Encrypted,
    /// RFC 8252 §7.1: an app's scheme is made of a domain name of its maker.
    #[error(
        "its scheme must be https, http to this machine, or a domain name backwards (com.example.app:/callback)"
    )]
    Scheme,
    /// The answer's own parameters must not be there before (RFC 6749 §3.1.2, RFC 9207 §2).
    #[error("its query has a name that belongs to the answer (code, state, iss, error), or that is escaped")]
    AnsweredParameter,
}

/// Why an authorization cannot be answered by a redirect.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RedirectRefusal {
    /// The client has none; it was made for other grants.
    #[error("the client has no redirect URI")]
    NoneRegistered,
    /// RFC 6749 §3.1.2.3: with several registered, the request must choose.
    #[error("the client has several redirect URIs, and the request names none")]
    Missing,
    /// RFC 9700 §4.1.3: exact text, nothing less.
    #[error("`{requested}` is not registered; it differs from `{nearest}` at character {position}")]
    Unregistered {
        /// What was asked for, shortened and without its query.
        requested: String,
        /// The registered address that begins most like it, shortened the same way.
        nearest: String,
        /// The first character that differs, counted from 1.
        position: usize,
    },
}

/// Schemes of widespread editors with an OAuth client inside that are no domain names. A registration is refused as a
/// whole, so without these such an editor could not even register its other addresses.
const WELL_KNOWN_APP_SCHEMES: [&str; 5] = ["cursor", "vscode", "vscode-insiders", "vscodium", "windsurf"];

/// What an authorization response may carry (RFC 6749 §4.1.2, RFC 9207 §2, and the answers of other response types).
const ANSWERED_PARAMETERS: [&str; 9] = [
    "code",
    "state",
    "iss",
    "error",
    "error_description",
    "error_uri",
    "response",
    "access_token",
    "id_token",
];

fn host(text: &str, destination: Destination) -> &str {
    match (destination, UriText::parse(text)) {
        (Destination::App, Ok(uri)) => uri.scheme,
        (_, Ok(uri)) => uri.host(),
        // Only what was read before comes here.
        (_, Err(_)) => "",
    }
}

fn common_bytes(one: &str, other: &str) -> usize {
    one.bytes().zip(other.bytes()).take_while(|(one, other)| one == other).count()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn registered(text: &str) -> RegisteredRedirect {
        RegisteredRedirect::parse(text).unwrap()
    }

    #[test]
    fn web_sites_loopback_and_apps_can_be_registered() {
        let table = [
            ("https://client.example.com/cb", Destination::Web, "client.example.com"),
            ("https://client.example.com:8443/cb?tenant=1", Destination::Web, "client.example.com"),
            ("https://localhost/cb", Destination::Web, "localhost"),
            ("http://localhost/callback", Destination::Loopback, "localhost"),
            ("http://localhost:3000", Destination::Loopback, "localhost"),
            ("http://127.0.0.1:51004/oauth2redirect/example-provider", Destination::Loopback, "127.0.0.1"),
            ("http://[::1]:61023/oauth2redirect/example-provider", Destination::Loopback, "[::1]"),
            ("com.example.app:/oauth2redirect/example-provider", Destination::App, "com.example.app"),
            ("com.example.app://callback", Destination::App, "com.example.app"),
            ("com.example.app:///callback", Destination::App, "com.example.app"),
            ("cursor://anysphere.cursor-mcp/oauth/callback", Destination::App, "cursor"),
        ];
        for (text, destination, host) in table {
            let redirect = registered(text);
            assert_eq!(
                (redirect.as_str(), redirect.destination(), redirect.host()),
                (text, destination, host)
            );
            assert!(redirect.matches(text));
        }
    }

    #[test]
    fn dangerous_addresses_cannot_be_registered() {
        let rules = [
            ("http://client.example.com/cb", RedirectUriRule::Encrypted),
            ("http://localhost.evil.com/cb", RedirectUriRule::Encrypted),
            ("http://127.0.0.1.evil.com/cb", RedirectUriRule::Encrypted),
            ("http://10.0.0.1/cb", RedirectUriRule::Encrypted),
            ("http://[::2]/cb", RedirectUriRule::Encrypted),
            ("javascript:alert(1)", RedirectUriRule::Scheme),
            ("javascript://a.example/%41", RedirectUriRule::Scheme),
            ("data:text/html,a", RedirectUriRule::Scheme),
            ("file:///etc/passwd", RedirectUriRule::Scheme),
            ("vbscript:a", RedirectUriRule::Scheme),
            ("blob:https://a.example/1", RedirectUriRule::Scheme),
            ("about:blank", RedirectUriRule::Scheme),
            ("ftp://a.example/", RedirectUriRule::Scheme),
            ("ws://a.example/", RedirectUriRule::Scheme),
            ("urn:ietf:wg:oauth:2.0:oob", RedirectUriRule::Scheme),
            ("myapp:/cb", RedirectUriRule::Scheme),
            ("https://a.example/cb?state=1", RedirectUriRule::AnsweredParameter),
            ("https://a.example/cb?a=1&iss", RedirectUriRule::AnsweredParameter),
            ("https://a.example/cb?%63ode=1", RedirectUriRule::AnsweredParameter),
            ("https://a.example/cb#top", RedirectUriRule::Address(UriFault::Fragment)),
            ("https://user:password@a.example/cb", RedirectUriRule::Address(UriFault::UserInformation)),
            ("https://a.example/a/%2e%2e/b", RedirectUriRule::Address(UriFault::DotSegment)),
            ("https://*.a.example/cb", RedirectUriRule::Address(UriFault::Host)),
        ];
        for (text, rule) in rules {
            assert_eq!(RegisteredRedirect::parse(text).map_err(|error| error.rule), Err(rule), "{text}");
        }
    }

    #[test]
    fn a_redirect_that_differs_at_all_is_another_one() {
        let redirect = registered("https://client.example.com/cb?tenant=1");
        for other in [
            "https://client.example.com/cb?tenant=2",
            "https://client.example.com/cb?tenant=1&a=b",
            "https://client.example.com/cb",
            "https://client.example.com/cb/?tenant=1",
            "https://client.example.com/CB?tenant=1",
            "https://Client.example.com/cb?tenant=1",
            "https://client.example.com:443/cb?tenant=1",
            "https://user@client.example.com/cb?tenant=1",
            "https://client.example.com/cb?tenant=1#a",
            "https://client.example.com/%63b?tenant=1",
            "https://client.example.com/a/../cb?tenant=1",
            "https://client.example.com.evil.com/cb?tenant=1",
            "http://client.example.com/cb?tenant=1",
            "https://client.example.com/cb?tenant=1 ",
            "",
        ] {
            assert!(!redirect.matches(other), "{other}");
        }
    }

    #[test]
    fn on_this_machine_any_port_will_do() {
        for text in ["http://localhost/cb", "http://127.0.0.1:3000/cb", "http://[::1]/cb?a=b"] {
            let redirect = registered(text);
            let (host, rest) = (redirect.host(), text.split_once("/cb").unwrap().1);
            for port in ["", ":1", ":3000", ":65535"] {
                assert!(redirect.matches(&format!("http://{host}{port}/cb{rest}")), "{text} {port}");
            }
            for other in [
                format!("http://{host}:/cb{rest}"),
                format!("http://{host}:0/cb{rest}"),
                format!("http://{host}:01/cb{rest}"),
                format!("http://{host}:65536/cb{rest}"),
                format!("http://{host}:1@evil.com/cb{rest}"),
                format!("http://{host}.evil.com:1/cb{rest}"),
                format!("https://{host}:1/cb{rest}"),
                format!("http://{host}:1/cb/{rest}"),
                format!("http://{host}:1/other{rest}"),
                format!("http://{host}:1/cb{rest}#a"),
            ] {
                assert!(!redirect.matches(&other), "{other}");
            }
        }
        assert!(!registered("http://localhost/cb").matches("http://127.0.0.1/cb"));
        assert!(!registered("http://127.0.0.1/cb").matches("http://[::1]/cb"));
        assert!(!registered("https://localhost/cb").matches("https://localhost:8443/cb"));
    }

    #[test]
    fn a_target_is_chosen_from_what_is_registered() {
        let both = [registered("https://a.example/cb"), registered("http://localhost/cb")];
        let target = RedirectTarget::choose(&both, Some("http://localhost:5173/cb")).unwrap();
        assert_eq!((target.as_str(), target.host()), ("http://localhost:5173/cb", "localhost"));
        assert!(target.is_loopback());
        assert_eq!(RedirectTarget::choose(&both, None), Err(RedirectRefusal::Missing));
        assert_eq!(RedirectTarget::choose(&both[..1], None).unwrap().as_str(), "https://a.example/cb");
        assert_eq!(RedirectTarget::choose(&[], None), Err(RedirectRefusal::NoneRegistered));
        let refusal = RedirectTarget::choose(&both, Some("https://a.example/cb/?a=b")).unwrap_err();
        assert_eq!(
            refusal.to_string(),
            "`https://a.example/cb/` is not registered; it differs from `https://a.example/cb` at character 21"
        );
    }

    #[test]
    fn policies_name_the_narrowest_source_they_can() {
        let table = [
            ("https://a.example:8443/cb?a=b", "https://a.example:8443"),
            ("https://a.example?a=b", "https://a.example"),
            ("http://localhost:5173/cb", "http://localhost:5173"),
            ("http://[::1]:5173/cb", "http:"),
            ("com.example.app:/cb", "com.example.app:"),
            ("cursor://anysphere.cursor-mcp/cb", "cursor:"),
        ];
        for (text, source) in table {
            let target = RedirectTarget::choose(&[registered(text)], None).unwrap();
            assert_eq!(target.content_security_source(), source);
        }
    }

    #[test]
    fn registered_redirects_are_written_as_text() {
        let redirect = registered("https://a.example/cb");
        let written = serde_json::to_string(&redirect).unwrap();
        assert_eq!(written, "\"https://a.example/cb\"");
        assert_eq!(serde_json::from_str::<RegisteredRedirect>(&written).unwrap(), redirect);
        assert!(serde_json::from_str::<RegisteredRedirect>("\"http://a.example/cb\"").is_err());
    }

    proptest! {
        #[test]
        fn what_matches_is_registered_but_for_the_port(
            text in "(https://a\\.example|http://localhost|http://\\[::1\\])(:[1-9][0-9]{0,3})?/[a-c]{0,2}",
            requested in "(https?://)(a\\.example|localhost|\\[::1\\])(:[0-9]{0,5})?/[a-c]{0,2}",
        ) {
            let redirect = registered(&text);
            let without_port = |text: &str| {
                let mut url = ::url::Url::parse(text).unwrap();
                url.set_port(None).unwrap();
                url.to_string()
            };
            if redirect.matches(&requested) {
                prop_assert!(
                    requested == text
                        || redirect.is_loopback() && without_port(&requested) == without_port(&text)
                );
                prop_assert!(RegisteredRedirect::parse(&requested).is_ok());
            }
        }
    }
}

//! Who asks, for what, and where the answer goes: the parts that sign-in, consent and device pages share.

use std::net::{Ipv4Addr, Ipv6Addr};

use url::{Host, Url};

use super::foreign::Foreign;
use super::texts::Texts;

/// The application that asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Client<'a> {
    /// What it calls itself; nobody has checked that unless it is [`Origin::Registered`].
    pub name: Option<Foreign<'a>>,
    /// How much is known about it.
    pub origin: Origin<'a>,
}

/// How a client came to be known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin<'a> {
    /// Its id is the address of its metadata document, so the host is proven.
    Site(&'a Url),
    /// An administrator of this server registered it.
    Registered,
    /// It registered itself, and may say of itself what it likes (RFC 7591 §5).
    Unverified,
}

impl Client<'_> {
    /// The host that is proven.
    pub(super) fn host(&self) -> Option<String> {
        match self.origin {
            Origin::Site(url) => Some(host_and_port(url)),
            Origin::Registered | Origin::Unverified => None,
        }
    }

    pub(super) fn is_unverified(&self) -> bool {
        self.origin == Origin::Unverified
    }

    pub(super) fn name(&self, texts: &Texts) -> String {
        let name = self.name.filter(|name| !name.is_blank());
        name.map_or_else(|| texts.nameless.to_owned(), |name| name.as_name().to_string())
    }
}

/// An API that the access is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Resource<'a> {
    /// What this server's administrator calls it.
    pub name: Option<Foreign<'a>>,
    /// Its identifier (RFC 8707).
    pub address: Foreign<'a>,
}

/// A permission that is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scope<'a> {
    /// As it is in the request.
    pub name: Foreign<'a>,
    /// What it means, where the resource tells. Those of OIDC have words of their own.
    pub description: Option<Foreign<'a>>,
    /// The tools it is needed for, where the resource has declared them.
    pub tools: Vec<Foreign<'a>>,
}

impl Scope<'_> {
    /// It in words.
    pub(super) fn words(&self, texts: &Texts) -> Option<String> {
        let described = self.description.filter(|description| !description.is_blank());
        described.map(|words| words.to_string()).or_else(|| texts.scope(self.name.text()).map(str::to_owned))
    }

    /// As many tools as somebody reads, and how many more there are, in words.
    pub(super) fn shown_tools(&self, texts: &Texts) -> (&[Foreign<'_>], Option<String>) {
        match self.tools.split_at_checked(MOST_TOOLS) {
            Some((shown, more)) if !more.is_empty() => (shown, Some(texts.more(more.len()))),
            _ => (&self.tools, None),
        }
    }

    /// Access while the person is away is told as a sentence of its own.
    pub(super) fn is_offline_access(&self) -> bool {
        self.name.text() == "offline_access"
    }
}

/// Where the answer goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Destination {
    /// A site.
    Site(String),
    /// A program on the person's computer, whichever one listens there.
    ThisComputer(String),
    /// The application that has claimed this scheme, whichever that is.
    Application(String),
}

impl Destination {
    pub(super) fn of(redirect_uri: &Url) -> Self {
        if !matches!(redirect_uri.scheme(), "http" | "https") {
            return Self::Application(format!("{}:", redirect_uri.scheme()));
        }
        let shown = host_and_port(redirect_uri);
        if is_this_computer(redirect_uri) { Self::ThisComputer(shown) } else { Self::Site(shown) }
    }

    /// In large type.
    pub(super) fn shown(&self) -> &str {
        let (Self::Site(shown) | Self::ThisComputer(shown) | Self::Application(shown)) = self;
        shown
    }

    /// What to think of before agreeing.
    pub(super) fn warning<'a>(&self, client: &Client<'_>, texts: &'a Texts) -> Option<&'a str> {
        match self {
            Self::ThisComputer(_) => Some(texts.answer_to_this_computer),
            Self::Application(_) => Some(texts.answer_to_application),
            Self::Site(destination) => {
                let elsewhere = client.host().is_some_and(|host| !are_related(&host, destination));
                elsewhere.then_some(texts.answer_elsewhere)
            }
        }
    }
}

/// Nobody reads more of them before agreeing.
const MOST_TOOLS: usize = 20;

fn host_and_port(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

fn is_this_computer(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback() || address == Ipv4Addr::UNSPECIFIED,
        Some(Host::Ipv6(address)) => address.is_loopback() || address == Ipv6Addr::UNSPECIFIED,
        None => false,
    }
}

/// Whether one host is the other, or below it.
fn are_related(one: &str, other: &str) -> bool {
    let below = |host: &str, parent: &str| host.strip_suffix(parent).is_some_and(|rest| rest.ends_with('.'));
    one == other || below(one, other) || below(other, one)
}

#[cfg(test)]
mod tests {
    use super::super::texts::ENGLISH;
    use super::*;

    #[test]
    fn destination_tells_what_listens_there() {
        let site = |host: &str| Destination::Site(host.to_owned());
        let here = |host: &str| Destination::ThisComputer(host.to_owned());
        let cases = [
            ("https://app.example/callback", site("app.example")),
            ("https://localhost.evil.example/", site("localhost.evil.example")),
            ("https://127.0.0.1.evil.example/", site("127.0.0.1.evil.example")),
            ("https://app.example:8443/", site("app.example:8443")),
            ("https://user@app.example/", site("app.example")),
            ("http://localhost:3000/", here("localhost:3000")),
            ("http://app.localhost/", here("app.localhost")),
            ("http://127.0.0.1:1/", here("127.0.0.1:1")),
            ("http://[::1]:1/", here("[::1]:1")),
            ("http://0x7f.1/", here("127.0.0.1")),
            ("cursor://anysphere.cursor-mcp/x", Destination::Application("cursor:".to_owned())),
        ];
        for (url, expected) in cases {
            assert_eq!(Destination::of(&Url::parse(url).unwrap()), expected, "{url}");
        }
    }

    #[test]
    fn answer_to_another_site_than_the_one_that_asks_is_pointed_out() {
        let cases = [
            ("https://app.example/client.json", "https://app.example/cb", None),
            ("https://app.example/client.json", "https://auth.app.example/cb", None),
            ("https://auth.app.example/client.json", "https://app.example/cb", None),
            ("https://app.example/client.json", "https://evilapp.example/cb", Some(ENGLISH.answer_elsewhere)),
            ("https://app.example/client.json", "http://localhost:1/", Some(ENGLISH.answer_to_this_computer)),
            ("https://app.example/client.json", "app:/cb", Some(ENGLISH.answer_to_application)),
        ];
        for (client, destination, warning) in cases {
            let id = Url::parse(client).unwrap();
            let client = Client { name: None, origin: Origin::Site(&id) };
            let destination = Destination::of(&Url::parse(destination).unwrap());
            assert_eq!(destination.warning(&client, &ENGLISH), warning, "{destination:?}");
        }
    }
}

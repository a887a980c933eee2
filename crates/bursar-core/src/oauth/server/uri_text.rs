//! Addresses that are compared as text (RFC 3986 §6.2.1): redirect URIs, client identifiers, resources.
//!
//! Accepts only texts that every reader takes apart in the same way, so that what was reviewed is what is reached. It
//! repairs nothing and does not say which schemes or hosts are welcome: that is for whoever reads such an address.

use ::url::Host;

/// An absolute URI, taken apart. Every part is a piece of the text itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct UriText<'a> {
    /// What stands before the first colon, in lower case.
    pub(super) scheme: &'a str,
    /// What stands between `//` and the path, if there is any.
    pub(super) authority: Option<Authority<'a>>,
    /// From the first slash after the authority; it may be empty.
    pub(super) path: &'a str,
    /// What follows the question mark.
    pub(super) query: Option<&'a str>,
}

/// Who is addressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Authority<'a> {
    /// A name or an address; one of IPv6 stands in brackets. Empty only for schemes other than `http` and `https`.
    pub(super) host: &'a str,
    /// The port, if it is written.
    pub(super) port: Option<u16>,
}

impl<'a> UriText<'a> {
    /// Takes `text` apart.
    ///
    /// # Errors
    /// The first rule that `text` breaks.
    pub(super) fn parse(text: &'a str) -> Result<Self, UriFault> {
        if text.len() > MAXIMUM_BYTES {
            return Err(UriFault::TooLong);
        }
        if !text.bytes().all(is_uri_byte) {
            return Err(UriFault::Character);
        }
        if text.contains('#') {
            return Err(UriFault::Fragment);
        }
        escapes_are_harmless(text)?;
        let (scheme, rest) =
            text.split_once(':').filter(|(scheme, _)| is_scheme(scheme)).ok_or(UriFault::NotAbsolute)?;
        let (before_query, query) = match rest.split_once('?') {
            Some((before, query)) => (before, Some(query)),
            None => (rest, None),
        };
        let (authority, path) = match before_query.strip_prefix("//") {
            Some(after) => {
                let end = after.find('/').unwrap_or(after.len());
                let names_nobody = !matches!(scheme, "http" | "https");
                (Some(authority(&after[..end], names_nobody)?), &after[end..])
            }
            None => (None, before_query),
        };
        // Browsers find the host of `https:/a` and `https:a` somewhere else than RFC 3986 does.
        if authority.is_none() && matches!(scheme, "http" | "https") {
            return Err(UriFault::NotAbsolute);
        }
        if has_dot_segment(path) {
            return Err(UriFault::DotSegment);
        }
        Ok(Self { scheme, authority, path, query })
    }

    /// The host, empty if there is none.
    pub(super) fn host(&self) -> &'a str {
        self.authority.map_or("", |authority| authority.host)
    }

    /// Whether this is plain `http` to this machine, in one of the three spellings that need no resolver and that
    /// RFC 8252 §7.3 and §8.3 name.
    pub(super) fn is_loopback_http(&self) -> bool {
        self.scheme == "http" && matches!(self.host(), "localhost" | "127.0.0.1" | "[::1]")
    }
}

/// What keeps a text from being an address that can be compared as text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UriFault {
    /// Longer than any honest address.
    #[error("it has more than {MAXIMUM_BYTES} bytes")]
    TooLong,
    /// RFC 3986 §2 allows letters, digits and some signs of ASCII; others need an escape.
    #[error("it has a space, a control character or another character that a URI cannot have")]
    Character,
    /// A `%` without two hexadecimal digits (RFC 3986 §2.1).
    #[error("it has a broken percent-encoding")]
    Escape,
    /// An escape that stands for a control character, which could split a header further on.
    #[error("it hides a control character in a percent-encoding")]
    HiddenControl,
    /// It has no scheme in lower case, or no `//` after `http:` or `https:`.
    #[error("it is not absolute, such as https://app.example.com/callback")]
    NotAbsolute,
    /// A fragment never reaches a server, and moves into the next address (RFC 6749 §3.1.2, RFC 9700 §4.1).
    #[error("it has a fragment (#)")]
    Fragment,
    /// A user name is how one host is dressed up as another.
    #[error("it has a user name or password")]
    UserInformation,
    /// The host is not in its plain form, so that readers could reach different machines.
    #[error("its host is not a plain name or address")]
    Host,
    /// The port is no number from 1 to 65535.
    #[error("its port is not a number from 1 to 65535")]
    Port,
    /// `.` and `..` are removed by some readers only, plain or escaped.
    #[error("its path has the segment `.` or `..`")]
    DotSegment,
}

/// RFC 9110 §4.1 asks servers to take 8000 bytes; an authorization request holds this address, escaped, and more.
pub(super) const MAXIMUM_BYTES: usize = 2000;

/// What may be shown of an address that a stranger sent: one line, without its query.
pub(super) fn shown(text: &str) -> String {
    const SHOWN: usize = 120;
    let before_query = text.split(['?', '#']).next().unwrap_or_default();
    before_query.chars().filter(char::is_ascii_graphic).take(SHOWN).collect()
}

fn is_uri_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~:/?#[]@!$&'()*+,;=%".contains(&byte)
}

fn is_scheme(text: &str) -> bool {
    let other = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"+-.".contains(&byte);
    text.starts_with(|first: char| first.is_ascii_lowercase()) && text.bytes().all(other)
}

fn escapes_are_harmless(text: &str) -> Result<(), UriFault> {
    for after in text.split('%').skip(1) {
        let digits = after.get(..2).filter(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()));
        let byte = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok()).ok_or(UriFault::Escape)?;
        if byte.is_ascii_control() {
            return Err(UriFault::HiddenControl);
        }
    }
    Ok(())
}

fn authority(text: &str, may_be_empty: bool) -> Result<Authority<'_>, UriFault> {
    if text.contains('@') {
        return Err(UriFault::UserInformation);
    }
    // The colons inside brackets belong to an IPv6 address.
    let after_address = text.rfind(']').map_or(0, |bracket| bracket + 1);
    let (host, port) = match text[after_address..].rfind(':') {
        Some(colon) => {
            let colon = after_address + colon;
            (&text[..colon], Some(port(&text[colon + 1..])?))
        }
        None => (text, None),
    };
    if host.is_empty() && may_be_empty && port.is_none() {
        return Ok(Authority { host, port });
    }
    // A host that changes when it is read (`0x7f.1`, `%6c`, `1.2.3`) is reached where nobody expects it.
    match Host::parse(host) {
        Ok(read) if read.to_string() == host.to_ascii_lowercase() && is_plain(&read) => {
            Ok(Authority { host, port })
        }
        _ => Err(UriFault::Host),
    }
}

/// Browsers take `;` and `,` in names, which would end a directive or a field that the name is written into.
fn is_plain(host: &Host) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
    !matches!(host, Host::Domain(name) if !name.bytes().all(plain))
}

fn port(digits: &str) -> Result<u16, UriFault> {
    // A zero in front, or none at all, is another text for the same port.
    let plain = digits.bytes().all(|byte| byte.is_ascii_digit()) && !digits.starts_with('0');
    digits.parse().ok().filter(|_| plain).ok_or(UriFault::Port)
}

fn has_dot_segment(path: &str) -> bool {
    // Some servers take an escaped slash or backslash for a separator, so it is one here.
    let plain = path.to_ascii_lowercase().replace("%2e", ".").replace("%2f", "/").replace("%5c", "/");
    plain.split('/').any(|segment| matches!(segment, "." | ".."))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn parts_are_pieces_of_the_text() {
        let uri = UriText::parse("https://App.example.com:8443/a/b?c=d/e?f").unwrap();
        assert_eq!((uri.scheme, uri.path, uri.query), ("https", "/a/b", Some("c=d/e?f")));
        assert_eq!(uri.authority, Some(Authority { host: "App.example.com", port: Some(8443) }));
        let uri = UriText::parse("http://[::1]?a").unwrap();
        assert_eq!((uri.host(), uri.path, uri.query), ("[::1]", "", Some("a")));
        let uri = UriText::parse("com.example.app:/cb").unwrap();
        assert_eq!((uri.scheme, uri.authority, uri.path), ("com.example.app", None, "/cb"));
    }

    #[test]
    fn doubtful_texts_are_refused() {
        let table = [
            ("", UriFault::NotAbsolute),
            ("/callback", UriFault::NotAbsolute),
            ("HTTPS://a.example/", UriFault::NotAbsolute),
            ("https:a.example/", UriFault::NotAbsolute),
            ("https:/a.example/", UriFault::NotAbsolute),
            ("https:///a.example/", UriFault::Host),
            ("https://", UriFault::Host),
            ("https://a.example/#", UriFault::Fragment),
            ("https://a.example/ b", UriFault::Character),
            ("https://a.example\\@b.example/", UriFault::Character),
            ("https://a.example/\r\nSet-Cookie:a=b", UriFault::Character),
            ("https://a.example/\u{202e}", UriFault::Character),
            ("https://ä.example/", UriFault::Character),
            ("https://a.example/%", UriFault::Escape),
            ("https://a.example/%4", UriFault::Escape),
            ("https://a.example/%zz", UriFault::Escape),
            ("https://a.example/%0d%0a", UriFault::HiddenControl),
            ("https://a.example/?a=%00", UriFault::HiddenControl),
            ("https://user@a.example/", UriFault::UserInformation),
            ("https://a.example@b.example/", UriFault::UserInformation),
            ("https://*.example.com/", UriFault::Host),
            ("https://a.example;script-src/", UriFault::Host),
            ("https://a.example,b.example/", UriFault::Host),
            ("https://0x7f.1/", UriFault::Host),
            ("https://2130706433/", UriFault::Host),
            ("https://127.1/", UriFault::Host),
            ("https://%6cocalhost/", UriFault::Host),
            ("https://[0:0::1]/", UriFault::Host),
            ("https://[::1/", UriFault::Host),
            ("https://a.example:/", UriFault::Port),
            ("https://a.example:0/", UriFault::Port),
            ("https://a.example:080/", UriFault::Port),
            ("https://a.example:+80/", UriFault::Port),
            ("https://a.example:65536/", UriFault::Port),
            ("https://a.example/a/../b", UriFault::DotSegment),
            ("https://a.example/a/%2E%2e", UriFault::DotSegment),
            ("https://a.example/a/.%2fb", UriFault::DotSegment),
            ("https://a.example/a/..%5cb", UriFault::DotSegment),
            ("https://a.example/.", UriFault::DotSegment),
        ];
        for (text, fault) in table {
            assert_eq!(UriText::parse(text), Err(fault), "{text}");
        }
        let long = format!("https://a.example/{}", "a".repeat(MAXIMUM_BYTES));
        assert_eq!(UriText::parse(&long), Err(UriFault::TooLong));
    }

    #[test]
    fn only_three_hosts_are_this_machine() {
        for text in ["http://localhost", "http://127.0.0.1:1/", "http://[::1]/a"] {
            assert!(UriText::parse(text).unwrap().is_loopback_http(), "{text}");
        }
        for text in [
            "https://localhost",
            "http://localhost.",
            "http://LOCALHOST",
            "http://127.0.0.2",
            "http://localhost.example.com",
            "http://127.0.0.1.example.com",
        ] {
            assert!(!UriText::parse(text).unwrap().is_loopback_http(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_accepted_is_what_browsers_reach(text in "https?://[a-zA-Z0-9:@.%*/?\\[\\]-]{0,40}") {
            if let Ok(uri) = UriText::parse(&text) {
                let url = ::url::Url::parse(&text).unwrap();
                prop_assert_eq!(url.scheme(), uri.scheme);
                let host = uri.host().to_ascii_lowercase();
                prop_assert_eq!(url.host_str(), Some(host.as_str()));
                let default = if uri.scheme == "https" { 443 } else { 80 };
                let written = uri.authority.and_then(|authority| authority.port);
                prop_assert_eq!(url.port_or_known_default(), Some(written.unwrap_or(default)));
                prop_assert_eq!(url.path().trim_start_matches('/'), uri.path.trim_start_matches('/'));
                prop_assert!(url.username().is_empty() && url.password().is_none());
            }
        }
    }
}

//! Where a request comes from, as far as it can be believed.
//!
//! A proxy in front tells its caller's address and scheme in `X-Forwarded-For` and `X-Forwarded-Proto`. Anybody can
//! write these headers, so they count only on connections from proxies the operator has named.

use std::net::{IpAddr, SocketAddr};

use http::header::USER_AGENT;
use http::{HeaderMap, HeaderValue};
use ipnet::IpNet;

/// Where a request comes from: an extension of every request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// The caller's address: the peer's, or what trusted proxies say.
    pub address: IpAddr,
    /// Whether the caller's own connection was encrypted, to here or to a trusted proxy.
    pub is_https: bool,
    /// Whether the caller itself is at the other end of the connection, and no proxy that counts.
    pub is_direct: bool,
    user_agent: Option<HeaderValue>,
}

/// Proxies whose word on callers counts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TrustedProxies(Vec<IpNet>);

impl Source {
    /// What the caller calls itself, cut where no honest name goes on; `None` if it is not plain text.
    pub fn user_agent(&self) -> Option<&str> {
        let text = self.user_agent.as_ref()?.to_str().ok()?;
        // A header that reads as text is ASCII.
        Some(&text[..text.len().min(LONGEST_USER_AGENT)])
    }
}

impl TrustedProxies {
    /// These networks; an address alone is a network of one.
    pub fn new(networks: Vec<IpNet>) -> Self {
        Self(networks)
    }

    /// Whether nobody is trusted.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether `address` is a proxy's.
    pub fn contains(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.0.iter().any(|network| network.contains(&address))
    }

    /// Where a request with these headers comes from, on a connection of `peer` that is encrypted or not.
    pub fn source(&self, peer: IpAddr, is_tls: bool, headers: &HeaderMap) -> Source {
        let peer = peer.to_canonical();
        let user_agent = headers.get(USER_AGENT).cloned();
        if !self.contains(peer) {
            return Source { address: peer, is_https: is_tls, is_direct: true, user_agent };
        }
        // The nearest proxy's own word stands last; what is before it may be the caller's invention.
        let scheme = headers.get_all(FORWARDED_PROTO).iter().next_back().and_then(last_item);
        let is_https = scheme.map_or(is_tls, |scheme| scheme.eq_ignore_ascii_case("https"));
        Source { address: self.caller(peer, headers), is_https, is_direct: false, user_agent }
    }

    /// The nearest address that is not a proxy's own. An entry that is no address ends the search: what comes before it
    /// was told by nobody who is known.
    fn caller(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        let mut nearest = peer;
        for told in headers.get_all(FORWARDED_FOR).iter().rev() {
            let Ok(list) = told.to_str() else { return nearest };
            for item in list.rsplit(',') {
                let Some(address) = forwarded_address(item.trim()) else { return nearest };
                nearest = address;
                if !self.contains(nearest) {
                    return nearest;
                }
            }
        }
        nearest
    }
}

fn last_item(value: &HeaderValue) -> Option<&str> {
    value.to_str().ok()?.rsplit(',').next().map(str::trim)
}

/// An address, with a port or without: some proxies add it.
fn forwarded_address(text: &str) -> Option<IpAddr> {
    let bare = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
    let address = bare.parse::<IpAddr>().or_else(|_| text.parse::<SocketAddr>().map(|address| address.ip()));
    address.ok().map(|address| address.to_canonical())
}

const FORWARDED_FOR: &str = "x-forwarded-for";
const FORWARDED_PROTO: &str = "x-forwarded-proto";
/// Browsers need some 150 characters, and this goes into records and events.
const LONGEST_USER_AGENT: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;

    type Header = (&'static str, &'static str);

    fn trusted() -> TrustedProxies {
        let networks = ["10.0.0.0/8", "192.0.2.7/32", "fd00::/16"];
        TrustedProxies::new(networks.iter().map(|network| network.parse().unwrap()).collect())
    }

    fn seen(peer: &str, headers: &[Header]) -> (String, bool) {
        let headers = headers.iter().map(|(name, value)| {
            (http::HeaderName::from_static(name), HeaderValue::from_bytes(value.as_bytes()).unwrap())
        });
        let source = trusted().source(peer.parse().unwrap(), false, &headers.collect());
        (source.address.to_string(), source.is_https)
    }

    #[test]
    fn only_trusted_proxies_are_believed_and_only_as_far_as_they_go() {
        const FOR: &str = FORWARDED_FOR;
        const PROTO: &str = FORWARDED_PROTO;
        let table: &[(&str, &[Header], &str, bool)] = &[
            // Somebody: nothing is believed.
            ("203.0.113.5", &[(FOR, "198.51.100.1"), (PROTO, "https")], "203.0.113.5", false),
            ("127.0.0.1", &[(FOR, "198.51.100.1")], "127.0.0.1", false),
            // A proxy: its caller.
            ("10.1.2.3", &[(FOR, "198.51.100.1"), (PROTO, "https")], "198.51.100.1", true),
            ("::ffff:10.1.2.3", &[(FOR, "198.51.100.1")], "198.51.100.1", false),
            ("fd00::1", &[(FOR, "2001:db8::9"), (PROTO, "HTTPS")], "2001:db8::9", true),
            ("10.1.2.3", &[], "10.1.2.3", false),
            // The caller's inventions stand before what the proxy adds.
            ("10.1.2.3", &[(FOR, "1.1.1.1, 198.51.100.1")], "198.51.100.1", false),
            ("10.1.2.3", &[(FOR, "1.1.1.1"), (FOR, "198.51.100.1")], "198.51.100.1", false),
            ("10.1.2.3", &[(PROTO, "https, http")], "10.1.2.3", false),
            ("10.1.2.3", &[(PROTO, "https"), (PROTO, "http")], "10.1.2.3", false),
            ("10.1.2.3", &[(PROTO, "http,https")], "10.1.2.3", true),
            // Proxies behind proxies.
            ("10.1.2.3", &[(FOR, "1.1.1.1, 198.51.100.1, 192.0.2.7,10.9.9.9")], "198.51.100.1", false),
            ("10.1.2.3", &[(FOR, "10.0.0.4, 10.0.0.5")], "10.0.0.4", false),
            // With ports.
            ("10.1.2.3", &[(FOR, "198.51.100.1:4711")], "198.51.100.1", false),
            ("10.1.2.3", &[(FOR, "[2001:db8::9]:4711")], "2001:db8::9", false),
            ("10.1.2.3", &[(FOR, "[2001:db8::9]")], "2001:db8::9", false),
            // What is no address ends the search.
            ("10.1.2.3", &[(FOR, "198.51.100.1, unknown, 10.0.0.5")], "10.0.0.5", false),
            ("10.1.2.3", &[(FOR, "")], "10.1.2.3", false),
            ("10.1.2.3", &[(FOR, "1.1.1.1, \u{e9}")], "10.1.2.3", false),
        ];
        for (peer, headers, address, is_https) in table {
            assert_eq!(seen(peer, headers), ((*address).to_owned(), *is_https), "{peer} {headers:?}");
        }
    }

    #[test]
    fn without_proxies_the_connection_itself_tells() {
        let nobody = TrustedProxies::default();
        let mut headers = HeaderMap::new();
        headers.insert(USER_AGENT, HeaderValue::from_str(&"x".repeat(1000)).unwrap());
        headers.insert(FORWARDED_PROTO, HeaderValue::from_static("http"));
        let source = nobody.source("::ffff:203.0.113.5".parse().unwrap(), true, &headers);
        assert_eq!((source.address.to_string().as_str(), source.is_https), ("203.0.113.5", true));
        assert_eq!(source.user_agent().map(str::len), Some(256));
        headers.insert(USER_AGENT, HeaderValue::from_bytes(b"caf\xc3\xa9").unwrap());
        assert_eq!(nobody.source("::1".parse().unwrap(), true, &headers).user_agent(), None);
    }
}

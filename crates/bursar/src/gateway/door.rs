//! Whether a request was meant for this gateway, and whether a page that sends it may.
//!
//! A page on the internet can point its own name at 127.0.0.1 (DNS rebinding), so the name a request came by must be
//! known; and a browser tells from which page it sends, so that is looked at too. Programs send no `Origin`.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_HEADERS,
    ACCESS_CONTROL_REQUEST_METHOD, HOST, ORIGIN, VARY,
};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Response, StatusCode, Uri};

use super::answer::Answer;
use super::hosts::{HostPattern, split};
use super::refusal::Refusal;

/// Which names and pages are known.
#[derive(Debug)]
pub(super) struct DoorRules {
    hosts: Vec<HostPattern>,
    origins: Vec<String>,
}

impl DoorRules {
    pub(super) fn new(hosts: &[String], origins: &[String]) -> Self {
        Self {
            hosts: hosts.iter().map(|host| HostPattern::new(host)).collect(),
            origins: origins.iter().map(|origin| origin.trim_end_matches('/').to_owned()).collect(),
        }
    }

    /// Refuses a request that came by a name that is not ours. `local` is where the gateway listens.
    pub(super) fn check_host(
        &self,
        uri: &Uri,
        headers: &HeaderMap,
        local: SocketAddr,
    ) -> Result<(), Refusal> {
        // RFC 9112 §3.2.2: an absolute target is what a forward proxy is sent, and this is none.
        if uri.authority().is_some() || uri.scheme().is_some() {
            return Err(Refusal::new(
                StatusCode::MISDIRECTED_REQUEST,
                "not_a_proxy",
                "this is no forward proxy",
            )
            .hint("send the request to a route, such as /gateway/NAME/..."));
        }
        let mut values = headers.get_all(HOST).iter();
        let (host, more) = (values.next().and_then(|value| value.to_str().ok()), values.next());
        if more.is_none() && host.is_some_and(|host| self.knows(host, local.port())) {
            return Ok(());
        }
        Err(Refusal::new(
            StatusCode::MISDIRECTED_REQUEST,
            "unknown_host",
            "the request came by a name that is not this gateway's",
        )
        .hint("call it by its address, or add the name to `gateway.hosts`"))
    }

    fn knows(&self, authority: &str, local: u16) -> bool {
        let (host, port) = split(authority);
        let port = port.unwrap_or(HTTP_PORT);
        (is_loopback(host) && port == local) || self.hosts.iter().any(|known| known.fits(host, port))
    }

    /// Refuses a page that is not listed; `Some` when a listed one sends the request.
    pub(super) fn check_origin(&self, headers: &HeaderMap) -> Result<Option<HeaderValue>, Refusal> {
        let mut origins = headers.get_all(ORIGIN).iter();
        let Some(origin) = origins.next() else { return Ok(None) };
        let listed = origin.to_str().is_ok_and(|origin| {
            // A sandboxed page says `null`, and so do all others like it: that can be listed for nobody.
            origin != "null" && self.origins.iter().any(|known| known.eq_ignore_ascii_case(origin))
        });
        if listed && origins.next().is_none() {
            return Ok(Some(origin.clone()));
        }
        Err(Refusal::new(
            StatusCode::FORBIDDEN,
            "origin_refused",
            "pages of this origin may not use the gateway",
        )
        .hint("add it to `gateway.origins` if you trust every page there with your accounts"))
    }
}

/// The answer to the question a browser asks before a request (Fetch standard, CORS-preflight); `None`: it is no such
/// question.
pub(super) fn preflight(method: &Method, headers: &HeaderMap) -> Option<Response<Answer>> {
    let wanted = headers.get(ACCESS_CONTROL_REQUEST_METHOD).filter(|_| method == Method::OPTIONS)?;
    let mut answer = Response::new(Answer::empty());
    *answer.status_mut() = StatusCode::NO_CONTENT;
    let allowed = answer.headers_mut();
    allowed.insert(ACCESS_CONTROL_ALLOW_METHODS, wanted.clone());
    if let Some(names) = headers.get(ACCESS_CONTROL_REQUEST_HEADERS) {
        allowed.insert(ACCESS_CONTROL_ALLOW_HEADERS, names.clone());
    }
    if headers.contains_key(REQUEST_PRIVATE_NETWORK) {
        allowed.insert(ALLOW_PRIVATE_NETWORK, HeaderValue::from_static("true"));
    }
    allowed.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("600"));
    Some(answer)
}

/// Lets a listed page read the answer.
pub(super) fn open_to(origin: HeaderValue, headers: &mut HeaderMap) {
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static("*"));
    headers.append(VARY, HeaderValue::from_static("Origin"));
}

fn is_loopback(host: &str) -> bool {
    let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    match bare {
        Some(bare) => bare.parse::<Ipv6Addr>().is_ok_and(|address| address.is_loopback()),
        // Browsers never ask the network for `localhost` (RFC 6761 §6.3), so nobody can point it elsewhere.
        None if host.eq_ignore_ascii_case("localhost") => true,
        None => host.parse::<IpAddr>().is_ok_and(|address| address.is_ipv4() && address.is_loopback()),
    }
}

const HTTP_PORT: u16 = 80;
const REQUEST_PRIVATE_NETWORK: HeaderName = HeaderName::from_static("access-control-request-private-network");
const ALLOW_PRIVATE_NETWORK: HeaderName = HeaderName::from_static("access-control-allow-private-network");

#[cfg(test)]
mod tests {
    use super::*;

    fn local() -> SocketAddr {
        "127.0.0.1:8791".parse().unwrap()
    }

    #[test]
    fn only_loopback_literals_with_the_right_port_and_listed_names_are_ours() {
        let rules = DoorRules::new(&["gateway.internal".to_owned(), "other.test:444".to_owned()], &[]);
        for (host, known) in [
            ("127.0.0.1:8791", true),
            ("127.0.0.2:8791", true),
            ("[::1]:8791", true),
            ("localhost:8791", true),
            ("LOCALHOST:8791", true),
            ("gateway.internal", true),
            ("Gateway.Internal:8791", true),
            ("other.test:444", true),
            ("other.test", false),
            ("127.0.0.1", false),
            ("127.0.0.1:8790", false),
            ("127.0.0.1:87910", false),
            ("10.0.0.1:8791", false),
            ("rebound.attacker.test:8791", false),
            ("127.0.0.1.attacker.test:8791", false),
            ("localhost.attacker.test:8791", false),
            ("user@127.0.0.1:8791", false),
            ("2130706433:8791", false),
            ("", false),
        ] {
            let headers = HeaderMap::from_iter([(HOST, HeaderValue::from_str(host).unwrap())]);
            let found = rules.check_host(&Uri::from_static("/gateway/x"), &headers, local());
            assert_eq!(found.is_ok(), known, "{host}");
        }
        let none = rules.check_host(&Uri::from_static("/gateway/x"), &HeaderMap::new(), local());
        assert!(none.is_err(), "no host at all");
    }

    #[test]
    fn absolute_targets_and_two_hosts_are_refused() {
        let rules = DoorRules::new(&[], &[]);
        let host = (HOST, HeaderValue::from_static("127.0.0.1:8791"));
        let headers = HeaderMap::from_iter([host.clone()]);
        for uri in ["http://127.0.0.1:8791/gateway/x", "http://evil.test/gateway/x", "evil.test:443"] {
            assert!(rules.check_host(&uri.parse().unwrap(), &headers, local()).is_err(), "{uri}");
        }
        let twice = HeaderMap::from_iter([host.clone(), host]);
        assert!(rules.check_host(&Uri::from_static("/gateway/x"), &twice, local()).is_err());
    }

    #[test]
    fn an_origin_must_be_listed_and_null_never_is() {
        let rules = DoorRules::new(&[], &["https://app.test/".to_owned(), "null".to_owned()]);
        for (origin, passes) in [
            (None, true),
            (Some("https://app.test"), true),
            (Some("HTTPS://App.test"), true),
            (Some("https://app.test:8443"), false),
            (Some("http://app.test"), false),
            (Some("https://app.test.evil.test"), false),
            (Some("null"), false),
            (Some(""), false),
        ] {
            let headers: HeaderMap =
                origin.map(|origin| (ORIGIN, HeaderValue::from_static(origin))).into_iter().collect();
            assert_eq!(rules.check_origin(&headers).is_ok(), passes, "{origin:?}");
        }
    }
}

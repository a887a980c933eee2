//! Which header fields cross the gateway: none that speak of the connection, the caller's rights, or its machine.

use http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, AUTHORIZATION,
    CONNECTION, COOKIE, EXPECT, FORWARDED, HOST, HeaderName, ORIGIN, PROXY_AUTHENTICATE, PROXY_AUTHORIZATION,
    REFERER, SET_COOKIE, TE, TRAILER, TRANSFER_ENCODING, UPGRADE,
};
use http::{HeaderMap, HeaderValue};

/// Removes from a request what must not reach the upstream.
///
/// `injected` is the header that will carry the account's token: what the caller wrote there would stand beside it.
pub(super) fn strip_request(headers: &mut HeaderMap, injected: Option<&HeaderName>) {
    strip_hop_by_hop(headers);
    for name in NEVER_PASSED_ON {
        headers.remove(name);
    }
    if let Some(name) = injected {
        headers.remove(name);
    }
    let spoken: Vec<HeaderName> =
        headers.keys().filter(|name| is_of_the_callers_machine(name)).cloned().collect();
    for name in spoken {
        headers.remove(name);
    }
}

/// Removes from an answer what belongs to the connection with the upstream, the cookies of a session that callers
/// would otherwise own beyond their own token's end, and the upstream's word on which pages may read it: the gateway
/// has its own.
pub(super) fn strip_answer(headers: &mut HeaderMap) {
    strip_hop_by_hop(headers);
    for name in NEVER_PASSED_BACK {
        headers.remove(name);
    }
}

/// The protocol the message wants to go on with, if it wants to and the gateway lets it (RFC 9110 §7.8).
pub(super) fn upgrade(headers: &HeaderMap) -> Option<HeaderValue> {
    let wanted = headers.get(UPGRADE)?;
    let named = connection_options(headers).any(|option| option == UPGRADE);
    // An upgrade to HTTP itself would be a tunnel for requests that nobody looks at: past the routes, the paths and
    // the caller's limits.
    let text = wanted.to_str().ok()?.trim().to_ascii_lowercase();
    let smuggles = text.split(',').any(|protocol| {
        let protocol = protocol.trim();
        protocol == "h2c" || protocol.starts_with("http") || protocol.starts_with("tls")
    });
    (named && !smuggles).then(|| wanted.clone())
}

/// RFC 9110 §7.6.1: fields of one connection, those it names itself included.
fn strip_hop_by_hop(headers: &mut HeaderMap) {
    // `keep-alive` names itself; most messages have nothing else here.
    let named: Vec<HeaderName> = connection_options(headers).collect();
    for name in named {
        headers.remove(name);
    }
    for name in HOP_BY_HOP {
        headers.remove(name);
    }
}

fn connection_options(headers: &HeaderMap) -> impl Iterator<Item = HeaderName> {
    headers
        .get_all(CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|option| HeaderName::from_bytes(option.trim().as_bytes()).ok())
}

fn is_of_the_callers_machine(name: &HeaderName) -> bool {
    let name = name.as_str();
    name.starts_with("x-forwarded-") || name.starts_with("sec-fetch-") || name.starts_with("access-control-")
}

/// Carries a gateway token where a tool has no other place for it.
pub(super) const BURSAR_TOKEN: HeaderName = HeaderName::from_static("x-bursar-token");
/// Carries a gateway token in tools that know keys only.
pub(super) const API_KEY: HeaderName = HeaderName::from_static("x-api-key");

const HOP_BY_HOP: [HeaderName; 8] = [
    CONNECTION,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
    PROXY_AUTHENTICATE,
    TE,
    TRAILER,
    TRANSFER_ENCODING,
    UPGRADE,
];

/// Credentials for us, the name we were called by, and what a browser tells about its page: the gateway has judged
/// that already. `Expect` was answered by the gateway's own server.
const NEVER_PASSED_ON: [HeaderName; 12] = [
    AUTHORIZATION,
    PROXY_AUTHORIZATION,
    API_KEY,
    BURSAR_TOKEN,
    COOKIE,
    HeaderName::from_static("cookie2"),
    HOST,
    ORIGIN,
    REFERER,
    EXPECT,
    FORWARDED,
    HeaderName::from_static("x-real-ip"),
];

const NEVER_PASSED_BACK: [HeaderName; 8] = [
    SET_COOKIE,
    ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_ALLOW_CREDENTIALS,
    ACCESS_CONTROL_ALLOW_HEADERS,
    ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_EXPOSE_HEADERS,
    ACCESS_CONTROL_MAX_AGE,
    HeaderName::from_static("access-control-allow-private-network"),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&str, &str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| {
                (HeaderName::from_bytes(name.as_bytes()).unwrap(), HeaderValue::from_str(value).unwrap())
            })
            .collect()
    }

    fn names(headers: &HeaderMap) -> Vec<&str> {
        let mut names: Vec<&str> = headers.keys().map(HeaderName::as_str).collect();
        names.sort_unstable();
        names
    }

    #[test]
    fn nothing_of_connection_rights_or_machine_reaches_the_upstream() {
        let mut request = headers(&[
            ("Host", "127.0.0.1:8791"),
            ("AUTHORIZATION", "Bearer bgw_x"),
            ("Proxy-Authorization", "Basic x"),
            ("X-API-Key", "bgw_x"),
            ("X-Bursar-Token", "bgw_x"),
            ("Cookie", "a=b"),
            ("Private-TOKEN", "mine"),
            ("Connection", "keep-alive, X-Secret-Hop"),
            ("Connection", "close"),
            ("X-Secret-Hop", "1"),
            ("Keep-Alive", "timeout=5"),
            ("Proxy-Connection", "keep-alive"),
            ("TE", "trailers"),
            ("Trailer", "X-Sum"),
            ("Transfer-Encoding", "chunked"),
            ("Upgrade", "websocket"),
            ("Expect", "100-continue"),
            ("Forwarded", "for=10.0.0.1"),
            ("X-Forwarded-For", "10.0.0.1"),
            ("X-Forwarded-Anything", "1"),
            ("X-Real-IP", "10.0.0.1"),
            ("Origin", "https://a.test"),
            ("Referer", "https://a.test/secret"),
            ("Sec-Fetch-Site", "cross-site"),
            ("Accept", "text/event-stream"),
            ("Content-Type", "application/json"),
            ("Content-Length", "2"),
            ("User-Agent", "tool/1"),
            ("Anthropic-Version", "2023-06-01"),
        ]);
        strip_request(&mut request, Some(&HeaderName::from_static("private-token")));
        assert_eq!(
            names(&request),
            ["accept", "anthropic-version", "content-length", "content-type", "user-agent"]
        );
    }

    #[test]
    fn answers_lose_what_speaks_of_the_upstreams_connection() {
        let mut answer = headers(&[
            ("Connection", "X-Hop"),
            ("X-Hop", "1"),
            ("Keep-Alive", "timeout=5"),
            ("Transfer-Encoding", "chunked"),
            ("Set-Cookie", "session=1"),
            ("Access-Control-Allow-Origin", "*"),
            ("Content-Type", "text/plain"),
            ("WWW-Authenticate", "Bearer"),
            ("Location", "https://a.test/"),
        ]);
        strip_answer(&mut answer);
        assert_eq!(names(&answer), ["content-type", "location", "www-authenticate"]);
    }

    #[test]
    fn only_an_upgrade_that_is_announced_and_is_no_http_is_one() {
        for (pairs, found) in [
            (&[("connection", "Upgrade"), ("upgrade", "websocket")][..], Some("websocket")),
            (&[("connection", "keep-alive, upgrade"), ("upgrade", "tcp")], Some("tcp")),
            (&[("upgrade", "websocket")], None),
            (&[("connection", "upgrade")], None),
            (&[("connection", "Upgrade, HTTP2-Settings"), ("upgrade", "h2c")], None),
            (&[("connection", "upgrade"), ("upgrade", "websocket, H2C")], None),
            (&[("connection", "upgrade"), ("upgrade", "HTTP/2.0")], None),
            (&[("connection", "upgrade"), ("upgrade", "TLS/1.3")], None),
        ] {
            let value = upgrade(&headers(pairs));
            assert_eq!(value.as_ref().and_then(|value| value.to_str().ok()), found, "{pairs:?}");
        }
    }
}

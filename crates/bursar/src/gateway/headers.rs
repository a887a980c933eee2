//! Which header fields cross the gateway: none that speak of the connection, the caller's rights, or its machine.

use http::header::{CONNECTION, HeaderName, UPGRADE};
use http::{HeaderMap, HeaderValue};

/// What of a request's header reaches the upstream.
///
/// `injected` is the field that will carry the account's token: what the caller wrote there would stand beside it.
pub(super) fn passed_on(headers: &HeaderMap, injected: Option<&HeaderName>) -> HeaderMap {
    let of_the_connection = named_by_connection(headers);
    let stays = |name: &HeaderName| {
        is_hop_by_hop(name)
            || is_never_passed_on(name)
            || injected == Some(name)
            || of_the_connection.contains(name)
    };
    // Room for host, token and proof.
    let mut passed = HeaderMap::with_capacity(headers.len() + 3);
    for (name, value) in headers {
        if !stays(name) {
            passed.append(name, value.clone());
        }
    }
    passed
}

/// Removes from an answer what belongs to the connection with the upstream, the cookies of a session that callers
/// would otherwise own beyond their own token's end, and the upstream's word on which pages may read it: the gateway
/// has its own.
pub(super) fn strip_answer(headers: &mut HeaderMap) {
    let of_the_connection = named_by_connection(headers);
    let stays = |name: &&HeaderName| {
        is_hop_by_hop(name) || is_never_passed_back(name) || of_the_connection.contains(name)
    };
    while let Some(name) = headers.keys().find(stays).cloned() {
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

/// Fields a message calls its connection's own, besides those that always are (RFC 9110 §7.6.1).
fn named_by_connection(headers: &HeaderMap) -> Vec<HeaderName> {
    connection_options(headers).filter(|name| !is_hop_by_hop(name)).collect()
}

fn connection_options(headers: &HeaderMap) -> impl Iterator<Item = HeaderName> {
    headers
        .get_all(CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|option| HeaderName::from_bytes(option.trim().as_bytes()).ok())
}

/// Fields of one connection (RFC 9110 §7.6.1).
fn is_hop_by_hop(name: &HeaderName) -> bool {
    matches!(
        name.as_str(),
        "connection"
            | "keep-alive"
            | "proxy-connection"
            | "proxy-authenticate"
            | "te"
            | "trailer"
            | "transfer-encoding"
            | "upgrade"
    )
}

/// Credentials for us, the name we were called by, and what tells of the caller's machine or, by a browser, of its page: the
/// gateway has judged that already. `Expect` was answered by the gateway's own server.
fn is_never_passed_on(name: &HeaderName) -> bool {
    matches!(
        name.as_str(),
        "authorization"
            | "proxy-authorization"
            | "x-api-key"
            | "x-bursar-token"
            | "cookie"
            | "cookie2"
            | "dpop"
            | "host"
            | "origin"
            | "referer"
            | "expect"
            | "forwarded"
            | "x-real-ip"
    ) || ["x-forwarded-", "sec-fetch-", "access-control-"]
        .iter()
        .any(|beginning| name.as_str().starts_with(beginning))
}

fn is_never_passed_back(name: &HeaderName) -> bool {
    matches!(
        name.as_str(),
        "set-cookie"
            | "dpop-nonce"
            | "access-control-allow-origin"
            | "access-control-allow-credentials"
            | "access-control-allow-headers"
            | "access-control-allow-methods"
            | "access-control-expose-headers"
            | "access-control-max-age"
            | "access-control-allow-private-network"
    )
}

/// Carries a gateway token where a tool has no other place for it.
pub(super) const BURSAR_TOKEN: HeaderName = HeaderName::from_static("x-bursar-token");
/// Carries a gateway token in tools that know keys only.
pub(super) const API_KEY: HeaderName = HeaderName::from_static("x-api-key");

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
        let request = headers(&[
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
        let passed = passed_on(&request, Some(&HeaderName::from_static("private-token")));
        assert_eq!(
            names(&passed),
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

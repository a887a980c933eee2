//! Targets and framing by hand: nothing leaves the upstream's prefix or host, and no request hides in another.

use super::client::{exchange, status};
use super::upstream::Upstream;
use super::world::{World, route};

async fn world() -> (World, Upstream) {
    let upstream = Upstream::agreeable().await;
    let world = World::with(&route("api", &upstream.url("/base"))).await;
    (world, upstream)
}

#[tokio::test(flavor = "multi_thread")]
async fn no_target_leaves_the_upstreams_prefix_or_host() {
    let (world, upstream) = world().await;
    let stranger = Upstream::agreeable().await;
    for target in [
        "/gateway/api/../secret",
        "/gateway/api/..",
        "/gateway/api/a/../../secret",
        "/gateway/api/%2e%2e/secret",
        "/gateway/api/.%2E/secret",
        "/gateway/api/%252e%252e/secret",
        "/gateway/api/a%2f..%2f..%2fsecret",
        "/gateway/api/..%2fsecret",
        "/gateway/api/..%5csecret",
        "/gateway/api/..;/secret",
        "/gateway/api/%00",
        "/gateway/api/a%0d%0aHost:%20evil.test",
        &format!("/gateway/api//{}/x", stranger.address),
        &format!("/gateway/api/%2f{}/x", stranger.address),
        &format!("http://{}/x", stranger.address),
        &format!("http://{}/gateway/api/x", stranger.address),
        &format!("{}", stranger.address),
        "/gateway/api@evil.test/x",
        "/gateway/../gateway/api/x",
        "//gateway/api/x",
        "*",
    ] {
        let request = format!(
            "GET {target} HTTP/1.1\r\nHost: {}\r\nX-Bursar-Token: {}\r\nConnection: close\r\n\r\n",
            world.address(),
            world.token
        );
        let answer = exchange(world.address(), request.as_bytes()).await;
        assert!(matches!(status(&answer), "400" | "404" | "421"), "{target}: {answer}");
    }
    assert!(upstream.arrivals().is_empty(), "{:?}", upstream.arrivals());
    assert!(stranger.arrivals().is_empty());

    for target in ["/gateway/api/group%2Fproject/a..b/.hidden?x=../..", "/gateway/api", "/gateway/api/"] {
        let request = format!(
            "GET {target} HTTP/1.1\r\nHost: {}\r\nX-Bursar-Token: {}\r\nConnection: close\r\n\r\n",
            world.address(),
            world.token
        );
        assert_eq!(status(&exchange(world.address(), request.as_bytes()).await), "200", "{target}");
    }
    let targets: Vec<String> = upstream.arrivals().into_iter().map(|arrival| arrival.target).collect();
    assert_eq!(targets, ["/base/group%2Fproject/a..b/.hidden?x=../..", "/base", "/base/"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_gateway_is_no_tunnel_for_connect() {
    let (world, upstream) = world().await;
    for target in [upstream.address.to_string(), "evil.test:443".to_owned()] {
        let request = format!(
            "CONNECT {target} HTTP/1.1\r\nHost: {}\r\nX-Bursar-Token: {}\r\nConnection: close\r\n\r\n",
            world.address(),
            world.token
        );
        let answer = exchange(world.address(), request.as_bytes()).await;
        assert_eq!(status(&answer), "421", "{answer}");
    }
    assert!(upstream.arrivals().is_empty());
}

/// RFC 9112 §6.3: where two lengths disagree, somebody reads a second request where another sees a body.
#[tokio::test(flavor = "multi_thread")]
async fn no_request_hides_in_the_body_of_another() {
    let (world, upstream) = world().await;
    let hidden = "GET /gateway/api/hidden HTTP/1.1\r\nHost: x\r\n\r\n";
    let ambiguous = [
        format!("Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n{hidden}"),
        format!("Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n{hidden}"),
        format!("Content-Length: 0\r\nContent-Length: {}\r\n\r\n{hidden}", hidden.len()),
        format!("Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n{hidden}"),
        format!("Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n{hidden}"),
        format!("Content-Length: +4\r\n\r\n0\r\n\r\n{hidden}"),
        format!("X-Folded: a\r\n Transfer-Encoding: chunked\r\nContent-Length: 0\r\n\r\n{hidden}"),
        format!("Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n{hidden}"),
        format!("X-Null: a\0b\r\nContent-Length: 0\r\n\r\n{hidden}"),
    ];
    for fields in ambiguous {
        let request = format!(
            "POST /gateway/api/seen HTTP/1.1\r\nHost: {}\r\nX-Bursar-Token: {}\r\n{fields}",
            world.address(),
            world.token
        );
        let answer = exchange(world.address(), request.as_bytes()).await;
        let answers = answer.matches("HTTP/1.1 ").count();
        // What was not refused outright reached the upstream as exactly one request, newly framed, and the connection
        // ended after it or went on to a request without rights.
        let sound = status(&answer) == "400" || (status(&answer) == "200" && !answer.contains("hidden"));
        assert!(sound && answers <= 2, "{fields:?}: {answer}");
    }
    for arrival in upstream.arrivals() {
        assert_eq!((arrival.target.as_str(), arrival.body.as_str()), ("/base/seen", ""), "{arrival:?}");
        let both = arrival.headers.contains_key("content-length")
            && arrival.headers.contains_key("transfer-encoding");
        assert!(!both, "{arrival:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn headers_that_never_end_or_are_too_large_are_refused() {
    let (world, upstream) = world().await;
    let head = format!(
        "GET /gateway/api/x HTTP/1.1\r\nHost: {}\r\nX-Bursar-Token: {}\r\n",
        world.address(),
        world.token
    );
    let large = format!("{head}X-Large: {}\r\n\r\n", "a".repeat(128 * 1024));
    let many = format!("{head}{}\r\n", "X-Many: a\r\n".repeat(2000));
    for request in [large, many] {
        let answer = exchange(world.address(), request.as_bytes()).await;
        assert_eq!(status(&answer), "431", "{answer}");
    }
    assert!(upstream.arrivals().is_empty());
}

//! Proxies that work, refuse, hang or are not there.

use std::io::Write as _;
use std::time::Duration;

use bursar::config::environment::Environment;
use bursar_core::ports::upstream::SendCause::{Proxy, Timeout, Tls};
use bursar_core::ports::upstream::SendPhase::BeforeRequest;
use bursar_core::ports::upstream::{SendLimits, Upstream as _};

use super::servers::{
    Authority, Server, VALID, answering, connect_proxy, hold, nobody, read_request, recording, self_signed,
    tls,
};
use super::upstream::{PATIENT, assert_failed, limits, request, send};
use super::upstream_tls::trusting;

fn through(proxy: &str, time: Duration) -> SendLimits {
    SendLimits { proxy: Some(proxy.to_owned()), ..limits(time) }
}

#[tokio::test]
async fn the_environments_proxy_carries_tls_to_the_named_host() {
    let authority = Authority::new("ours");
    let (proxy, seen) = connect_proxy(tls(authority.identity("provider.test", VALID)).address);
    let proxy = format!("http://ada:hunter2@{}", proxy.address);
    let environment = Environment::from_pairs([("HTTPS_PROXY", proxy.as_str())]);
    let upstream = trusting(&authority, &environment);
    let response = upstream.send(request("https://provider.test/token"), limits(PATIENT)).await.unwrap();
    assert_eq!(response.body().expose(), b"ok");
    let seen = seen.lock().unwrap().join("").to_ascii_lowercase();
    assert!(seen.starts_with("connect provider.test:443 "), "{seen}");
    assert!(seen.contains("proxy-authorization: basic "), "{seen}");
}

#[tokio::test]
async fn a_calls_own_proxy_wins_and_the_empty_one_means_none() {
    let (server, _) = recording();
    let (proxy, seen) = recording();
    send(&server.http("/"), through(&proxy.http(""), PATIENT)).await.unwrap();
    assert_eq!((server.connections(), proxy.connections()), (0, 1));
    assert!(seen.lock().unwrap()[0].starts_with(&format!("POST http://{}/ ", server.address)));
    send(&server.http("/"), through("", PATIENT)).await.unwrap();
    assert_eq!((server.connections(), proxy.connections()), (1, 1));
}

#[tokio::test]
async fn a_proxy_that_is_not_there_is_the_proxys_failure() {
    for scheme in ["http", "https", "socks5", "socks5h"] {
        for url in ["https://provider.test/", "http://provider.test/"] {
            let result = send(url, through(&format!("{scheme}://{}", nobody()), PATIENT)).await;
            if scheme == "socks5" {
                // This scheme resolves the name here, so that fails first.
                let error = result.unwrap_err();
                assert_eq!(error.phase, BeforeRequest, "{error}");
            } else {
                assert_failed(result, BeforeRequest, Proxy);
            }
        }
    }
    let result = send("https://provider.test/", through("http://no-such-proxy.invalid:1", PATIENT)).await;
    let detail = assert_failed(result, BeforeRequest, Proxy);
    assert!(detail.contains("no-such-proxy.invalid"), "{detail}");
}

#[tokio::test]
async fn a_proxy_that_refuses_is_the_proxys_failure() {
    let refusals = [
        "HTTP/1.1 407 Proxy Authentication Required\r\ncontent-length: 0\r\n\r\n",
        "HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n",
        "HTTP/1.1 502 Bad Gateway\r\ncontent-length: 0\r\n\r\n",
        "garbage\r\n\r\n",
        "",
    ];
    for refusal in refusals {
        let proxy = answering(refusal);
        let result = send("https://provider.test/", through(&proxy.http(""), PATIENT)).await;
        assert_failed(result, BeforeRequest, Proxy);
        assert_eq!(proxy.connections(), 1);
    }
}

#[tokio::test]
async fn a_proxy_that_wants_a_login_for_plain_http_has_passed_nothing_on() {
    let proxy = answering("HTTP/1.1 407 Proxy Authentication Required\r\ncontent-length: 0\r\n\r\n");
    let result = send("http://provider.test/", through(&proxy.http(""), PATIENT)).await;
    assert_failed(result, BeforeRequest, Proxy);
}

#[tokio::test]
async fn a_proxy_that_hangs_is_a_timeout_before_the_request() {
    let proxy = Server::start(hold);
    let result = send("https://provider.test/", through(&proxy.http(""), Duration::from_millis(300))).await;
    let detail = assert_failed(result, BeforeRequest, Timeout);
    assert!(detail.contains("proxy"), "{detail}");
}

#[tokio::test]
async fn a_bad_certificate_behind_a_proxy_is_told_as_such() {
    let (proxy, _) = connect_proxy(tls(self_signed("provider.test")).address);
    let result = send("https://provider.test/", through(&proxy.http(""), PATIENT)).await;
    let detail = assert_failed(result, BeforeRequest, Tls);
    assert!(detail.contains("self-signed"), "{detail}");
}

#[tokio::test]
async fn a_tunnel_cut_in_the_handshake_is_before_the_request() {
    let proxy = Server::start(|mut stream| {
        read_request(&mut stream);
        stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").unwrap();
    });
    let result = send("https://provider.test/", through(&proxy.http(""), PATIENT)).await;
    assert_failed(result, BeforeRequest, Tls);
}

#[tokio::test]
async fn a_proxy_url_that_makes_no_sense_is_told_without_repeating_it() {
    for proxy in ["http://ada:hunter2@[", "gopher://ada:hunter2@proxy"] {
        assert_failed(send("https://provider.test/", through(proxy, PATIENT)).await, BeforeRequest, Proxy);
    }
}

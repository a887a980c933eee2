//! Every way a call can fail on a plain connection, and how it is told.

use std::io::Write as _;
use std::sync::Arc;
use std::time::Duration;

use bursar::config::environment::Environment;
use bursar::config::meaning::NetworkConfig;
use bursar::system::SystemClock;
use bursar::upstream_http::HttpUpstream;
use bursar_core::ports::upstream::SendCause::{Connect, Cut, Dns, Forbidden, Timeout, TooLarge};
use bursar_core::ports::upstream::SendPhase::{AfterRequest, BeforeRequest};
use bursar_core::ports::upstream::{
    Body, Request, Response, SendCause, SendError, SendLimits, SendPhase, Upstream as _, UrlOrigin,
};

use super::servers::{OK, Server, answering, hold, nobody, read_request, recording};

pub(super) fn upstream() -> HttpUpstream {
    HttpUpstream::new(&Environment::default(), &NetworkConfig::default(), Arc::new(SystemClock))
}

/// Long enough for a loaded machine where the answer matters.
pub(super) const PATIENT: Duration = Duration::from_secs(20);

pub(super) fn limits(time: Duration) -> SendLimits {
    SendLimits { time, body: 1000, ..SendLimits::default() }
}

pub(super) fn request(url: &str) -> Request {
    let body = Body::new("grant_type=refresh_token&refresh_token=hunter2");
    http::Request::post(url).header("content-type", "application/x-www-form-urlencoded").body(body).unwrap()
}

pub(super) async fn send(url: &str, limits: SendLimits) -> Result<Response, SendError> {
    upstream().send(request(url), limits).await
}

#[track_caller]
pub(super) fn assert_failed(
    result: Result<Response, SendError>,
    phase: SendPhase,
    cause: SendCause,
) -> String {
    let error = result.expect_err("the call fails");
    assert_eq!((error.phase, error.cause), (phase, cause), "{error}");
    assert!(!error.to_string().contains("hunter2"), "{error}");
    error.detail
}

#[tokio::test]
async fn a_request_arrives_whole_and_its_answer_too() {
    let (server, requests) = recording();
    let response = send(&server.http("/token?a=b"), limits(PATIENT)).await.unwrap();
    assert_eq!((response.status().as_u16(), response.body().expose()), (200, b"ok".as_slice()));
    assert_eq!(response.headers()["x-kind"], "good");
    let seen = requests.lock().unwrap().join("").to_ascii_lowercase();
    assert!(seen.starts_with("post /token?a=b http/1.1\r\n"), "{seen}");
    assert!(seen.contains(concat!("user-agent: bursar/", env!("CARGO_PKG_VERSION"), "\r\n")), "{seen}");
    assert!(seen.ends_with("\r\n\r\ngrant_type=refresh_token&refresh_token=hunter2"), "{seen}");
}

#[tokio::test]
async fn redirects_are_answers_and_are_not_followed() {
    let (other, _) = recording();
    let answer = format!("HTTP/1.1 307 Go\r\nlocation: {}\r\ncontent-length: 0\r\n\r\n", other.http("/"));
    let response = send(&answering(answer).http("/"), limits(PATIENT)).await.unwrap();
    assert_eq!((response.status().as_u16(), other.connections()), (307, 0));
}

#[tokio::test]
async fn nobody_listening_is_certainly_before_the_request() {
    let result = send(&format!("http://{}/", nobody()), limits(PATIENT)).await;
    let detail = assert_failed(result, BeforeRequest, Connect);
    assert!(detail.contains("refused"), "{detail}");
}

#[tokio::test]
async fn a_name_without_address_is_certainly_before_the_request() {
    assert_failed(send("http://no-such-host.invalid/", limits(PATIENT)).await, BeforeRequest, Dns);
}

#[tokio::test]
async fn a_connection_closed_at_once_may_have_carried_the_request_and_is_not_tried_again() {
    let server = Server::start(drop);
    assert_failed(send(&server.http("/"), limits(PATIENT)).await, AfterRequest, Cut);
    assert_eq!(server.connections(), 1);
}

#[tokio::test]
async fn a_request_that_was_read_and_never_answered_is_not_sent_again() {
    let server = answering("");
    assert_failed(send(&server.http("/"), limits(PATIENT)).await, AfterRequest, Cut);
    assert_eq!(server.connections(), 1);
}

#[tokio::test]
async fn silence_after_the_request_is_a_timeout_after_it() {
    let server = Server::start(hold);
    let result = send(&server.http("/"), limits(Duration::from_millis(300))).await;
    assert_failed(result, AfterRequest, Timeout);
}

#[tokio::test]
async fn an_answer_that_dribbles_past_the_limit_is_a_timeout_after_it() {
    let server = Server::start(|mut stream| {
        read_request(&mut stream);
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf").unwrap();
        hold(stream);
    });
    let result = send(&server.http("/"), limits(Duration::from_millis(300))).await;
    assert_failed(result, AfterRequest, Timeout);
}

#[tokio::test]
async fn half_an_answer_is_a_cut_wherever_it_ends() {
    let halves = [
        "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{\"access_token\":",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n",
        "HTTP/1.1 200 OK\r\ncontent-le",
        "HTTP/1.1 2",
        "this is not HTTP at all\r\n\r\n",
    ];
    for half in halves {
        assert_failed(send(&answering(half).http("/"), limits(PATIENT)).await, AfterRequest, Cut);
    }
}

#[tokio::test]
async fn a_body_over_the_cap_is_refused_announced_streamed_or_packed() {
    let announced = answering(format!("HTTP/1.1 200 OK\r\ncontent-length: 1001\r\n\r\n{}", "x".repeat(1001)));
    let streamed = answering(format!(
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3e9\r\n{}\r\n0\r\n\r\n",
        "x".repeat(1001)
    ));
    let endless = Server::start(|mut stream| {
        read_request(&mut stream);
        stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").unwrap();
        while stream.write_all(&[b'x'; 4096]).is_ok() {}
    });
    // 100,000 zero bytes.
    let packed = base64(
        "H4sIAAAAAAACA+3BMQEAAADCoPVPbQ0PoAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\
         AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAIBXA32VEdSghgEA",
    );
    let head =
        format!("HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: {}\r\n\r\n", packed.len());
    let packed = answering([head.into_bytes(), packed].concat());
    for server in [announced, streamed, endless, packed] {
        assert_failed(send(&server.http("/"), limits(PATIENT)).await, AfterRequest, TooLarge);
    }
    let fits = answering(format!("HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n{}", "x".repeat(1000)));
    assert_eq!(send(&fits.http("/"), limits(PATIENT)).await.unwrap().body().expose().len(), 1000);
}

fn base64(text: &str) -> Vec<u8> {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.decode(text).unwrap()
}

#[tokio::test]
async fn strangers_urls_reach_no_private_address() {
    let (server, _) = recording();
    let port = server.address.port();
    let stranger = SendLimits { origin: UrlOrigin::Stranger, ..limits(PATIENT) };
    let hosts = [
        "127.0.0.1",
        "localhost",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "2130706433",
        "0x7f.1",
        "0.0.0.0",
        "169.254.169.254",
        "10.0.0.1",
        "[fd00::1]",
    ];
    for host in hosts {
        let result = send(&format!("http://{host}:{port}/"), stranger.clone()).await;
        assert_failed(result, BeforeRequest, Forbidden);
    }
    assert_eq!(server.connections(), 0);
    let own = send(&server.http("/"), limits(PATIENT)).await;
    assert!(own.is_ok(), "the operator's own URLs may lead anywhere");
}

#[tokio::test]
async fn every_call_has_its_own_connection() {
    let server = Server::start(|mut stream| {
        loop {
            if read_request(&mut stream).is_empty() || stream.write_all(OK).is_err() {
                return;
            }
        }
    });
    let upstream = upstream();
    for _ in 0..3 {
        upstream.send(request(&server.http("/")), limits(PATIENT)).await.unwrap();
    }
    assert_eq!(server.connections(), 3);
}

#[tokio::test]
async fn what_is_not_a_web_url_is_refused() {
    for url in ["ftp://127.0.0.1/", "/relative"] {
        assert_failed(send(url, limits(PATIENT)).await, BeforeRequest, Connect);
    }
}

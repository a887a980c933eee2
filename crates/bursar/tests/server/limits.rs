//! How much a caller may send, and how slowly.

use std::time::Duration;

use axum::Router;
use axum::routing::{get, post};
use bursar::server::{Limits, Source};
use bursar_core::ports::clock::Clock as _;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

use super::client::{exchange, head, rest, sending, status};
use super::entrance::{Open, SHORT};
use super::world::{Server, get as fetch};
use crate::support::Home;

fn echo() -> Router {
    Router::new().route("/", post(async |body: String| body)).route("/", get(async || "hello"))
}

#[tokio::test(flavor = "multi_thread")]
async fn the_program_refuses_heads_and_bodies_beyond_their_size() {
    let home = Home::new();
    let server = Server::on_loopback(&home).await;
    for (bytes, expected) in [
        (format!("GET /healthz HTTP/1.1\r\nHost: a\r\nX: {}\r\n\r\n", "x".repeat(15_000)), "200"),
        (format!("GET /healthz HTTP/1.1\r\nHost: a\r\nX: {}\r\n\r\n", "x".repeat(17_000)), "431"),
        (format!("GET /healthz HTTP/1.1\r\nHost: a\r\nX: {}\r\n\r\n", "x".repeat(100_000)), "431"),
        (format!("GET /healthz HTTP/1.1\r\nHost: a\r\n{}\r\n", "X: x\r\n".repeat(1000)), "431"),
        (format!("GET /{} HTTP/1.1\r\nHost: a\r\n\r\n", "x".repeat(100_000)), "431"),
        ("POST /healthz HTTP/1.1\r\nHost: a\r\nContent-Length: 65537\r\n\r\n".to_owned(), "413"),
        ("GET /healthz HTTP/1.1\r\n\r\n".to_owned(), "400"),
        ("GET /healthz HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n".to_owned(), "400"),
        ("GET /healthz HTTP/1.1\r\nHost: a\r\nX\0: a\r\n\r\n".to_owned(), "400"),
        ("\x16\x03\x01 is no HTTP\r\n\r\n".to_owned(), "400"),
    ] {
        let mut stream = sending(server.address(), bytes.as_bytes()).await;
        let answer = head(&mut stream).await;
        let shown: String = bytes.chars().take(60).collect();
        assert_eq!(status(&answer), expected, "{shown}: {answer}");
    }
    assert_eq!(fetch(&format!("{}/healthz", server.urls[0])).await.0, 200, "nobody else is hurt");
    assert_eq!(server.stopped().await.code, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_head_is_given_up_by_the_program_and_hurts_nobody_else() {
    let home = Home::new();
    let server = Server::on_loopback(&home).await;
    let mut slow = Vec::new();
    for _ in 0..50 {
        slow.push(sending(server.address(), b"GET /healthz HTTP/1.1\r\nX-Slow: ").await);
    }
    let clock = bursar::system::SystemClock;
    let begun = clock.stopwatch();
    assert_eq!(fetch(&format!("{}/healthz", server.urls[0])).await.0, 200);
    for stream in slow {
        assert_eq!(rest(stream).await, "");
    }
    let took = clock.stopwatch().saturating_sub(begun);
    assert!(took < Duration::from_secs(20), "ten seconds are what a head may take: {took:?}");
    assert_eq!(server.stopped().await.code, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_head_that_is_dribbled_has_no_more_time_than_one_that_stops() {
    let open = Open::to(echo(), Limits { head_time: SHORT, ..Limits::default() });
    let mut stream = sending(&open.address, b"GET / HTTP/1.1\r\nHost: a\r\n").await;
    let clock = bursar::system::SystemClock;
    let begun = clock.stopwatch();
    while stream.write_all(b"X: y\r\n").await.is_ok() {
        // The rhythm is what is tested.
        clock.sleep(SHORT / 10).await;
        assert!(clock.stopwatch().saturating_sub(begun) < Duration::from_secs(20), "it is closed");
    }
    assert!(clock.stopwatch().saturating_sub(begun) >= SHORT);
}

#[tokio::test(flavor = "multi_thread")]
async fn silences_end_where_they_should_and_not_before() {
    let limits = Limits { head_time: SHORT * 4, idle_time: SHORT, ..Limits::default() };
    let open = Open::to(echo(), limits);
    // Nothing at all.
    assert_eq!(exchange(&open.address, b"").await, "");
    // Between two requests.
    let mut stream = sending(&open.address, b"").await;
    for _ in 0..5 {
        stream.write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
        assert_eq!(status(&head(&mut stream).await), "200");
        let mut body = [0; 5];
        tokio::io::AsyncReadExt::read_exact(&mut stream, &mut body).await.unwrap();
        // Half the limit each time, more than twice the limit in all.
        bursar::system::SystemClock.sleep(SHORT / 2).await;
    }
    assert_eq!(rest(stream).await, "");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_route_may_think_longer_than_any_silence() {
    let router = Router::new().route(
        "/",
        get(async || {
            bursar::system::SystemClock.sleep(SHORT * 3).await;
            "thought"
        }),
    );
    let open = Open::to(router, Limits { head_time: SHORT, idle_time: SHORT, ..Limits::default() });
    let answer = exchange(&open.address, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").await;
    assert!(answer.ends_with("thought"), "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_have_a_size_and_a_time_whatever_the_route_makes_of_it() {
    let open = Open::to(echo(), Limits { body_bytes: 10, body_time: SHORT, ..Limits::default() });
    let chunked = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
    for (bytes, expected) in [
        (
            "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\nConnection: close\r\n\r\n0123456789"
                .to_owned(),
            "200",
        ),
        ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 11\r\n\r\n0123456789x".to_owned(), "413"),
        (format!("{chunked}b\r\n0123456789x\r\n0\r\n\r\n"), "413"),
        (format!("{chunked}6\r\n012345\r\n6\r\n012345\r\n0\r\n\r\n"), "413"),
        ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhalf".to_owned(), "408"),
        (format!("{chunked}4\r\nhalf\r\n"), "408"),
    ] {
        let answer = exchange(&open.address, bytes.as_bytes()).await;
        assert_eq!(status(&answer), expected, "{bytes}: {answer}");
        if expected != "200" {
            assert!(answer.contains("connection: close"), "{answer}");
            assert!(answer.ends_with("\"}") && answer.contains("invalid_request"), "{answer}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_takes_nothing_of_an_answer_is_given_up() {
    let endless = async || {
        let bytes = axum::body::Bytes::from(vec![0; 64 * 1024]);
        let pieces = futures::stream::repeat_with(move || Ok::<_, std::io::Error>(bytes.clone()));
        axum::body::Body::from_stream(pieces)
    };
    let router = Router::new().route("/", get(endless));
    let mut open = Open::to(router, Limits { answer_idle: SHORT, ..Limits::default() });
    let mut stream = sending(&open.address, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").await;
    assert_eq!(status(&head(&mut stream).await), "200");
    open.stop();
    // Its grace is half a minute: this ends because the connection has.
    tokio::time::timeout(Duration::from_secs(20), open.ended()).await.expect("nobody is waited for");
    drop(stream);
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_beyond_the_limit_wait_until_one_ends() {
    let open = Open::to(echo(), Limits { connections: 2, ..Limits::default() });
    let one = TcpStream::connect(&open.address).await.unwrap();
    let mut other = sending(&open.address, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").await;
    assert_eq!(status(&head(&mut other).await), "200", "it has its place");
    let waiting = sending(&open.address, b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").await;
    drop(one);
    assert_eq!(status(&rest(waiting).await), "200");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_route_that_panics_answers_and_the_connection_goes_on() {
    let router = echo().route("/panic", get(async || -> &'static str { panic!("planned") }));
    let open = Open::to(router, Limits::default());
    let two = b"GET /panic HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    let answer = exchange(&open.address, two).await;
    assert!(answer.starts_with("HTTP/1.1 500") && answer.ends_with("hello"), "{answer}");
    assert!(!answer.contains("planned"), "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_request_knows_its_source() {
    let told = async |axum::Extension(source): axum::Extension<Source>| {
        format!("{} {} {:?}", source.address, source.is_https, source.user_agent())
    };
    let open = Open::to(Router::new().route("/", get(told)), Limits::default());
    let request = "GET / HTTP/1.1\r\nHost: a\r\nUser-Agent: tests\r\nX-Forwarded-For: 192.0.2.1\r\n\
                   X-Forwarded-Proto: https\r\nConnection: close\r\n\r\n";
    let answer = exchange(&open.address, request.as_bytes()).await;
    assert!(answer.ends_with("127.0.0.1 false Some(\"tests\")"), "{answer}");
}

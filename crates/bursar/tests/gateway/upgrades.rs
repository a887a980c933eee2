//! WebSocket and other upgrades: bytes in both directions, for callers with a token, and never to plain HTTP.

use std::time::Duration;

use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use bursar::gateway::Limits;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::client::{exchange, head, status};
use super::house::House;
use super::upstream::{Upstream, beside};
use super::world::{World, client, route};

/// Switches to whatever was asked for, and says everything twice.
async fn echo() -> Upstream {
    Upstream::handling(|mut request: Request| async move {
        let Some(protocol) = request.headers().get("upgrade").cloned() else {
            return Response::new(Body::from("nothing to switch to"));
        };
        let authorization = request.headers().get("authorization").is_some();
        let upgraded = hyper::upgrade::on(&mut request);
        beside(async move {
            let mut io = TokioIo::new(upgraded.await.unwrap());
            let mut byte = [0];
            while io.read_exact(&mut byte).await.is_ok() {
                io.write_all(&[byte[0], byte[0]]).await.unwrap();
                io.flush().await.unwrap();
            }
        });
        let mut answer = Response::new(Body::empty());
        *answer.status_mut() = http::StatusCode::SWITCHING_PROTOCOLS;
        answer.headers_mut().insert("connection", "upgrade".parse().unwrap());
        answer.headers_mut().insert("upgrade", protocol);
        answer.headers_mut().insert("x-authorized", authorization.to_string().parse().unwrap());
        answer
    })
    .await
}

fn request(world: &World, token: &str, protocol: &str) -> String {
    format!(
        "GET /gateway/api/socket HTTP/1.1\r\nHost: {}\r\nX-Bursar-Token: {token}\r\nConnection: keep-alive, Upgrade\r\n\
         Upgrade: {protocol}\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n",
        world.address()
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn a_websocket_goes_through_both_ways() {
    let upstream = echo().await;
    let world = World::before(&upstream).await;
    for protocol in ["websocket", "SPDY/3.1"] {
        let mut stream = TcpStream::connect(world.address()).await.unwrap();
        stream.write_all(request(&world, &world.token, protocol).as_bytes()).await.unwrap();
        let head = head(&mut stream).await;
        assert_eq!(status(&head), "101", "{head}");
        let head = head.to_ascii_lowercase();
        assert!(head.contains(&format!("upgrade: {}", protocol.to_ascii_lowercase())), "{head}");
        assert!(head.contains("x-authorized: true"), "{head}");
        for _ in 0..3 {
            stream.write_all(b"ab").await.unwrap();
            let mut echoed = [0; 4];
            stream.read_exact(&mut echoed).await.unwrap();
            assert_eq!(&echoed, b"aabb");
        }
        stream.shutdown().await.unwrap();
        assert_eq!(stream.read(&mut [0; 1]).await.unwrap(), 0, "the other side ends too");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_open_websocket_does_not_keep_the_gateway() {
    let upstream = echo().await;
    let world = World::before(&upstream).await;
    let mut stream = TcpStream::connect(world.address()).await.unwrap();
    stream.write_all(request(&world, &world.token, "websocket").as_bytes()).await.unwrap();
    assert_eq!(status(&head(&mut stream).await), "101");
    let ended = world.stopped().await;
    assert_eq!(ended.code, 0, "{ended}");
    assert_eq!(stream.read(&mut [0; 1]).await.unwrap_or(0), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_upgrade_goes_past_the_gateways_own_checks() {
    let upstream = echo().await;
    let world = World::before(&upstream).await;
    let refused = request(&world, "bgw_wrong", "websocket").replace("keep-alive", "close");
    assert_eq!(status(&exchange(world.address(), refused.as_bytes()).await), "401");
    for protocol in ["h2c", "HTTP/2.0", "TLS/1.3", "websocket, h2c"] {
        let request = request(&world, &world.token, protocol).replace("keep-alive", "close");
        let answer = exchange(world.address(), request.as_bytes()).await;
        assert_eq!(status(&answer), "200", "{protocol}: {answer}");
        assert!(answer.ends_with("nothing to switch to"), "{protocol}: {answer}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_open_websocket_keeps_its_place_among_the_connections() {
    let upstream = echo().await;
    let limits = Limits { connections: 1, ..Limits::default() };
    let house = House::with(&route("api", &upstream.url("")), limits).await;
    let address = house.url.strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!(
        "GET /gateway/api/socket HTTP/1.1\r\nHost: {address}\r\nX-Bursar-Token: {}\r\nConnection: Upgrade\r\n\
         Upgrade: websocket\r\n\r\n",
        house.token.expose()
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    assert_eq!(status(&head(&mut stream).await), "101");
    let another = client().get(format!("{}/gateway/api/x", house.url)).bearer_auth(house.token.expose());
    let mut another = beside(another.send());
    let early = tokio::time::timeout(Duration::from_millis(500), &mut another).await;
    assert!(early.is_err(), "{early:?}");
    drop(stream);
    assert_eq!(another.await.unwrap().unwrap().status(), 200);
}

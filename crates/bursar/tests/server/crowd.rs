//! One address takes the places of nobody else.

use std::time::Duration;

use tokio::io::AsyncReadExt as _;
use tokio::net::TcpStream;

use super::client::{head, rest, sending, status};
use super::world::{Server, outer_address};
use crate::support::Home;

const HEALTH: &[u8] = b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n";

/// A connection that has a place, because it was answered.
async fn seated(address: &str) -> TcpStream {
    let mut stream = sending(address, HEALTH).await;
    assert_eq!(status(&head(&mut stream).await), "200");
    stream
}

/// What a connection is told that has no place, before it is closed.
async fn told(address: &str) -> String {
    rest(sending(address, HEALTH).await).await
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_of_one_address_beyond_its_limit_are_closed() {
    let home = Home::new();
    let outer = outer_address();
    assert!(!outer.is_loopback(), "this machine has a network");
    home.write_config(
        "[server]\ntrusted_proxies = [\"192.0.2.1\"]\npublic_url = \"https://auth.example.com\"\n\
         connections_per_address = 2\n",
    );
    let server = Server::start(&home, &["--listen", &format!("{outer}:0"), "--listen", "127.0.0.1:0"]).await;
    let [around, inside] = [0, 1].map(|which| server.urls[which].strip_prefix("http://").unwrap());
    let (first, _second) = (seated(around).await, seated(around).await);
    for _ in 0..5 {
        assert_eq!(told(around).await, "");
    }
    let mut neighbours = Vec::new();
    for _ in 0..5 {
        neighbours.push(seated(inside).await);
    }
    drop(first);
    let until_free = async {
        loop {
            let mut stream = sending(around, HEALTH).await;
            if stream.read_u8().await.is_ok() {
                break;
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(20), until_free).await.expect("a place that is left is free");
    let ended = server.stopped().await;
    assert_eq!(ended.code, 0, "{ended}");
    assert_eq!(ended.stderr.matches("beyond its limit").count(), 1, "told once: {ended}");
}

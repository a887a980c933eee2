//! A server that is told to stop: nobody new comes in, and who is inside is served.

use std::time::Duration;

use axum::Router;
use axum::routing::post;
use bursar::server::Limits;
use rustix::process::Signal;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

use super::client::{head, rest, sending, status};
use super::entrance::{Open, SHORT};
use super::world::Server;
use crate::support::Home;

#[tokio::test(flavor = "multi_thread")]
async fn a_request_under_way_is_finished_and_new_callers_are_refused() {
    // Sends its answer when the body has come.
    let router = Router::new().route("/", post(async |body: String| body));
    let mut open = Open::to(router, Limits::default());
    let request = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n";
    let mut slow = sending(&open.address, request.as_bytes()).await;
    assert_eq!(status(&head(&mut slow).await), "100", "the route waits for the body");
    open.stop();
    let refused = async { while TcpStream::connect(&open.address).await.is_ok() {} };
    tokio::time::timeout(Duration::from_secs(20), refused).await.expect("the door is shut");
    slow.write_all(b"hello").await.unwrap();
    let answer = rest(slow).await;
    assert_eq!(status(&answer), "200", "{answer}");
    assert!(answer.ends_with("hello"), "{answer}");
    open.ended().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_does_not_end_is_cut_off_after_a_while() {
    let router = Router::new().route("/", post(async |body: String| body));
    let mut open = Open::to(router, Limits { stop_grace: SHORT, ..Limits::default() });
    let request = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n";
    let mut slow = sending(&open.address, request.as_bytes()).await;
    assert_eq!(status(&head(&mut slow).await), "100");
    open.stop();
    open.ended().await;
    assert_eq!(rest(slow).await, "");
}

#[tokio::test(flavor = "multi_thread")]
async fn signals_end_the_program_in_order_whatever_is_connected() {
    let home = Home::new();
    for signal in [Signal::TERM, Signal::INT] {
        let server = Server::on_loopback(&home).await;
        // One that has said nothing, one in the middle of its head, and one between two requests.
        let silent = TcpStream::connect(server.address()).await.unwrap();
        let begun = sending(server.address(), b"GET /healthz HTTP/1.1\r\nHo").await;
        let mut idle = sending(server.address(), b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n").await;
        assert_eq!(status(&head(&mut idle).await), "200");
        server.running.signal(signal);
        let ended = server.running.ended().await;
        assert_eq!(ended.code, 0, "{ended}");
        for stream in [silent, begun] {
            assert_eq!(rest(stream).await, "");
        }
    }
}

//! Connections with upstreams: kept while they are of use, replaced when they are gone, and no request sent twice.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bursar::gateway::Limits;
use futures::channel::mpsc;
use futures::future::{Either, join_all, select};
use futures::{SinkExt as _, StreamExt as _};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use super::client::{head, status};
use super::house::House;
use super::upstream::{Upstream, beside};
use super::world::{World, client, refusal, route};

/// The upstream's side of every connection, as the gateway opens them, and the route that leads there.
async fn by_hand() -> (mpsc::UnboundedReceiver<TcpStream>, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let route = route("api", &format!("http://{}", listener.local_addr().unwrap()));
    let (mut opened, connections) = mpsc::unbounded();
    beside(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            if opened.send(stream).await.is_err() {
                return;
            }
        }
    });
    (connections, route)
}

/// Reads a request and answers it, so that the connection can be used again.
async fn serve(stream: &mut TcpStream) {
    assert!(head(stream).await.starts_with("GET /x HTTP/1.1\r\n"));
    stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").await.unwrap();
}

/// The other side ends the connection, and says nothing more before.
async fn ends(stream: &mut TcpStream) {
    let ended = tokio::time::timeout(Duration::from_secs(20), stream.read(&mut [0; 1])).await;
    assert_eq!(ended.expect("the gateway ends the connection").unwrap_or(0), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_request_after_the_other_needs_no_connection_of_its_own() {
    let (mut connections, route) = by_hand().await;
    let world = World::with(&route).await;
    let opened = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&opened);
    beside(async move {
        while let Some(mut stream) = connections.next().await {
            counted.fetch_add(1, Ordering::SeqCst);
            beside(async move {
                loop {
                    serve(&mut stream).await;
                }
            });
        }
    });
    for _ in 0..100 {
        assert_eq!(world.get("/x").send().await.unwrap().text().await.unwrap(), "ok");
    }
    // A request that comes while the one before is still being put away may find another connection.
    assert!(opened.load(Ordering::SeqCst) <= 5, "{opened:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kept_connection_that_the_upstream_ends_is_replaced_and_no_caller_notices() {
    let (mut connections, route) = by_hand().await;
    let world = World::with(&route).await;
    for _ in 0..3 {
        let asking = beside(world.get("/x").send());
        let mut stream = connections.next().await.unwrap();
        serve(&mut stream).await;
        assert_eq!(asking.await.unwrap().unwrap().text().await.unwrap(), "ok");
        stream.shutdown().await.unwrap();
        ends(&mut stream).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_reached_a_kept_connection_is_never_sent_again() {
    let (mut connections, route) = by_hand().await;
    let world = World::with(&route).await;
    let asking = beside(world.get("/x").send());
    let mut stream = connections.next().await.unwrap();
    serve(&mut stream).await;
    assert_eq!(asking.await.unwrap().unwrap().text().await.unwrap(), "ok");
    let asking = beside(world.get("/y").send());
    // On the kept connection, or on another if it came while that was still being put away.
    let another = match select(pin!(stream.readable()), connections.next()).await {
        Either::Left(_) => None,
        Either::Right((another, _)) => another,
    };
    let mut stream = another.unwrap_or(stream);
    assert!(head(&mut stream).await.starts_with("GET /y "));
    drop(stream);
    assert_eq!(refusal(asking.await.unwrap().unwrap()).await, (502, "upstream_failed".to_owned()));
    assert!(connections.try_recv().is_err(), "no other connection was opened for it");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_is_left_half_way_ends_its_connection() {
    let (mut connections, route) = by_hand().await;
    let world = World::with(&route).await;
    let mut caller = TcpStream::connect(world.address()).await.unwrap();
    let request = format!(
        "GET /gateway/api/x HTTP/1.1\r\nHost: {}\r\nX-Bursar-Token: {}\r\n\r\n",
        world.address(),
        world.token
    );
    caller.write_all(request.as_bytes()).await.unwrap();
    let mut stream = connections.next().await.unwrap();
    head(&mut stream).await;
    stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf").await.unwrap();
    assert_eq!(status(&head(&mut caller).await), "200");
    drop(caller);
    ends(&mut stream).await;
    let asking = beside(world.get("/x").send());
    serve(&mut connections.next().await.unwrap()).await;
    assert_eq!(asking.await.unwrap().unwrap().text().await.unwrap(), "ok");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upstream_that_answers_early_and_reads_on_holds_up_nobody_else() {
    let (mut connections, route) = by_hand().await;
    let world = World::with(&route).await;
    let mut caller = TcpStream::connect(world.address()).await.unwrap();
    let request = format!(
        "POST /gateway/api/x HTTP/1.1\r\nHost: {}\r\nX-Bursar-Token: {}\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n",
        world.address(),
        world.token
    );
    caller.write_all(request.as_bytes()).await.unwrap();
    let mut stream = connections.next().await.unwrap();
    head(&mut stream).await;
    stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").await.unwrap();
    assert_eq!(status(&head(&mut caller).await), "200");
    // The first body is still being sent.
    let asking = beside(world.get("/x").send());
    serve(&mut connections.next().await.unwrap()).await;
    assert_eq!(asking.await.unwrap().unwrap().text().await.unwrap(), "ok");
    drop(caller);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_nobody_needs_any_more_is_ended() {
    let (mut connections, route) = by_hand().await;
    let limits = Limits { upstream_kept: Duration::from_millis(300), ..Limits::default() };
    let house = House::with(&route, limits).await;
    for _ in 0..2 {
        let ask = client().get(format!("{}/gateway/api/x", house.url)).bearer_auth(house.token.expose());
        let asking = beside(ask.send());
        let mut stream = connections.next().await.unwrap();
        serve(&mut stream).await;
        assert_eq!(asking.await.unwrap().unwrap().text().await.unwrap(), "ok");
        ends(&mut stream).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upstream_without_keep_alive_has_a_connection_for_each_request() {
    let (mut connections, route) = by_hand().await;
    let world = World::with(&route).await;
    for answer in
        ["HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\nok", "HTTP/1.0 200 OK\r\n\r\nok"]
    {
        for _ in 0..10 {
            let asking = beside(world.get("/x").send());
            let mut stream = connections.next().await.unwrap();
            head(&mut stream).await;
            stream.write_all(answer.as_bytes()).await.unwrap();
            drop(stream);
            assert_eq!(asking.await.unwrap().unwrap().text().await.unwrap(), "ok");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_without_a_body_leave_their_connection_for_the_next() {
    let upstream = Upstream::answering(|arrival| {
        let mut answer = axum::response::Response::new(axum::body::Body::empty());
        *answer.status_mut() = arrival.target.trim_start_matches('/').parse().unwrap();
        answer
    })
    .await;
    let world = World::before(&upstream).await;
    for status in [204, 304, 200, 204, 304, 200] {
        assert_eq!(world.get(&format!("/{status}")).send().await.unwrap().status(), status);
        let head = world.client.head(world.api(&format!("/{status}"))).bearer_auth(&world.token);
        assert_eq!(head.send().await.unwrap().status(), status);
    }
    assert_eq!(upstream.arrivals().len(), 12);
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_that_wait_for_the_same_connection_wait_no_longer_than_one() {
    // Encryption that is never answered: nobody knows yet whether one connection could be for all.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let config = route("api", &format!("https://{}", listener.local_addr().unwrap()));
    let limits = Limits { connect_time: Duration::from_secs(1), ..Limits::default() };
    let house = House::with(&config, limits).await;
    let ask =
        || client().get(format!("{}/gateway/api/x", house.url)).bearer_auth(house.token.expose()).send();
    let answers = tokio::time::timeout(Duration::from_secs(10), join_all((0..32).map(|_| ask())));
    for answer in answers.await.expect("all at once, not one after the other") {
        assert_eq!(refusal(answer.unwrap()).await, (504, "upstream_timeout".to_owned()));
    }
}

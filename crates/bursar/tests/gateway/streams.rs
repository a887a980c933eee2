//! Bodies pass as they come, in both directions, however long they are, and end with either side.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::response::Response;
use futures::channel::{mpsc, oneshot};
use futures::{SinkExt as _, StreamExt as _, stream};
use http_body_util::BodyExt as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::Mutex;

use super::client::{head, status};
use super::upstream::{Upstream, beside};
use super::world::World;

/// An upstream that sends whatever the test puts into the channel.
async fn fed() -> (Upstream, mpsc::Sender<Bytes>) {
    let (sender, receiver) = mpsc::channel::<Bytes>(0);
    let receiver = Arc::new(Mutex::new(Some(receiver)));
    let upstream = Upstream::handling(move |_: Request| {
        let receiver = Arc::clone(&receiver);
        async move {
            let receiver = receiver.lock().await.take().unwrap();
            let mut answer = Response::new(Body::from_stream(receiver.map(Ok::<_, Infallible>)));
            answer.headers_mut().insert("content-type", "text/event-stream".parse().unwrap());
            answer
        }
    })
    .await;
    (upstream, sender)
}

#[tokio::test(flavor = "multi_thread")]
async fn events_arrive_one_by_one_as_they_are_sent() {
    let (upstream, mut sender) = fed().await;
    let world = World::before(&upstream).await;
    let asking = beside(world.get("/events").send());
    sender.send("id: 0\ndata: x\n\n".into()).await.unwrap();
    let mut answer = asking.await.unwrap().unwrap();
    assert_eq!(answer.headers()["content-type"], "text/event-stream");
    assert_eq!(answer.chunk().await.unwrap().unwrap(), "id: 0\ndata: x\n\n");
    for number in 1..20 {
        // The upstream sends the next one only after this one was read here.
        let event = format!("id: {number}\ndata: x\n\n");
        sender.send(event.clone().into()).await.unwrap();
        assert_eq!(answer.chunk().await.unwrap().unwrap(), event);
    }
    drop(sender);
    assert_eq!(answer.chunk().await.unwrap(), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_that_goes_away_ends_the_upstreams_work() {
    let (upstream, mut sender) = fed().await;
    let world = World::before(&upstream).await;
    let mut stream = TcpStream::connect(world.address()).await.unwrap();
    let request = format!(
        "GET /gateway/api/x HTTP/1.1\r\nHost: {}\r\nX-Bursar-Token: {}\r\n\r\n",
        world.address(),
        world.token
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    sender.send("first".into()).await.unwrap();
    assert_eq!(status(&head(&mut stream).await), "200");
    drop(stream);
    let ended = async { while sender.send("more".into()).await.is_ok() {} };
    tokio::time::timeout(Duration::from_secs(20), ended).await.expect("the upstream is let go");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_that_goes_away_before_the_answer_ends_the_request() {
    let (gone, is_gone) = oneshot::channel::<()>();
    let (arrived, has_arrived) = oneshot::channel::<()>();
    let ends = Arc::new(std::sync::Mutex::new(Some((gone, arrived))));
    let upstream = Upstream::handling(move |_: Request| {
        let (gone, arrived) = ends.lock().unwrap().take().unwrap();
        async move {
            arrived.send(()).unwrap();
            // Dropped when the connection is.
            let _held = gone;
            std::future::pending::<Response>().await
        }
    })
    .await;
    let world = World::before(&upstream).await;
    let asking = beside(world.get("/x").send());
    has_arrived.await.unwrap();
    asking.abort();
    let ended = tokio::time::timeout(Duration::from_secs(20), is_gone).await.expect("the upstream is let go");
    assert!(ended.is_err(), "the upstream was let go");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_body_passes_while_it_is_still_being_sent() {
    let (seen, mut arrived) = mpsc::unbounded::<Bytes>();
    let upstream = Upstream::handling(move |request: Request| {
        let seen = seen.clone();
        async move {
            let mut body = request.into_body().into_data_stream();
            while let Some(Ok(chunk)) = body.next().await {
                seen.unbounded_send(chunk).unwrap();
            }
            Response::new(Body::from("thanks"))
        }
    })
    .await;
    let world = World::before(&upstream).await;
    let mut stream = TcpStream::connect(world.address()).await.unwrap();
    let request = format!(
        "POST /gateway/api/x HTTP/1.1\r\nHost: {}\r\nX-Bursar-Token: {}\r\nTransfer-Encoding: chunked\r\n\r\n",
        world.address(),
        world.token
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    for chunk in ["one", "two", "six"] {
        stream.write_all(format!("3\r\n{chunk}\r\n").as_bytes()).await.unwrap();
        assert_eq!(arrived.next().await.unwrap(), chunk);
    }
    stream.write_all(b"0\r\n\r\n").await.unwrap();
    assert_eq!(status(&head(&mut stream).await), "200");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gibibyte_passes_each_way_in_constant_memory() {
    let chunk = || Bytes::from(vec![0x5a_u8; CHUNK]);
    let upstream = Upstream::handling(move |request: Request| async move {
        let mut body = request.into_body();
        let mut received = 0;
        while let Some(frame) = body.frame().await {
            let data = frame.unwrap().into_data().unwrap();
            assert!(data.iter().all(|byte| *byte == 0x5a));
            received += data.len();
        }
        let chunks = stream::repeat_with(move || Ok::<_, Infallible>(chunk())).take(GIBIBYTE / CHUNK);
        let mut answer = Response::new(Body::from_stream(chunks));
        answer.headers_mut().insert("x-received", received.into());
        answer
    })
    .await;
    let world = World::before(&upstream).await;
    assert_eq!(world.client.get(world.api("/warm")).send().await.unwrap().status(), 401);
    let before = resident(world.gateway.id());

    let mut stream = TcpStream::connect(world.address()).await.unwrap();
    let request = format!(
        "POST /gateway/api/x HTTP/1.1\r\nHost: {}\r\nX-Bursar-Token: {}\r\nContent-Length: {GIBIBYTE}\r\n\
         Connection: close\r\n\r\n",
        world.address(),
        world.token
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let data = chunk();
    for _ in 0..GIBIBYTE / CHUNK {
        stream.write_all(&data).await.unwrap();
    }
    let head = head(&mut stream).await;
    assert!(head.contains(&format!("x-received: {GIBIBYTE}\r\n")), "{head}");
    let mut passed = 0;
    let mut buffer = vec![0; 256 * 1024];
    loop {
        match stream.read(&mut buffer).await.unwrap() {
            0 => break,
            read => passed += read,
        }
    }
    assert!(passed >= GIBIBYTE, "{passed}");
    let grown = highest(world.gateway.id()).saturating_sub(before);
    assert!(grown < 32 * 1024, "the gateway has grown by {grown} KiB");
}

/// Of a process, in KiB.
fn resident(process: u32) -> u64 {
    memory(process, "VmRSS:")
}

/// The most it ever was.
fn highest(process: u32) -> u64 {
    memory(process, "VmHWM:")
}

fn memory(process: u32, field: &str) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix(field)).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

const GIBIBYTE: usize = 1024 * 1024 * 1024;
const CHUNK: usize = 64 * 1024;

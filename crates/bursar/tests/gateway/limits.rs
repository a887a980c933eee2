//! Silences that end, and a stop that waits no longer than it says.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::response::Response;
use bursar::config::meaning::{GatewayConfig, RouteConfig};
use bursar::gateway::Limits;
use bursar::system::SystemClock;
use bursar_core::ports::clock::Clock as _;
use futures::channel::oneshot;
use futures::{StreamExt as _, stream};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use super::client::{head, status};
use super::house::House;
use super::upstream::Upstream;
use super::world::{client, refusal, route};

const SHORT: Duration = Duration::from_millis(300);

async fn silent() -> Upstream {
    Upstream::handling(|request: Request| async move {
        if request.uri().path() == "/head" {
            return std::future::pending().await;
        }
        let once = stream::iter([Ok::<_, std::io::Error>(Bytes::from("first"))]);
        Response::new(Body::from_stream(once.chain(stream::pending())))
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upstream_that_falls_silent_is_given_up_before_or_in_its_answer() {
    let upstream = silent().await;
    let limits = Limits { upstream_idle: SHORT, ..Limits::default() };
    let house = House::with(&route("api", &upstream.url("")), limits).await;
    let ask = |path: &str| {
        client().get(format!("{}/gateway/api{path}", house.url)).bearer_auth(house.token.expose()).send()
    };
    assert_eq!(refusal(ask("/head").await.unwrap()).await, (504, "upstream_timeout".to_owned()));
    let answer = ask("/body").await.unwrap();
    assert_eq!(answer.status(), 200);
    assert!(answer.bytes().await.is_err(), "cut, not ended");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upstream_that_accepts_no_connection_is_given_up() {
    // A listener whose queue is full answers no further handshake. TLS that is never answered is as silent everywhere.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let upstream = format!("https://{}", listener.local_addr().unwrap());
    let limits = Limits { connect_time: SHORT, ..Limits::default() };
    let house = House::with(&route("api", &upstream), limits).await;
    let ask = client().get(format!("{}/gateway/api/x", house.url)).bearer_auth(house.token.expose());
    assert_eq!(refusal(ask.send().await.unwrap()).await, (504, "upstream_timeout".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_upload_is_no_silence() {
    let upstream = Upstream::agreeable().await;
    let limits = Limits { upstream_idle: SHORT, ..Limits::default() };
    let house = House::with(&route("api", &upstream.url("")), limits).await;
    let address = house.url.strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(address).await.unwrap();
    let head = format!(
        "POST /gateway/api/x HTTP/1.1\r\nHost: {address}\r\nX-Bursar-Token: {}\r\nTransfer-Encoding: chunked\r\n\
         Connection: close\r\n\r\n",
        house.token.expose()
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    for _ in 0..10 {
        stream.write_all(b"1\r\na\r\n").await.unwrap();
        // The rhythm is what is tested: three times the limit in all, a third of it at a time.
        SystemClock.sleep(SHORT / 3).await;
    }
    stream.write_all(b"0\r\n\r\n").await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_that_takes_nothing_is_given_up_and_its_upstream_let_go() {
    let (gone, is_gone) = oneshot::channel::<()>();
    let gone = Arc::new(Mutex::new(Some(gone)));
    let upstream = Upstream::handling(move |_: Request| {
        let gone = gone.lock().unwrap().take();
        async move {
            let endless = stream::repeat_with(move || {
                // Dropped when the answer is.
                let _held = &gone;
                Ok::<_, std::io::Error>(Bytes::from(vec![0; 64 * 1024]))
            });
            Response::new(Body::from_stream(endless))
        }
    })
    .await;
    let limits = Limits { caller_idle: SHORT, ..Limits::default() };
    let house = House::with(&route("api", &upstream.url("")), limits).await;
    let mut stream = asking(&house, "GET", "\r\n").await;
    assert_eq!(status(&head(&mut stream).await), "200");
    let ended = tokio::time::timeout(Duration::from_secs(20), is_gone).await.expect("the upstream is let go");
    assert!(ended.is_err(), "its answer was dropped");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_does_not_come_in_time_is_refused_before_a_token_is_spent_on_it() {
    let upstream = Upstream::agreeable().await;
    let limits = Limits { body_time: SHORT, ..Limits::default() };
    let house = House::with(&route("api", &upstream.url("")), limits).await;
    let mut stream = asking(&house, "POST", "Content-Length: 10\r\n\r\nhalf").await;
    assert_eq!(status(&head(&mut stream).await), "408");
    assert!(upstream.arrivals().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_finds_no_room_is_passed_on_and_sent_once() {
    let upstream = Upstream::answering(|_| {
        let mut answer = Response::new(Body::empty());
        *answer.status_mut() = http::StatusCode::UNAUTHORIZED;
        answer
    })
    .await;
    let limits = Limits { replay_memory: 5, ..Limits::default() };
    let house = House::with(&route("api", &upstream.url("")), limits).await;
    let post = async |body: &'static str| {
        let ask = client().post(format!("{}/gateway/api/x", house.url)).bearer_auth(house.token.expose());
        assert_eq!(ask.body(body).send().await.unwrap().status(), 401);
        upstream.arrivals().into_iter().map(|arrival| arrival.body).collect::<Vec<_>>()
    };
    assert_eq!(post("larger").await, ["larger"]);
    // The room of one exchange is there for the next.
    assert_eq!(post("small").await, ["larger", "small", "small"]);
    assert_eq!(post("other").await.len(), 4, "a fresh token was refused just now");
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_beyond_the_room_for_upstreams_wait_and_are_refused_in_the_end() {
    let upstream = silent().await;
    let limits = Limits { exchanges: 1, hand_out_wait: SHORT, ..Limits::default() };
    let house = House::with(&route("api", &upstream.url("")), limits).await;
    let ask =
        || client().get(format!("{}/gateway/api/body", house.url)).bearer_auth(house.token.expose()).send();
    let first = ask().await.unwrap();
    assert_eq!(first.status(), 200);
    assert_eq!(refusal(ask().await.unwrap()).await, (503, "unavailable".to_owned()));
    drop(first);
    let served = async { while ask().await.unwrap().status() != 200 {} };
    tokio::time::timeout(Duration::from_secs(20), served).await.expect("its place is given back");
}

/// A connection with the first part of a request to the route `api`.
async fn asking(house: &House, method: &str, rest: &str) -> TcpStream {
    let address = house.url.strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(address).await.unwrap();
    let token = house.token.expose();
    let request =
        format!("{method} /gateway/api/x HTTP/1.1\r\nHost: {address}\r\nX-Bursar-Token: {token}\r\n{rest}");
    stream.write_all(request.as_bytes()).await.unwrap();
    stream
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_without_a_request_is_closed() {
    let upstream = Upstream::agreeable().await;
    let limits = Limits { head_time: SHORT, ..Limits::default() };
    let house = House::with(&route("api", &upstream.url("")), limits).await;
    let address = house.url.strip_prefix("http://").unwrap();
    let whole = format!(
        "GET /gateway/api/x HTTP/1.1\r\nHost: {address}\r\nX-Bursar-Token: {}\r\n\r\n",
        house.token.expose()
    );
    // Nothing at all, a head that does not end, and nothing after a request.
    for said in ["", "GET /gateway/api/x HTTP/1.1\r\nX-Slow: ", whole.as_str()] {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(said.as_bytes()).await.unwrap();
        let mut heard = Vec::new();
        let closed = tokio::time::timeout(Duration::from_secs(20), stream.read_to_end(&mut heard)).await;
        closed.expect("it is closed").unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn stopping_waits_for_requests_under_way_but_not_for_ever() {
    let upstream = silent().await;
    let limits = Limits { stop_grace: SHORT, ..Limits::default() };
    let mut house = House::with(&route("api", &upstream.url("")), limits).await;
    let ask = client().get(format!("{}/gateway/api/body", house.url)).bearer_auth(house.token.expose());
    let answer = ask.send().await.unwrap();
    house.stopped().await;
    assert!(answer.bytes().await.is_err(), "cut when its time was over");
    assert!(TcpStream::connect(house.url.strip_prefix("http://").unwrap()).await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_configuration_takes_hold_and_a_broken_one_changes_nothing() {
    let (first, second) = (Upstream::agreeable().await, Upstream::agreeable().await);
    let house = House::with(&route("api", &first.url("")), Limits::default()).await;
    let ask =
        || client().get(format!("{}/gateway/api/x", house.url)).bearer_auth(house.token.expose()).send();
    assert_eq!(ask().await.unwrap().status(), 200);
    house.home.write_config(&route("api", &second.url("")));
    house.reconfigure_with(&house.configured()).unwrap();
    assert_eq!(ask().await.unwrap().status(), 200);
    assert_eq!((first.arrivals().len(), second.arrivals().len()), (1, 1));
    let nameless = GatewayConfig {
        routes: [("api".to_owned(), RouteConfig::default())].into(),
        ..GatewayConfig::default()
    };
    assert!(house.reconfigure_with(&nameless).is_err());
    assert_eq!(ask().await.unwrap().status(), 200);
    assert_eq!(second.arrivals().len(), 2);
}

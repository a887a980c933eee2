//! Silences that end, and a stop that waits no longer than it says.

use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::response::Response;
use bursar::config::meaning::{GatewayConfig, RouteConfig};
use bursar::gateway::Limits;
use bursar::system::SystemClock;
use bursar_core::ports::clock::Clock as _;
use futures::{StreamExt as _, stream};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

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

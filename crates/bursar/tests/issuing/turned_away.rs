//! Whoever does not even come to an endpoint gets a name for it too.

use std::time::Duration;

use bursar::server::Limits;
use bursar_core::oauth::error::ErrorCode;
use http::{HeaderMap, HeaderName, HeaderValue};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::client::Answer;
use super::world::{Plan, World, on_every_store, planned};

const NAME: &str = "bursar-correlation-id";

/// What the server says to these bytes, whether they are a request or not.
async fn said(world: &World, bytes: &str) -> Answer {
    let mut stream = TcpStream::connect(world.address).await.unwrap();
    stream.write_all(bytes.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    let reading = stream.read_to_end(&mut answer);
    tokio::time::timeout(Duration::from_secs(30), reading).await.expect("it ends").unwrap();
    let text = String::from_utf8(answer).unwrap();
    let (head, text) = text.split_once("\r\n\r\n").unwrap();
    let (first, fields) = head.split_once("\r\n").unwrap();
    let mut headers = HeaderMap::new();
    for (name, value) in fields.lines().map(|field| field.split_once(": ").unwrap()) {
        let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
        headers.append(name, HeaderValue::from_str(value).unwrap());
    }
    let status = first.split(' ').nth(1).unwrap().parse().unwrap();
    Answer { status, headers, text: text.to_owned() }
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_that_reach_no_endpoint_are_named_and_explained() {
    let limits = Limits { body_time: Duration::from_millis(300), ..Limits::default() };
    let plan = || Plan { limits: limits.clone(), ..Plan::default() };
    planned(&plan, async |world| {
        let route = || ErrorCode::Extension("unknown_route".to_owned());
        let probe = "Host: a\r\nConnection: close\r\nX-Forwarded-For: 192.0.2.7\r\nUser-Agent: probe/1\r\n";
        for (status, code, path, bytes) in [
            (400, ErrorCode::InvalidRequest, "/oauth/jwks", "GET /oauth/jwks HTTP/1.1\r\nConnection: close\r\n\r\n".to_owned()),
            (400, ErrorCode::InvalidRequest, "/oauth/jwks", format!("GET /oauth/jwks HTTP/1.1\r\nHost: b\r\n{probe}\r\n")),
            (413, ErrorCode::InvalidRequest, "/oauth/token", format!("POST /oauth/token HTTP/1.1\r\n{probe}Content-Length: 1000000\r\n\r\n")),
            (408, ErrorCode::InvalidRequest, "/oauth/token", format!("POST /oauth/token HTTP/1.1\r\n{probe}Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 9\r\n\r\nhalf")),
            (404, route(), "/oauth/nothing", format!("GET /oauth/nothing?token=hunter2 HTTP/1.1\r\n{probe}\r\n")),
            (405, route(), "/oauth/token", format!("GET /oauth/token?code=hunter2 HTTP/1.1\r\n{probe}\r\n")),
            (405, route(), "/login", format!("PUT /login HTTP/1.1\r\n{probe}\r\n")),
        ] {
            let answer = said(&world, &bytes).await;
            assert_eq!((answer.status, answer.member("error").as_str()), (status, code.as_str()), "{answer:?}");
            let noted = world.noted(&answer).await;
            let description = answer.member("error_description");
            assert!(description.ends_with(&format!("(reference: {})", noted.id)), "{description}");
            assert_eq!((noted.endpoint.as_str(), &noted.code), (path, &code));
            assert!(noted.advice().is_some() && !format!("{noted:?}").contains("hunter2"), "{noted:?}");
            if bytes.contains("probe/1") {
                let from = (noted.address, noted.user_agent.as_deref());
                assert_eq!(from, (Some("192.0.2.7".parse().unwrap()), Some("probe/1")));
            }
        }
        assert_eq!(said(&world, &format!("GET /oauth/token HTTP/1.1\r\n{probe}\r\n")).await.header("allow"), "POST");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_api_tells_them_in_its_own_document() {
    on_every_store(async |world| {
        for (request, status) in
            [(world.http.get(world.at("/v1/nothing")), 404), (world.http.put(world.at("/v1/keys")), 405)]
        {
            let answer = Answer::of(request).await;
            assert_eq!(
                (answer.status, answer.member("error").as_str()),
                (status, "unknown_route"),
                "{answer:?}"
            );
            assert!(
                !answer.member("hint").is_empty() && world.noted(&answer).await.endpoint.starts_with("/v1/")
            );
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_nobody_wonders_about_has_no_name() {
    on_every_store(async |world| {
        for (path, status) in [("/favicon.ico", 404), ("/oauth/jwks", 200)] {
            let answer = world.get(path).await;
            assert_eq!((answer.status, answer.header(NAME)), (status, ""), "{answer:?}");
        }
        let ask = world.http.request(http::Method::OPTIONS, world.at("/oauth/token"));
        let may = Answer::of(ask.header("origin", "https://app.test")).await;
        assert_eq!((may.status, may.header("access-control-allow-origin"), may.header(NAME)), (204, "*", ""));
    })
    .await;
}

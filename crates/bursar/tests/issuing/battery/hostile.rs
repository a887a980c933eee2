//! Requests no client would send: too large, too slow, not text, not once, too deep.

use std::time::Duration;

use bursar::server::Limits;
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::{on_every_store, planned};
use crate::issuing::client::Answer;
use crate::issuing::world::{CALLBACK, Plan, World};

/// Everything the server says to these bytes until it closes.
async fn raw(world: &World, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(world.address).await.unwrap();
    // It may have heard enough before everything is sent.
    let _refused = stream.write_all(bytes).await;
    let mut answer = Vec::new();
    let reading = stream.read_to_end(&mut answer);
    // A reset after the answer is as good as an end.
    let _cut = tokio::time::timeout(Duration::from_secs(30), reading).await.expect("it ends");
    String::from_utf8_lossy(&answer).into_owned()
}

async fn assert_well(world: &World) {
    assert_eq!(world.get("/oauth/jwks").await.status, 200);
    assert_eq!(world.refresh("x").await.status, 400);
}

async fn posted(world: &World, path: &str, kind: &str, body: Vec<u8>) -> Answer {
    let request = world.http.post(world.at(path)).header("content-type", kind);
    Answer::of(request.body(body)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_too_large_is_refused_before_it_is_read() {
    on_every_store(async |world| {
        let long = "x".repeat(100_000);
        for head in [
            format!("GET /oauth/authorize?state={long} HTTP/1.1\r\nHost: a\r\n\r\n"),
            format!("POST /oauth/token HTTP/1.1\r\nHost: a\r\nX: {long}\r\n\r\n"),
            format!("POST /oauth/token HTTP/1.1\r\nHost: a\r\nAuthorization: Basic {long}\r\n\r\n"),
            format!("POST /oauth/token HTTP/1.1\r\nHost: a\r\nDPoP: {long}\r\n\r\n"),
            format!("GET /oauth/authorize HTTP/1.1\r\nHost: a\r\nCookie: bursar_session={long}\r\n\r\n"),
            format!("GET /oauth/authorize HTTP/1.1\r\nHost: a\r\n{}\r\n", "X: x\r\n".repeat(10_000)),
        ] {
            let answer = raw(&world, head.as_bytes()).await;
            assert!(answer.starts_with("HTTP/1.1 431") || answer.is_empty(), "{answer}");
        }
        for path in
            ["/oauth/token", "/oauth/register", "/oauth/authorize", "/login", "/consent", "/oauth/par"]
        {
            let head = format!("POST {path} HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n");
            let answer = raw(&world, head.as_bytes()).await;
            assert!(answer.starts_with("HTTP/1.1 413"), "{path}: {answer}");
        }
        assert_well(&world).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_too_slow_is_given_up_and_hurts_nobody() {
    let short = Duration::from_millis(300);
    let plan = || Plan {
        limits: Limits { head_time: short, body_time: short, ..Limits::default() },
        ..Plan::default()
    };
    planned(&plan, async |world: World| {
        let slow = [
            "POST /oauth/token HTTP/1.1\r\nHost: a\r\nX-Slow: ",
            "POST /oauth/token HTTP/1.1\r\nHost: a\r\nContent-Type: application/x-www-form-urlencoded\r\n\
             Content-Length: 100\r\n\r\ngrant_type=",
            "POST /oauth/register HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n\
             Transfer-Encoding: chunked\r\n\r\n5\r\n{\"a\":",
        ];
        let slow: Vec<_> = slow.iter().cycle().take(60).map(|bytes| raw(&world, bytes.as_bytes())).collect();
        let (answers, ()) = tokio::join!(futures::future::join_all(slow), assert_well(&world));
        for answer in answers {
            assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 408"), "{answer}");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_text_is_no_parameter() {
    on_every_store(async |world| {
        let form = "application/x-www-form-urlencoded";
        let code = "grant_type=authorization_code&code=";
        for value in ["%ff%fe", "%c0%80", "%ed%a0%80", "\u{fffd}", "%00", "%", "%z1", "\u{0}"] {
            for name in ["code", "client_id", "refresh_token", "scope", "resource"] {
                let body = format!("{code}x&code_verifier=x&{name}={value}").into_bytes();
                let answer = posted(&world, "/oauth/token", form, body).await;
                assert!([400, 401].contains(&answer.status), "{name}={value}: {answer:?}");
                assert!(answer.json()["error"].is_string());
            }
        }
        let mut bytes = format!("{code}x&client_id=").into_bytes();
        bytes.extend([0xff, 0xfe, 0x00, b'&', b'=', b'&']);
        let answer = posted(&world, "/oauth/token", form, bytes).await;
        assert!([400, 401].contains(&answer.status), "{answer:?}");
        for query in ["client_id=%ff", "%ff=x", "client_id=%00", "=&=&&&", "&&&&", "client_id"] {
            let answer = world.get(&format!("/oauth/authorize?{query}")).await;
            answer.assert_page();
        }
        let many = "a=b&".repeat(16_000);
        let answer = posted(&world, "/oauth/token", form, many.into_bytes()).await;
        assert!([400, 401].contains(&answer.status), "{answer:?}");
        let different: Vec<String> = (0..8_000).map(|number| format!("{number}=")).collect();
        let different = different.join("&");
        let answer = posted(&world, "/oauth/token", form, different.into_bytes()).await;
        assert!([400, 401].contains(&answer.status), "{answer:?}");
        assert_well(&world).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn documents_that_say_something_twice_or_too_deep_are_refused() {
    on_every_store(async |world| {
        let good = json!({ "redirect_uris": [CALLBACK], "token_endpoint_auth_method": "none" }).to_string();
        let twice = good.replacen('{', "{\"redirect_uris\":[\"https://evil.test/\"],", 1);
        let deep = |depth: usize| {
            let (open, close) = ("[".repeat(depth), "]".repeat(depth));
            good.replacen('{', &format!("{{\"x\":{open}{close},"), 1)
        };
        for body in [
            twice,
            deep(30_000),
            deep(1_000),
            format!("{}{}", "{\"a\":".repeat(5_000), "1"),
            "[".repeat(60_000),
            good.replacen("none", "none\u{0}", 1),
            format!("{good}{good}"),
            format!("\u{feff}{good}"),
            good.replacen('{', "{\"client_name\":\"\\ud800\",", 1),
            good.replacen('{', "{\"client_name\":\"a\\u0000b\",", 1),
            good.replacen('{', "{\"default_max_age\":1e400,", 1),
            "null".to_owned(),
            "\"x\"".to_owned(),
            String::new(),
        ] {
            let shown: String = body.chars().take(80).collect();
            let answer = posted(&world, "/oauth/register", "application/json", body.into_bytes()).await;
            assert_eq!(answer.status, 400, "{shown}: {answer:?}");
            assert!(answer.json()["error"].is_string());
        }
        let mut bytes = good.into_bytes();
        bytes[3] = 0xff;
        let answer = posted(&world, "/oauth/register", "application/json", bytes).await;
        assert_eq!(answer.status, 400, "{answer:?}");
        assert_well(&world).await;
    })
    .await;
}

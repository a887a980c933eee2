//! Callers that are too slow, too loud, gone too soon, or no callers at all.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::raw::{Answer, ask, connect, exchange};
use super::running::Agent;
use super::world::with_keys;
use crate::support::Home;

/// A hand-out that must succeed.
async fn hand_out(home: &Home) {
    let token = ask(home, "POST", "/v1/accounts/gitlab:ci0/token", "{}").await.succeeded();
    assert_eq!(token["access_token"], "glpat-never-print-me-0");
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_that_stop_in_the_middle_hold_nobody_up_and_are_ended() {
    let home = with_keys(1).await;
    let agent = Agent::start(&home).await;
    let head = b"POST /v1/accounts/gitlab:ci0/token HTTP/1.1\r\nHost: b\r\nContent-Length: 100\r\n";
    let half_a_body = [&head[..], b"\r\n{\"wait\":"].concat();
    let mut silent = Vec::new();
    for _ in 0..100 {
        for bytes in [&head[..], &half_a_body, b"P", b""] {
            let mut stream = connect(&home).await;
            stream.write_all(bytes).await.unwrap();
            silent.push(stream);
        }
    }
    hand_out(&home).await;
    // Half a minute for a body, a minute for a head.
    for (number, mut stream) in silent.into_iter().enumerate() {
        let mut answer = Vec::new();
        let _reset = stream.read_to_end(&mut answer).await;
        match number % 4 {
            1 => assert_eq!(Answer::read(&answer).refused(408), "usage"),
            _ => assert!(answer.is_empty() || Answer::read(&answer).status == 408, "{answer:?}"),
        }
    }
    assert!(agent.is_there());
    hand_out(&home).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_request_is_refused_and_forgotten() {
    let home = with_keys(1).await;
    let agent = Agent::start(&home).await;
    let long_head = format!("GET /v1/agent HTTP/1.1\r\nHost: b\r\nX: {}\r\n\r\n", "a".repeat(100 * 1024));
    let long_path = format!("GET /{} HTTP/1.1\r\nHost: b\r\n\r\n", "a".repeat(100 * 1024));
    let many = format!("GET / HTTP/1.1\r\n{}\r\n", "a: b\r\n".repeat(1_000));
    for bytes in [
        &b"\0\0\0\0\xff\xff\xff\xff\r\n\r\n"[..],
        b"hunter2\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
        b"GET /v1/agent HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxx",
        b"GET /v1/agent HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
        b"GET /v1/agent HTTP/1.1\r\nno colon\r\n\r\n",
        b"GET /v1/agent\r\nHost: b HTTP/1.1\r\n\r\n",
        long_head.as_bytes(),
        long_path.as_bytes(),
        many.as_bytes(),
    ] {
        let answer = exchange(&home, bytes).await;
        let what = String::from_utf8_lossy(&bytes[..bytes.len().min(40)]);
        let refused = answer.is_empty() || (400..500).contains(&Answer::read(&answer).status);
        assert!(refused, "{what:?}: {}", String::from_utf8_lossy(&answer));
        assert!(!String::from_utf8_lossy(&answer).contains("hunter2"));
    }
    hand_out(&home).await;
    assert!(agent.is_there() && !agent.log().contains("hunter2"), "{}", agent.log());
}

#[tokio::test(flavor = "multi_thread")]
async fn callers_who_leave_at_every_moment_leave_nothing_behind() {
    let home = with_keys(1).await;
    let agent = Agent::start(&home).await;
    let request = b"POST /v1/accounts/gitlab:ci0/token HTTP/1.1\r\nHost: b\r\nContent-Length: 2\r\n\r\n{}";
    for length in (0..=request.len()).chain([request.len(); 200]) {
        let mut stream = connect(&home).await;
        stream.write_all(&request[..length]).await.unwrap();
    }
    hand_out(&home).await;
    let open = || std::fs::read_dir(format!("/proc/{}/fd", agent.id())).unwrap().count();
    while open() > 60 {
        hand_out(&home).await;
    }
    assert!(!agent.log().contains("panick"), "{}", agent.log());
}

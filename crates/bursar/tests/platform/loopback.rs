//! The login callback: what ends the wait, and what does not.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use bursar::loopback::{Callback, CallbackError};
use bursar::system::SystemClock;
use bursar_core::secret::Secret;

const LONG: Duration = Duration::from_secs(30);

/// Sends raw bytes from a thread and gives back the answer.
async fn send(callback: &Callback, text: impl Into<Vec<u8>>) -> String {
    let (address, text) = (address(callback), text.into());
    tokio::task::spawn_blocking(move || {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.write_all(&text).unwrap();
        let mut answer = Vec::new();
        // A refused head is answered while it is still being sent; the reset that follows is fine.
        let _ = stream.read_to_end(&mut answer);
        String::from_utf8(answer).unwrap()
    })
    .await
    .unwrap()
}

fn address(callback: &Callback) -> String {
    let uri = callback.redirect_uri();
    uri.strip_prefix("http://").unwrap().split('/').next().unwrap().to_owned()
}

fn get(target: &str) -> String {
    format!("GET {target} HTTP/1.1\r\nhost: evil.test\r\n\r\n")
}

async fn bind() -> Callback {
    Callback::bind(None, "/callback").await.unwrap()
}

#[tokio::test]
async fn the_query_is_handed_over_as_it_came() {
    let callback = bind().await;
    assert!(callback.redirect_uri().starts_with("http://127.0.0.1:"));
    assert!(callback.redirect_uri().ends_with("/callback"));
    let request = get("/callback?code=hunter2%2F&state=s&iss=https%3A%2F%2Fa.test");
    let (query, page) = futures::join!(callback.wait(LONG, &SystemClock), send(&callback, request));
    assert_eq!(query.unwrap(), Secret::new("code=hunter2%2F&state=s&iss=https%3A%2F%2Fa.test"));
    let lower = page.to_ascii_lowercase();
    assert!(page.starts_with("HTTP/1.1 200 ") && page.contains("close this page"), "{page}");
    for header in [
        "cache-control: no-store",
        "referrer-policy: no-referrer",
        "content-security-policy: default-src 'none'",
        "x-content-type-options: nosniff",
    ] {
        assert!(lower.contains(header), "{header}: {page}");
    }
    assert!(!page.contains("hunter2") && !lower.contains("<script"), "{page}");
}

#[tokio::test]
async fn a_refusal_shows_the_other_page_and_repeats_nothing() {
    let callback = bind().await;
    let request = get("/callback?error=access_denied&error_description=%3Cscript%3Ephish");
    let (query, page) = futures::join!(callback.wait(LONG, &SystemClock), send(&callback, request));
    assert!(query.unwrap().expose().starts_with("error=access_denied"));
    assert!(page.contains("The login failed") && !page.contains("phish"), "{page}");
}

#[tokio::test]
async fn nothing_but_the_answer_itself_ends_the_wait() {
    let callback = bind().await;
    let idle: Vec<TcpStream> = (0..5).map(|_| TcpStream::connect(address(&callback)).unwrap()).collect();
    let strays = async {
        let table = [
            (get("/favicon.ico"), "404"),
            (get("/"), "404"),
            (get("/callback"), "404"),
            (get("/callback?state=s"), "404"),
            (get("/callback/?code=a"), "404"),
            ("POST /callback?code=a HTTP/1.1\r\nhost: a\r\ncontent-length: 0\r\n\r\n".to_owned(), "404"),
            ("HEAD /callback?code=a HTTP/1.1\r\nhost: a\r\n\r\n".to_owned(), "404"),
            ("garbage\r\n\r\n".to_owned(), "400"),
            ("\u{16}\u{3}\u{1}\u{2}\0".repeat(9), "400"),
            (format!("GET /callback?code=a HTTP/1.1\r\nx: {}\r\n\r\n", "y".repeat(200_000)), "431"),
        ];
        for (text, status) in table {
            let shown: String = text.chars().take(60).collect();
            let answer = send(&callback, text).await;
            let told = answer.starts_with(&format!("HTTP/1.1 {status} "));
            // The head that is too long is cut off while it is sent, so its answer may be lost.
            assert!(told || (status == "431" && answer.is_empty()), "{shown}: {answer}");
        }
        send(&callback, get("/callback?code=real")).await
    };
    let (query, page) = futures::join!(callback.wait(LONG, &SystemClock), strays);
    assert_eq!(query.unwrap(), Secret::new("code=real"));
    assert!(page.starts_with("HTTP/1.1 200 "), "{page}");
    drop(idle);
}

#[tokio::test]
async fn a_caller_may_wait_again_after_a_forged_answer() {
    let callback = bind().await;
    for state in ["forged", "real"] {
        let request = get(&format!("/callback?code=a&state={state}"));
        let (query, _) = futures::join!(callback.wait(LONG, &SystemClock), send(&callback, request));
        assert!(query.unwrap().expose().ends_with(state));
    }
}

#[tokio::test]
async fn nobody_coming_ends_at_the_limit() {
    let callback = bind().await;
    let idle = TcpStream::connect(address(&callback)).unwrap();
    let error = callback.wait(Duration::from_millis(100), &SystemClock).await.unwrap_err();
    assert!(matches!(error, CallbackError::TimedOut { .. }), "{error}");
    drop(idle);
}

#[tokio::test]
async fn a_taken_port_is_named() {
    let taken = bind().await;
    let port = address(&taken).split(':').nth(1).unwrap().parse().unwrap();
    let error = Callback::bind(Some(port), "/callback").await.unwrap_err();
    assert!(matches!(error, CallbackError::PortTaken { port: named } if named == port), "{error}");
    drop(taken);
    assert!(Callback::bind(Some(port), "/callback").await.is_ok());
}

//! Certificates of every sort: which are trusted, and how the others are told apart.

use std::sync::Arc;
use std::time::Duration;

use bursar::config::environment::Environment;
use bursar::config::meaning::NetworkConfig;
use bursar::system::SystemClock;
use bursar::upstream_http::HttpUpstream;
use bursar_core::ports::upstream::SendCause::{Cut, Timeout, Tls};
use bursar_core::ports::upstream::SendPhase::{AfterRequest, BeforeRequest};
use bursar_core::ports::upstream::Upstream as _;

use super::servers::{Authority, Server, VALID, answering, hold, self_signed, tls, tls_with};
use super::upstream::{PATIENT, assert_failed, limits, request, send};

/// An upstream that trusts the authority besides the system.
pub(super) fn trusting(authority: &Authority, environment: &Environment) -> HttpUpstream {
    let file = write(&authority.pem());
    let upstream = HttpUpstream::new(environment, &trusting_file(file.path()), Arc::new(SystemClock));
    // Certificates are read by the first call; the file must be there until then.
    std::mem::forget(file);
    upstream
}

fn trusting_file(path: &std::path::Path) -> NetworkConfig {
    NetworkConfig { ca_file: Some(path.to_owned()), ..NetworkConfig::default() }
}

fn write(text: &str) -> tempfile::NamedTempFile {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), text).unwrap();
    file
}

#[tokio::test]
async fn a_configured_authority_is_trusted() {
    let authority = Authority::new("ours");
    let server = tls(authority.identity("127.0.0.1", VALID));
    let upstream = trusting(&authority, &Environment::default());
    let response = upstream.send(request(&server.https("/")), limits(PATIENT)).await.unwrap();
    assert_eq!(response.body().expose(), b"ok");
}

#[tokio::test]
async fn the_environments_certificates_replace_the_systems() {
    let authority = Authority::new("ours");
    let server = tls(authority.identity("127.0.0.1", VALID));
    let file = write(&authority.pem());
    let environment = Environment::from_pairs([("SSL_CERT_FILE", file.path().to_str().unwrap())]);
    let upstream = HttpUpstream::new(&environment, &NetworkConfig::default(), Arc::new(SystemClock));
    let response = upstream.send(request(&server.https("/")), limits(PATIENT)).await.unwrap();
    assert_eq!(response.body().expose(), b"ok");
}

#[tokio::test]
async fn bad_certificates_are_told_apart() {
    let authority = Authority::new("ours");
    let upstream = trusting(&authority, &Environment::default());
    let table = [
        (self_signed("127.0.0.1"), "self-signed"),
        (Authority::new("somebody else").identity("127.0.0.1", VALID), "unknown authority"),
        (authority.identity("127.0.0.1", (2001, 2002)), "expired"),
        (authority.identity("127.0.0.1", (2090, 2099)), "not valid yet"),
        (authority.identity("other.test", VALID), "another host"),
    ];
    for (identity, word) in table {
        let result = upstream.send(request(&tls(identity).https("/")), limits(PATIENT)).await;
        let detail = assert_failed(result, BeforeRequest, Tls);
        assert!(detail.contains(word), "{word}: {detail}");
    }
}

#[tokio::test]
async fn a_server_without_tls_is_a_tls_failure() {
    let plain = answering("HTTP/1.1 400 Bad Request\r\n\r\n");
    let chatty = Server::start(|mut stream| {
        let _ = std::io::Write::write_all(&mut stream, b"HTTP/1.1 400 Bad Request\r\n\r\n");
        hold(stream);
    });
    drop(plain);
    assert_failed(send(&chatty.https("/"), limits(PATIENT)).await, BeforeRequest, Tls);
}

#[tokio::test]
async fn a_handshake_cut_short_is_a_tls_failure() {
    let server = Server::start(drop);
    assert_failed(send(&server.https("/"), limits(PATIENT)).await, BeforeRequest, Tls);
}

#[tokio::test]
async fn a_handshake_that_hangs_is_a_timeout_before_the_request() {
    let server = Server::start(hold);
    let result = send(&server.https("/"), limits(Duration::from_millis(300))).await;
    assert_failed(result, BeforeRequest, Timeout);
}

#[tokio::test]
async fn an_answer_cut_inside_tls_is_a_cut_after_the_request() {
    let authority = Authority::new("ours");
    let server =
        tls_with(authority.identity("127.0.0.1", VALID), b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n");
    let upstream = trusting(&authority, &Environment::default());
    let result = upstream.send(request(&server.https("/")), limits(PATIENT)).await;
    assert_failed(result, AfterRequest, Cut);
}

#[tokio::test]
async fn an_unreadable_authority_file_is_told_before_anything_is_sent() {
    let server = Server::start(hold);
    let missing = std::path::PathBuf::from("/nonexistent/authority.pem");
    let empty = write("no certificate here");
    for path in [missing, empty.path().to_owned()] {
        let upstream =
            HttpUpstream::new(&Environment::default(), &trusting_file(&path), Arc::new(SystemClock));
        let result = upstream.send(request(&server.https("/")), limits(PATIENT)).await;
        let detail = assert_failed(result, BeforeRequest, Tls);
        assert!(detail.contains(path.to_str().unwrap()), "{detail}");
    }
    assert_eq!(server.connections(), 0);
}

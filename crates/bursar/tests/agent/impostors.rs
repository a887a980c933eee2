//! Agents that die, lie or dawdle while they answer: commands go on without them.

use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixListener;

use super::raw::socket;
use super::world::with_keys;
use crate::support::{Ended, Home};

/// Runs a command beside an agent that takes every request, sends these bytes and is gone, or never ends.
async fn beside(home: &Home, bytes: &[u8], never_ends: bool, arguments: &[&str]) -> Ended {
    let listener = UnixListener::bind(socket(home)).unwrap();
    let answer = async {
        let mut open = Vec::new();
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = vec![0; 16 * 1024];
            let _gone = stream.read(&mut request).await;
            let _gone = stream.write_all(bytes).await;
            if never_ends {
                open.push(stream);
            }
        }
    };
    let ended = tokio::select! {
        ended = home.run(arguments) => ended,
        () = answer => panic!("it goes on for ever"),
    };
    std::fs::remove_file(socket(home)).unwrap();
    ended
}

const HALF_AN_ANSWER: &[u8] =
    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 900\r\n\r\n{\"schema\":1,\"access_token\":\"glpat-never";

#[tokio::test(flavor = "multi_thread")]
async fn a_command_goes_on_alone_when_the_answer_breaks_off() {
    let home = with_keys(1).await;
    for bytes in [
        &b""[..],
        b"HTTP/1.1 200 OK\r\nContent-Le",
        HALF_AN_ANSWER,
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{\"sch",
        b"\x16\x03\x01\0\xff\xfe",
        b"SSH-2.0-OpenSSH_9.2\r\n",
    ] {
        for line in [&["token", "gitlab:ci0"][..], &["token", "gitlab:ci0", "--no-wait"]] {
            let token = beside(&home, bytes, false, line).await;
            let what = String::from_utf8_lossy(bytes);
            assert_eq!(
                (token.code, token.stdout.as_str()),
                (0, "glpat-never-print-me-0\n"),
                "{what}: {token}"
            );
            assert_eq!(token.stderr, "", "{what}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_never_ends_is_not_waited_for() {
    let home = with_keys(1).await;
    for bytes in [&b""[..], b"HTTP/1.1 200 OK\r\nX: ", HALF_AN_ANSWER] {
        let token = beside(&home, bytes, true, &["token", "gitlab:ci0"]);
        let token = tokio::time::timeout(Duration::from_secs(8), token).await.expect("it waits");
        assert_eq!((token.code, token.stdout.as_str()), (0, "glpat-never-print-me-0\n"), "{token}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_of_another_kind_is_told_with_what_to_do() {
    let home = with_keys(1).await;
    for bytes in [
        &b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]"[..],
        b"HTTP/1.1 500 Oh No\r\nContent-Length: 4\r\n\r\noops",
    ] {
        let told = beside(&home, bytes, false, &["token", "gitlab:ci0"]).await;
        assert_eq!((told.code, told.stdout.as_str()), (1, ""), "{told}");
        assert!(told.stderr.contains("understood") && told.stderr.contains("`bursar agent stop`"), "{told}");
    }
}

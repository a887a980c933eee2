//! HTTP written by hand, so that nothing corrects what a test sends.

use std::io::ErrorKind;
use std::path::PathBuf;

use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixStream;

use super::running::a_moment;
use crate::support::Home;

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Answer {
    /// Reads one answer that is everything in `bytes`.
    pub(crate) fn read(bytes: &[u8]) -> Self {
        let text = String::from_utf8_lossy(bytes);
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no answer: {text:?}"));
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
        Self { status: status.unwrap(), head: head.to_lowercase(), body: body.to_owned() }
    }

    /// The body as JSON.
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("{self:?}"))
    }

    /// The JSON body of a success.
    #[track_caller]
    pub(crate) fn succeeded(self) -> Value {
        assert!((200..300).contains(&self.status), "{self:?}");
        if self.body.is_empty() { Value::Null } else { self.json() }
    }

    /// The word for programs in a refusal.
    #[track_caller]
    pub(crate) fn refused(&self, status: u16) -> String {
        assert_eq!(self.status, status, "{self:?}");
        self.json()["error"].as_str().unwrap().to_owned()
    }
}

/// Where the agent of this home listens.
pub(crate) fn socket(home: &Home) -> PathBuf {
    home.path().join("agent.sock")
}

/// A connection to the agent. While a crowd fills the queue of its socket, the system tells a caller who does not block to
/// try again (connect(2), EAGAIN).
pub(crate) async fn connect(home: &Home) -> UnixStream {
    loop {
        match UnixStream::connect(socket(home)).await {
            Err(error) if error.kind() == ErrorKind::WouldBlock => a_moment().await,
            connected => return connected.unwrap(),
        }
    }
}

/// One request and its answer.
pub(crate) async fn ask(home: &Home, method: &str, target: &str, body: &str) -> Answer {
    let length = body.len();
    let head = format!(
        "{method} {target} HTTP/1.1\r\nHost: bursar\r\nConnection: close\r\nContent-Length: {length}"
    );
    Answer::read(&exchange(home, format!("{head}\r\n\r\n{body}").as_bytes()).await)
}

/// Sends these bytes and reads until the agent closes the connection.
pub(crate) async fn exchange(home: &Home, bytes: &[u8]) -> Vec<u8> {
    let mut stream = connect(home).await;
    // It may have heard enough before the end.
    let _refused = stream.write_all(bytes).await;
    let mut answer = Vec::new();
    let _reset = stream.read_to_end(&mut answer).await;
    answer
}

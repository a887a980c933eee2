//! A running agent, and single questions to its socket.

use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use bursar::system::SystemClock;
use bursar_core::ports::clock::Clock as _;

use crate::home::Home;
use crate::running::{Running, SERVER_CORE, pinned};

/// `bursar agent run` in a home; it ends when this is dropped.
#[derive(Debug)]
pub(crate) struct Agent {
    /// The process.
    pub(crate) running: Running,
    /// Where it listens.
    pub(crate) socket: PathBuf,
    /// From before its start to the end of its first answer.
    pub(crate) first_answer: Duration,
}

impl Agent {
    /// Starts it wherever the system likes, and waits until it has handed out a token of `account`.
    pub(crate) fn start(bursar: &Path, home: &Home, account: &str) -> Result<Self> {
        Self::by(std::process::Command::new(bursar), home, account)
    }

    /// The same on the core of whatever is measured.
    pub(crate) fn start_pinned(bursar: &Path, home: &Home, account: &str) -> Result<Self> {
        Self::by(pinned(SERVER_CORE, bursar), home, account)
    }

    fn by(mut command: std::process::Command, home: &Home, account: &str) -> Result<Self> {
        command.args(["agent", "run"]).env_clear().envs(home.variables());
        let socket = home.socket();
        let request = token_request(account, "close");
        let start = SystemClock.stopwatch();
        let mut running = Running::start(&mut command)?;
        loop {
            // No socket yet, or one that has just come.
            if let Ok(answer) = exchange(&socket, &request) {
                let first_answer = SystemClock.stopwatch().saturating_sub(start);
                ensure!(is_success(&answer), "the agent refuses: {}", String::from_utf8_lossy(&answer));
                return Ok(Self { running, socket, first_answer });
            }
            if let Some(status) = running.child.try_wait()? {
                bail!("the agent ended with {status}");
            }
            ensure!(
                SystemClock.stopwatch().saturating_sub(start) < LONGEST_START,
                "the agent does not answer"
            );
            std::thread::sleep(LOOK_AGAIN);
        }
    }

    /// Asks for something, and fails unless it is done.
    pub(crate) fn ask(&self, request: &[u8]) -> Result<Vec<u8>> {
        let answer = exchange(&self.socket, request)?;
        ensure!(is_success(&answer), "the agent refuses: {}", String::from_utf8_lossy(&answer));
        Ok(answer)
    }
}

/// A question for a token, as a program would put it that waits for nobody.
pub(crate) fn token_request(account: &str, connection: &str) -> Vec<u8> {
    post(&format!("/v1/accounts/{account}/token"), connection)
}

/// A refresh, whatever the windows say.
pub(crate) fn refresh_request(account: &str) -> Vec<u8> {
    post(&format!("/v1/accounts/{account}/refresh"), "close")
}

fn post(path: &str, connection: &str) -> Vec<u8> {
    let body = r#"{"wait":30}"#;
    let head = format!(
        "POST {path} HTTP/1.1\r\nhost: bursar\r\nconnection: {connection}\r\ncontent-type: application/json\r\n\
         content-length: {}\r\n\r\n",
        body.len()
    );
    [head.as_bytes(), body.as_bytes()].concat()
}

fn exchange(socket: &Path, request: &[u8]) -> Result<Vec<u8>> {
    let mut stream = UnixStream::connect(socket)?;
    stream.write_all(request)?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    answer.starts_with(b"HTTP/1.1 ").then_some(answer).context("no answer")
}

fn is_success(answer: &[u8]) -> bool {
    answer.starts_with(b"HTTP/1.1 2")
}

/// Much shorter than what is measured.
const LOOK_AGAIN: Duration = Duration::from_micros(200);
const LONGEST_START: Duration = Duration::from_mins(1);

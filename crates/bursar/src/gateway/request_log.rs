//! The request log: one JSON line for each request, never a token, never a query.
//!
//! Lines are written by a thread of their own: a slow disk delays lines, a full one loses them, neither a request.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::Duration;

use bursar_core::lifecycle::reference::AccountReference;
use bursar_core::ports::clock::Clock;
use futures::channel::oneshot;
use futures::future::select;
use http::{Request, StatusCode};
use jiff::Timestamp;
use serde::Serialize;

use super::Notice;
use crate::log_file::LogFile;

/// Takes lines.
#[derive(Debug)]
pub(super) struct RequestLog {
    sender: SyncSender<Message>,
}

enum Message {
    Line(Vec<u8>),
    Flushed(oneshot::Sender<()>),
}

impl RequestLog {
    /// Opens or creates the file, for its owner only. Larger than `size` bytes it is put aside; `keep` of those stay.
    pub(super) fn open(path: &Path, size: u64, keep: u32, notice: Notice) -> Result<Self, LogError> {
        let unusable = |source| LogError { path: path.to_owned(), source };
        let file = LogFile::open(path.to_owned(), size, keep).map_err(unusable)?;
        let (sender, receiver) = sync_channel(WAITING_LINES);
        let thread = std::thread::Builder::new().name("request-log".to_owned());
        thread.spawn(move || write_all(file, &receiver, &notice)).map_err(unusable)?;
        Ok(Self { sender })
    }

    /// Begins the line of a request.
    pub(super) fn line<B>(&self, clock: &Arc<dyn Clock>, request: &Request<B>) -> LogLine {
        LogLine {
            sender: self.sender.clone(),
            began: clock.stopwatch(),
            entry: Entry {
                time: clock.now(),
                route: None,
                account: None,
                method: request.method().as_str().to_owned(),
                path: request.uri().path().to_owned(),
                status: None,
                latency_ms: None,
                bytes: 0,
                caller: None,
            },
            clock: Arc::clone(clock),
        }
    }

    /// Waits until all lines so far are written, but not forever.
    pub(super) async fn flushed(&self, clock: &dyn Clock) {
        let (sender, receiver) = oneshot::channel();
        if self.sender.try_send(Message::Flushed(sender)).is_ok() {
            let _either = select(receiver, clock.sleep(LAST_LINES)).await;
        }
    }
}

/// The request log cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("the request log {path} cannot be opened", path = path.display())]
pub(super) struct LogError {
    path: PathBuf,
    source: io::Error,
}

/// The line of one request, written when it is dropped: that is the end of the exchange, however it ends.
#[derive(Debug)]
pub(super) struct LogLine {
    sender: SyncSender<Message>,
    clock: Arc<dyn Clock>,
    began: Duration,
    entry: Entry,
}

/// What is told of a request.
#[derive(Debug, Serialize)]
struct Entry {
    /// When it came.
    time: Timestamp,
    route: Option<String>,
    account: Option<String>,
    method: String,
    /// As it was asked for, without its query.
    path: String,
    /// `null`: the caller went away before there was an answer.
    status: Option<u16>,
    /// To the head of the answer.
    latency_ms: Option<u64>,
    /// Of the answer's body.
    bytes: u64,
    /// Name of the gateway token, or `session:` and the session.
    caller: Option<String>,
}

impl LogLine {
    pub(super) fn called_by(&mut self, caller: &str) {
        self.entry.caller = Some(caller.to_owned());
    }

    pub(super) fn led_to(&mut self, route: &str, account: &AccountReference) {
        self.entry.route = Some(route.to_owned());
        self.entry.account = Some(account.to_string());
    }

    pub(super) fn answered(&mut self, status: StatusCode) {
        let took = self.clock.stopwatch().saturating_sub(self.began);
        self.entry.status = Some(status.as_u16());
        self.entry.latency_ms = Some(u64::try_from(took.as_millis()).unwrap_or(u64::MAX));
    }

    pub(super) fn passed(&mut self, bytes: u64) {
        self.entry.bytes += bytes;
    }
}

impl Drop for LogLine {
    fn drop(&mut self) {
        let mut line = serde_json::to_vec(&self.entry).unwrap_or_default();
        line.push(b'\n');
        // A disk that is so slow loses lines, and no request waits for it.
        let _lost = self.sender.try_send(Message::Line(line));
    }
}

fn write_all(mut file: LogFile, receiver: &Receiver<Message>, notice: &Notice) {
    let mut failing = false;
    for message in receiver {
        match message {
            Message::Line(line) => match file.append(&line) {
                Ok(()) => failing = false,
                Err(error) => {
                    if !failing {
                        notice(&format!(
                            "the request log cannot be written ({error}); requests go on without it"
                        ));
                    }
                    failing = true;
                }
            },
            Message::Flushed(told) => {
                let _nobody_waits = told.send(());
            }
        }
    }
}

/// A second of requests at full speed, a few MiB.
const WAITING_LINES: usize = 16 * 1024;
/// For what waits to be written when the gateway stops.
const LAST_LINES: Duration = Duration::from_secs(2);

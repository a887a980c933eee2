//! Passes on what the command prints, without the tokens in it.

use std::io;
use std::process::Command;
use std::time::Duration;

use bursar_core::ports::clock::Clock;
use futures::FutureExt as _;
use futures::future::join_all;
use tokio::io::{AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::sync::watch;
use zeroize::Zeroizing;

use super::known_tokens::KnownTokens;
use super::mask::Mask;
use crate::exit::{Exit, Failure};

/// The reading ends of what was given to the command as its output.
pub(super) struct Relay<'a> {
    streams: Vec<Stream>,
    known: &'a KnownTokens<'a>,
    clock: &'a dyn Clock,
}

struct Stream {
    source: source::Source,
    sink: Box<dyn AsyncWrite + Unpin>,
}

impl<'a> Relay<'a> {
    /// Replaces the command's output. One pipe does for both where ours are the same, so that errors and other words
    /// keep their order.
    ///
    /// To be called inside the runtime.
    pub(super) fn put_around(
        command: &mut Command,
        known: &'a KnownTokens<'a>,
        clock: &'a dyn Clock,
    ) -> Result<Self, Failure> {
        let put = |command: &mut Command| -> io::Result<Vec<Stream>> {
            let (reader, writer) = io::pipe()?;
            let mut streams =
                vec![Stream { source: source::of(reader)?, sink: Box::new(tokio::io::stdout()) }];
            if source::outputs_are_one() {
                command.stderr(writer.try_clone()?);
            } else {
                let (reader, writer) = io::pipe()?;
                streams.push(Stream { source: source::of(reader)?, sink: Box::new(tokio::io::stderr()) });
                command.stderr(writer);
            }
            command.stdout(writer);
            Ok(streams)
        };
        let streams =
            put(command).map_err(|error| Failure::of(Exit::Error, &error).hint("run `bursar doctor`"))?;
        Ok(Self { streams, known, clock })
    }

    /// Passes everything on until the end of all output, or until the command has `ended` and everything it printed
    /// is passed on: what its own children print later has nobody to mask it.
    pub(super) async fn run(self, ended: watch::Receiver<bool>) {
        let Self { streams, known, clock } = self;
        join_all(streams.into_iter().map(|stream| stream.run(known, clock, ended.clone()))).await;
    }
}

impl Stream {
    /// When nobody reads what comes out, the source is closed, and the command learns it as it would without us.
    async fn run(mut self, known: &KnownTokens<'_>, clock: &dyn Clock, mut ended: watch::Receiver<bool>) {
        let mut mask = Mask::default();
        let mut bytes = Zeroizing::new(vec![0; LARGEST_PIECE]);
        let mut over = false;
        while !over {
            let pause = if mask.is_waiting() {
                clock.sleep(LONGEST_WAIT)
            } else {
                futures::future::pending().boxed()
            };
            let read = tokio::select! {
                biased;
                read = self.source.read(&mut bytes) => read.unwrap_or(0),
                _command = ended.wait_for(|ended| *ended) => {
                    over = true;
                    0
                }
                () = pause => {
                    let mut out = Vec::new();
                    mask.release(&mut out);
                    if !self.put(&out).await {
                        return;
                    }
                    continue;
                }
            };
            if read == 0 {
                break;
            }
            if !self.pass(known, &mut mask, &bytes[..read]).await {
                return;
            }
        }
        while over {
            let read = source::read_what_is_there(&mut self.source, &mut bytes).await;
            over = read > 0 && self.pass(known, &mut mask, &bytes[..read]).await;
        }
        let mut out = Vec::new();
        mask.end(&known.tokens().borrow(), &mut out);
        self.put(&out).await;
    }

    /// `false`: nobody reads.
    async fn pass(&mut self, known: &KnownTokens<'_>, mask: &mut Mask, bytes: &[u8]) -> bool {
        known.catch_up().await;
        let mut out = Vec::with_capacity(bytes.len());
        mask.feed(&known.tokens().borrow(), bytes, &mut out);
        self.put(&out).await
    }

    async fn put(&mut self, out: &[u8]) -> bool {
        out.is_empty() || (self.sink.write_all(out).await.is_ok() && self.sink.flush().await.is_ok())
    }
}

/// As much as a pipe holds.
const LARGEST_PIECE: usize = 64 * 1024;

/// A person does not notice it, and every program that writes a token writes it faster.
const LONGEST_WAIT: Duration = Duration::from_millis(50);

#[cfg(unix)]
mod source {
    use std::io::{self, PipeReader};
    use std::os::fd::OwnedFd;

    use rustix::fs::fstat;
    use tokio::net::unix::pipe;

    pub(super) type Source = pipe::Receiver;

    pub(super) fn of(reader: PipeReader) -> io::Result<Source> {
        pipe::Receiver::from_owned_fd(OwnedFd::from(reader))
    }

    /// What is in the pipe now; 0 at its end. The runtime may not have heard of it yet, so the pipe itself is asked.
    #[expect(clippy::unused_async, reason = "other systems have to wait")]
    pub(super) async fn read_what_is_there(source: &mut Source, bytes: &mut [u8]) -> usize {
        loop {
            match rustix::io::read(&*source, &mut *bytes) {
                Err(rustix::io::Errno::INTR) => {}
                read => return read.unwrap_or(0),
            }
        }
    }

    /// Whether our stdout and stderr end in the same place: a terminal, or a pipe or file by `2>&1`.
    pub(super) fn outputs_are_one() -> bool {
        let (Ok(out), Ok(err)) = (fstat(io::stdout()), fstat(io::stderr())) else { return false };
        (out.st_dev, out.st_ino, out.st_rdev) == (err.st_dev, err.st_ino, err.st_rdev)
    }
}

#[cfg(not(unix))]
mod source {
    use std::fs::File;
    use std::io::{self, PipeReader};
    use std::os::windows::io::OwnedHandle;

    use tokio::io::AsyncReadExt as _;

    pub(super) type Source = tokio::fs::File;

    #[expect(clippy::unnecessary_wraps, reason = "it can fail elsewhere")]
    pub(super) fn of(reader: PipeReader) -> io::Result<Source> {
        Ok(tokio::fs::File::from_std(File::from(OwnedHandle::from(reader))))
    }

    /// What comes until the end: a pipe cannot be asked here.
    pub(super) async fn read_what_is_there(source: &mut Source, bytes: &mut [u8]) -> usize {
        source.read(bytes).await.unwrap_or(0)
    }

    pub(super) fn outputs_are_one() -> bool {
        false
    }
}

//! The load on one server: connections that ask one question after the other, and one thread that keeps them all.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::pin::pin;
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow, ensure};
use bursar::system::SystemClock;
use bursar_core::ports::clock::Clock as _;
use futures::future::{Either, select, try_join_all};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpStream, UnixStream};

use crate::running::{LOAD_CORE, pin_this_thread};
use crate::sample::Sample;

/// Where a server listens.
#[derive(Clone, Debug)]
pub(crate) enum Place {
    /// On a socket in the file system.
    Socket(PathBuf),
    /// On a port.
    Address(SocketAddr),
}

/// Whoever asks on one connection, turn after turn.
pub(crate) trait Caller: Send {
    /// The next request, head and body.
    fn question(&mut self) -> &[u8];

    /// The body of the good answer to it.
    fn hear(&mut self, body: &[u8]) -> Result<()>;
}

/// Asks the same again and again, and takes every good answer for what it wants.
#[derive(Clone, Debug)]
pub(crate) struct Same(pub(crate) Vec<u8>);

/// What came of it.
#[derive(Debug)]
pub(crate) struct Load {
    /// Answers per second.
    pub(crate) rate: f64,
    /// The time of each.
    pub(crate) sample: Sample,
}

/// Lets every caller ask on a connection of its own for `time`, from one thread on a core of its own.
pub(crate) fn load(place: &Place, callers: &mut [impl Caller], time: Duration) -> Result<Load> {
    std::thread::scope(|scope| {
        let asking = scope.spawn(|| {
            pin_this_thread(LOAD_CORE)?;
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(ask_on_all(place, callers, time))
        });
        asking.join().map_err(|_| anyhow!("the load ended by itself"))?
    })
}

impl Caller for Same {
    fn question(&mut self) -> &[u8] {
        &self.0
    }

    fn hear(&mut self, _body: &[u8]) -> Result<()> {
        Ok(())
    }
}

async fn ask_on_all(place: &Place, callers: &mut [impl Caller], time: Duration) -> Result<Load> {
    let start = SystemClock.stopwatch();
    let end = start + time;
    let lines = callers.iter_mut().map(|caller| call(place, caller, end));
    let answered = match select(pin!(try_join_all(lines)), pin!(awake())).await {
        Either::Left((answered, _)) => answered?,
        Either::Right((never, _)) => match never {},
    };
    let mut sample = Sample::default();
    for times in answered {
        for time in times {
            sample.add(time);
        }
    }
    let took = SystemClock.stopwatch().saturating_sub(start);
    #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
    let rate = sample.len() as f64 / took.as_secs_f64();
    Ok(Load { rate, sample })
}

/// Keeps this thread from going to sleep. Waking one on another core costs whoever writes to it several microseconds, and
/// a server that is slow enough to let the load fall asleep would pay for it, one that is faster would not.
async fn awake() -> Infallible {
    loop {
        tokio::task::yield_now().await;
    }
}

async fn call(place: &Place, caller: &mut impl Caller, end: Duration) -> Result<Vec<Duration>> {
    match place {
        Place::Socket(path) => {
            ask_until(UnixStream::connect(path).await.context("no connection")?, caller, end).await
        }
        Place::Address(address) => {
            let stream = TcpStream::connect(address).await.context("no connection")?;
            stream.set_nodelay(true)?;
            ask_until(stream, caller, end).await
        }
    }
}

async fn ask_until(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    caller: &mut impl Caller,
    end: Duration,
) -> Result<Vec<Duration>> {
    let mut answer = vec![0; LARGEST_ANSWER];
    let mut times = Vec::new();
    let mut now = SystemClock.stopwatch();
    while now < end {
        stream.write_all(caller.question()).await?;
        let (mut filled, mut parts) = (0, None);
        while parts.is_none_or(|Parts { end, .. }| filled < end) {
            let read = stream.read(&mut answer[filled..]).await?;
            ensure!(read > 0, "the connection ended, or the answer is too long");
            filled += read;
            if parts.is_none() {
                parts = parts_of(&answer[..filled])?;
            }
        }
        let Parts { body, end } = parts.context("an answer without a head")?;
        caller.hear(&answer[body..end])?;
        let before = std::mem::replace(&mut now, SystemClock.stopwatch());
        times.push(now.saturating_sub(before));
    }
    Ok(times)
}

/// Where the body of an answer begins and ends.
#[derive(Clone, Copy)]
struct Parts {
    body: usize,
    end: usize,
}

/// `None` until the head is there.
fn parts_of(answer: &[u8]) -> Result<Option<Parts>> {
    let Some(end) = answer.windows(4).position(|end| end == b"\r\n\r\n") else { return Ok(None) };
    ensure!(
        answer.starts_with(b"HTTP/1.1 200 "),
        "not what was asked for: {}",
        String::from_utf8_lossy(answer)
    );
    let head = std::str::from_utf8(&answer[..end])?;
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().ok())?
    });
    let body = end + 4;
    Ok(Some(Parts { body, end: body + length.context("an answer without its length")? }))
}

const LARGEST_ANSWER: usize = 64 * 1024;

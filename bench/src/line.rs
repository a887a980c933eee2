//! Load on a Unix socket: kept-open connections that ask the same question again as soon as they have its answer.

use std::convert::Infallible;
use std::path::Path;
use std::pin::pin;
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow, ensure};
use bursar::system::SystemClock;
use bursar_core::ports::clock::Clock as _;
use futures::future::{Either, select, try_join_all};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixStream;

use crate::running::{LOAD_CORE, pin_this_thread};
use crate::sample::Sample;

/// What came of it.
#[derive(Debug)]
pub(crate) struct Load {
    /// Answers per second.
    pub(crate) rate: f64,
    /// The time of each.
    pub(crate) sample: Sample,
}

/// Asks `request` on `connections` connections for `time`, from one thread on a core of its own.
pub(crate) fn load(socket: &Path, request: &[u8], connections: usize, time: Duration) -> Result<Load> {
    std::thread::scope(|scope| {
        let asking = scope.spawn(|| {
            pin_this_thread(LOAD_CORE)?;
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(ask_on_all(socket, request, connections, time))
        });
        asking.join().map_err(|_| anyhow!("the load ended by itself"))?
    })
}

async fn ask_on_all(socket: &Path, request: &[u8], connections: usize, time: Duration) -> Result<Load> {
    let start = SystemClock.stopwatch();
    let end = start + time;
    let lines = (0..connections).map(|_| ask_until(socket, request, end));
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

async fn ask_until(socket: &Path, request: &[u8], end: Duration) -> Result<Vec<Duration>> {
    let mut stream = UnixStream::connect(socket).await.context("no connection")?;
    let mut answer = vec![0; LARGEST_ANSWER];
    let mut times = Vec::new();
    let mut now = SystemClock.stopwatch();
    while now < end {
        stream.write_all(request).await?;
        let (mut filled, mut whole) = (0, None);
        while whole.is_none_or(|whole| filled < whole) {
            let read = stream.read(&mut answer[filled..]).await?;
            ensure!(read > 0, "the connection ended, or the answer is too long");
            filled += read;
            if whole.is_none() {
                whole = length(&answer[..filled])?;
            }
        }
        let before = std::mem::replace(&mut now, SystemClock.stopwatch());
        times.push(now.saturating_sub(before));
    }
    Ok(times)
}

/// Of head and body together; `None` until the head is there.
fn length(answer: &[u8]) -> Result<Option<usize>> {
    let Some(end) = answer.windows(4).position(|end| end == b"\r\n\r\n") else { return Ok(None) };
    ensure!(
        answer.starts_with(b"HTTP/1.1 200 "),
        "not what was asked for: {}",
        String::from_utf8_lossy(answer)
    );
    let head = std::str::from_utf8(&answer[..end])?;
    let body = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().ok())?
    });
    Ok(Some(end + 4 + body.context("an answer without its length")?))
}

const LARGEST_ANSWER: usize = 64 * 1024;

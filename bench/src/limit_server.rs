//! The server that does only the irreducible work: hyper reads a request, something is done that nobody can leave out, and
//! everybody gets the same answer.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, Result};
use bursar::system::TokioTasks;
use bursar_core::ports::tasks::Tasks as _;
use http::{HeaderName, HeaderValue, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, UnixListener};

use crate::limit_work::{Work, Worker};

/// Nothing but a status, for whoever only wants to know whether somebody may pass.
pub(crate) const CHECK: &str = "/check";

/// Serves on `unix:PATH` or a loopback address until the process is ended.
pub(crate) fn serve(address: &str, answer: &Path, work: Work) -> Result<()> {
    let folder = answer.parent().context("an answer that is in no folder")?;
    let answer = read_answer(&std::fs::read(answer)?)?;
    let answer = Arc::new((Worker::new(work, folder, answer.body())?, answer));
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(AGENT_WORKERS).enable_all().build()?;
    runtime.block_on(async {
        let tasks = TokioTasks::new();
        if let Some(path) = address.strip_prefix("unix:") {
            let listener = UnixListener::bind(path)?;
            loop {
                let (stream, _) = listener.accept().await?;
                tasks.spawn(Box::pin(connection(stream, Arc::clone(&answer))));
            }
        }
        let listener = TcpListener::bind(address).await?;
        loop {
            let (stream, _) = listener.accept().await?;
            stream.set_nodelay(true)?;
            tasks.spawn(Box::pin(connection(stream, Arc::clone(&answer))));
        }
    })
}

async fn connection(
    stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
    answer: Arc<(Worker, Response<Bytes>)>,
) {
    let service = service_fn(|request: Request<Incoming>| {
        let answer = Arc::clone(&answer);
        async move {
            let is_check = request.uri().path() == CHECK;
            request.into_body().collect().await?;
            let (worker, answer) = &*answer;
            worker.work().await.map_err(std::io::Error::other)?;
            let mut response = Response::new(Full::new(answer.body().clone()));
            *response.headers_mut() = answer.headers().clone();
            if is_check {
                response = Response::new(Full::default());
                *response.status_mut() = StatusCode::NO_CONTENT;
            }
            Ok::<_, anyhow::Error>(response)
        }
    });
    // Whatever went wrong on it is the other side's business.
    let _gone = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
}

/// Headers and body of a whole answer, without what hyper says by itself.
fn read_answer(answer: &[u8]) -> Result<Response<Bytes>> {
    let end = answer.windows(4).position(|end| end == b"\r\n\r\n").context("an answer without a body")?;
    let head = std::str::from_utf8(&answer[..end])?;
    let mut response = Response::new(Bytes::copy_from_slice(&answer[end + 4..]));
    for line in head.lines().skip(1) {
        let (name, value) = line.split_once(':').context("a header without a colon")?;
        let name: HeaderName = name.parse()?;
        if !["date", "content-length", "connection"].contains(&name.as_str()) {
            response.headers_mut().append(name, HeaderValue::from_str(value.trim())?);
        }
    }
    Ok(response)
}

/// As many as the agent has.
const AGENT_WORKERS: usize = 2;

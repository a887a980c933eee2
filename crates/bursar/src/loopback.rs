//! Where the browser comes back to after a login: a listener on 127.0.0.1 (RFC 8252 §7.3).
//!
//! It hands over the query as it came and judges nothing in it; `bursar_core::oauth::authorization` does. It serves one
//! page, to anybody who asks for the one path, and survives whatever else connects to the port.

use std::convert::Infallible;
use std::io;
use std::net::Ipv4Addr;
use std::pin::pin;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use axum::response::{IntoResponse as _, Response};
use bursar_core::ports::clock::Clock;
use bursar_core::secret::Secret;
use futures::StreamExt as _;
use futures::future::select;
use futures::stream::FuturesUnordered;
use http::header::ACCEPT_LANGUAGE;
use http::{Method, Request};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};

use crate::http::pages::{Landing, Language, Look};

/// A port that waits for the browser.
#[derive(Debug)]
pub struct Callback {
    listener: TcpListener,
    port: u16,
    path: String,
}

impl Callback {
    /// Listens on 127.0.0.1, on `port` or any free one; `path` starts with `/`.
    pub async fn bind(port: Option<u16>, path: &str) -> Result<Self, CallbackError> {
        let wanted = port.unwrap_or(0);
        let told = |source: io::Error| match source.kind() {
            io::ErrorKind::AddrInUse => CallbackError::PortTaken { port: wanted },
            _ => CallbackError::Bind { port: wanted, source },
        };
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, wanted)).await.map_err(told)?;
        let port = listener.local_addr().map_err(told)?.port();
        Ok(Self { listener, port, path: path.to_owned() })
    }

    /// What to register and send as `redirect_uri`: the literal address, because `localhost` may be somebody else
    /// (RFC 8252 §8.3).
    pub fn redirect_uri(&self) -> String {
        format!("http://{}:{}{}", Ipv4Addr::LOCALHOST, self.port, self.path)
    }

    /// Waits for the first request of the path that carries an authorization response, and returns its query.
    ///
    /// Any page on this machine can send one, so a caller who finds a wrong `state` in it may wait again.
    pub async fn wait(&self, limit: Duration, clock: &dyn Clock) -> Result<Secret, CallbackError> {
        let arrived = Mutex::new(None);
        let mut connections = FuturesUnordered::new();
        let mut deadline = clock.sleep(limit);
        loop {
            tokio::select! {
                () = &mut deadline => return Err(CallbackError::TimedOut { limit }),
                accepted = self.listener.accept(), if connections.len() < MOST_CONNECTIONS => match accepted {
                    Ok((stream, _)) => connections.push(self.serve(stream, &arrived, clock)),
                    // Too many open files, or a connection already gone: neither is a reason to give up.
                    Err(_) => clock.sleep(PAUSE).await,
                },
                Some(()) = connections.next(), if !connections.is_empty() => {
                    let query = arrived.lock().unwrap_or_else(PoisonError::into_inner).take();
                    if let Some(query) = query {
                        return Ok(query);
                    }
                }
            }
        }
    }

    /// One connection, one request; ends after its answer is out, or at the limit.
    async fn serve(&self, stream: TcpStream, arrived: &Mutex<Option<Secret>>, clock: &dyn Clock) {
        let service = service_fn(async |request| Ok::<_, Infallible>(self.answer(&request, arrived)));
        let connection = http1::Builder::new()
            .keep_alive(false)
            .max_buf_size(LARGEST_HEAD)
            .timer(TokioTimer::new())
            .header_read_timeout(CONNECTION_LIMIT)
            .serve_connection(TokioIo::new(stream), service);
        // Whatever went wrong on it is the other side's business.
        let _ = select(pin!(connection), clock.sleep(CONNECTION_LIMIT)).await;
    }

    fn answer(&self, request: &Request<Incoming>, arrived: &Mutex<Option<Secret>>) -> Response {
        let query = request.uri().query().unwrap_or_default();
        let keys: Vec<_> = url::form_urlencoded::parse(query.as_bytes()).map(|(key, _)| key).collect();
        let (code, error) = (keys.iter().any(|key| key == "code"), keys.iter().any(|key| key == "error"));
        if request.method() != Method::GET || request.uri().path() != self.path || !(code || error) {
            return landed(request, Landing::Nothing);
        }
        let mut arrived = arrived.lock().unwrap_or_else(PoisonError::into_inner);
        if arrived.is_none() {
            *arrived = Some(Secret::new(query));
        }
        landed(request, if error { Landing::Failed } else { Landing::Done })
    }
}

/// The address holds the code: like all pages, this one is kept by nobody and tells no other site where it was.
fn landed(request: &Request<Incoming>, landing: Landing) -> Response {
    let accepted = request.headers().get(ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
    let language = Language::preferred(accepted.unwrap_or_default());
    landing.page(&Look::default().in_language(language)).into_response()
}

/// Browsers open a few connections ahead and leave them idle; more than this is no browser.
const MOST_CONNECTIONS: usize = 32;

/// Codes of a few kilobytes exist, and browsers add as much of their own.
const LARGEST_HEAD: usize = 32 * 1024;

/// On loopback everything arrives at once; a connection that stays silent so long makes room for another.
const CONNECTION_LIMIT: Duration = Duration::from_secs(10);

/// Long enough not to spin while there are no file descriptors.
const PAUSE: Duration = Duration::from_millis(50);

/// The browser did not come back.
#[derive(Debug, thiserror::Error)]
pub enum CallbackError {
    /// Another program listens there.
    #[error("port {port} on 127.0.0.1 is taken")]
    PortTaken {
        /// The port.
        port: u16,
    },
    /// The port cannot be used.
    #[error("cannot listen on port {port} on 127.0.0.1")]
    Bind {
        /// The port; 0 for any.
        port: u16,
        /// Why not.
        source: io::Error,
    },
    /// Nobody came.
    #[error("the browser did not come back within {} s", limit.as_secs())]
    TimedOut {
        /// How long it was waited for.
        limit: Duration,
    },
}

impl CallbackError {
    /// What to do next.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::PortTaken { .. } => "end the program that uses it, or unset login.callback_port",
            Self::Bind { .. } => "use another login.callback_port, or log in with --paste or --device",
            Self::TimedOut { .. } => {
                "log in again; without a browser on this machine use --paste or --device"
            }
        }
    }
}

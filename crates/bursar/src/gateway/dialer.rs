//! Opens a connection with an upstream: directly or through a proxy, encrypted or not, in bounded time.

use std::error::Error;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bursar_core::ports::clock::Clock;
use futures::future::{BoxFuture, Either, select};
use http::{HeaderValue, Uri};
use hyper_rustls::{HttpsConnector, MaybeHttpsStream};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::connect::proxy::{SocksV4, SocksV5, Tunnel};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tower_service::Service;
use url::Url;

use super::connection::Unanswered;

type DialError = Box<dyn Error + Send + Sync>;

/// What connections are made of.
pub(super) type Stream = MaybeHttpsStream<TokioIo<TcpStream>>;

/// Opens connections.
#[derive(Clone, Debug)]
pub(super) struct Dialer {
    connector: HttpsConnector<Road>,
    limit: Duration,
    clock: Arc<dyn Clock>,
}

impl Dialer {
    pub(super) fn new(connector: HttpsConnector<Road>, limit: Duration, clock: Arc<dyn Clock>) -> Self {
        Self { connector, limit, clock }
    }

    /// A new connection with the origin of `uri`.
    pub(super) async fn dial(&self, uri: &Uri) -> Result<Stream, Unanswered> {
        let mut connector = self.connector.clone();
        let dialing = async move {
            poll_fn(|context| connector.poll_ready(context)).await?;
            connector.call(uri.clone()).await
        };
        match select(pin!(dialing), self.clock.sleep(self.limit)).await {
            Either::Left((stream, _)) => stream.map_err(|error| Unanswered::Unreachable(error.into())),
            Either::Right(_) => Err(Unanswered::TimedOut),
        }
    }
}

/// The way of the bytes, below any encryption.
#[derive(Clone, Debug)]
pub(super) enum Road {
    Direct(HttpConnector),
    Tunnel(Tunnel<HttpConnector>),
    SocksV4(SocksV4<HttpConnector>),
    SocksV5(SocksV5<HttpConnector>),
}

impl Road {
    /// Directly, or through the proxy with this URL. An error tells what is wrong with the proxy, not its URL, which may
    /// hold a password.
    pub(super) fn new(proxy: Option<&str>) -> Result<Self, String> {
        let mut direct = HttpConnector::new();
        direct.enforce_http(false);
        // Small requests must not wait for each other's acknowledgement.
        direct.set_nodelay(true);
        // A stream may be silent for long; a peer that has vanished should still be noticed.
        direct.set_keepalive(Some(KEEP_ALIVE));
        let Some(proxy) = proxy else { return Ok(Self::Direct(direct)) };
        let unusable = || "the proxy's URL cannot be used".to_owned();
        let url = Url::parse(proxy).map_err(|_| unusable())?;
        let port = url.port_or_known_default().unwrap_or(SOCKS_PORT);
        let place = format!("http://{}:{port}", url.host_str().ok_or_else(unusable)?);
        let place: Uri = place.parse().map_err(|_| unusable())?;
        let (user, password) = (decoded(url.username()), decoded(url.password().unwrap_or_default()));
        Ok(match url.scheme() {
            "http" => {
                let tunnel = Tunnel::new(place, direct);
                Self::Tunnel(if user.is_empty() {
                    tunnel
                } else {
                    let pair = STANDARD.encode(format!("{user}:{password}"));
                    tunnel.with_auth(HeaderValue::from_str(&format!("Basic {pair}")).map_err(|_| unusable())?)
                })
            }
            scheme @ ("socks5" | "socks5h") => {
                let socks = SocksV5::new(place, direct).local_dns(scheme == "socks5");
                Self::SocksV5(if user.is_empty() { socks } else { socks.with_auth(user, password) })
            }
            scheme @ ("socks4" | "socks4a") => {
                Self::SocksV4(SocksV4::new(place, direct).local_dns(scheme == "socks4"))
            }
            other => return Err(format!("the gateway cannot use a proxy of kind `{other}`")),
        })
    }
}

fn decoded(text: &str) -> String {
    // A plus sign is one, and no blank: these are parts of a URL, not of a form.
    let pair = format!("x={}", text.replace('+', "%2B").replace('&', "%26"));
    url::form_urlencoded::parse(pair.as_bytes())
        .next()
        .map(|(_, value)| value.into_owned())
        .unwrap_or_default()
}

impl Service<Uri> for Road {
    type Response = TokioIo<TcpStream>;
    type Error = DialError;
    type Future = BoxFuture<'static, Result<Self::Response, DialError>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), DialError>> {
        match self {
            Self::Direct(road) => road.poll_ready(context).map_err(Into::into),
            Self::Tunnel(road) => road.poll_ready(context).map_err(Into::into),
            Self::SocksV4(road) => road.poll_ready(context).map_err(Into::into),
            Self::SocksV5(road) => road.poll_ready(context).map_err(Into::into),
        }
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        match self {
            Self::Direct(road) => Box::pin(told(road.call(uri))),
            Self::Tunnel(road) => Box::pin(told(road.call(uri))),
            Self::SocksV4(road) => Box::pin(told(road.call(uri))),
            Self::SocksV5(road) => Box::pin(told(road.call(uri))),
        }
    }
}

async fn told<T, E: Into<DialError>>(connecting: impl Future<Output = Result<T, E>>) -> Result<T, DialError> {
    connecting.await.map_err(Into::into)
}

/// As most systems' services use.
const KEEP_ALIVE: Duration = Duration::from_mins(1);
/// RFC 1928 §3.
const SOCKS_PORT: u16 = 1080;

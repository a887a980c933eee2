//! Outgoing HTTP, as one function.
//!
//! Whoever sends must know afterwards whether the request may have been acted on: that decides whether a refresh token
//! counts as spent.

use std::fmt;
use std::time::Duration;

use futures::future::BoxFuture;
use zeroize::Zeroizing;

/// A request ready to be sent.
pub type Request = http::Request<Body>;

/// A whole answer; bodies larger than [`SendLimits::body`] never arrive.
pub type Response = http::Response<Body>;

/// Sends one request and returns one answer: no redirects followed, nothing sent twice.
pub trait Upstream: Send + Sync + fmt::Debug {
    /// Sends `request` within `limits`.
    fn send(&self, request: Request, limits: SendLimits) -> BoxFuture<'_, Result<Response, SendError>>;
}

/// Bytes that may hold secrets: wiped when dropped, shown as their length only.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Body(Zeroizing<Vec<u8>>);

impl Body {
    /// Takes the bytes; the caller keeps no copy.
    pub fn new(bytes: impl Into<Vec<u8>>) -> Self {
        Self(Zeroizing::new(bytes.into()))
    }

    /// The bytes themselves.
    pub fn expose(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Body({} bytes)", self.0.len())
    }
}

/// What one call may cost, and which way it goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SendLimits {
    /// From the first byte of name resolution to the last byte of the answer.
    pub time: Duration,
    /// Largest accepted body, in bytes.
    pub body: usize,
    /// A proxy for this call instead of the environment's; `Some("")` means none at all.
    pub proxy: Option<String>,
    /// Whose idea the URL was.
    pub origin: UrlOrigin,
}

impl Default for SendLimits {
    fn default() -> Self {
        // Slow token endpoints answer within ten seconds; 30 s is what people still wait for. Token answers are
        // below 32 KiB even with large JWTs.
        Self { time: Duration::from_secs(30), body: 1 << 20, proxy: None, origin: UrlOrigin::Configured }
    }
}

/// Whether the address guard applies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UrlOrigin {
    /// Named by the operator or the catalogue: any address is fine.
    Configured,
    /// Supplied by a stranger: private and loopback addresses are refused.
    Stranger,
}

/// No answer arrived.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{cause} ({host}): {detail}")]
pub struct SendError {
    /// Whether the other side can have seen the request.
    pub phase: SendPhase,
    /// What failed.
    pub cause: SendCause,
    /// The host that was called.
    pub host: String,
    /// The transport's own words, free of secrets.
    pub detail: String,
}

/// How far a failed call got.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SendPhase {
    /// Not one byte of the request left: the call certainly had no effect.
    BeforeRequest,
    /// Some of the request may have arrived: the effect is unknown.
    AfterRequest,
}

/// What made a call fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SendCause {
    /// The host name has no address.
    #[error("name resolution failed")]
    Dns,
    /// Nobody accepted the connection.
    #[error("connection failed")]
    Connect,
    /// The certificate or the handshake was not acceptable.
    #[error("TLS failed")]
    Tls,
    /// The proxy refused or could not be reached.
    #[error("the proxy failed")]
    Proxy,
    /// The time limit passed.
    #[error("timed out")]
    Timeout,
    /// The connection ended in the middle.
    #[error("the connection was cut")]
    Cut,
    /// The answer was larger than accepted.
    #[error("the answer was too large")]
    TooLarge,
    /// The address guard said no.
    #[error("the address is not allowed")]
    Forbidden,
}

//! What a failed call means: how far it got, and what failed.
//!
//! Wrong in one direction costs a login: a request that may have been acted on must never be reported as not sent. So
//! everything after the connection stood counts as sent.

use std::error::Error;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use bursar_core::ports::upstream::{SendCause, SendError, SendPhase};
use rustls::CertificateError;
use url::Url;

use super::progress::{Progress, ResolutionFailure, Stage};
use super::tls::SelfSigned;

/// One call, as far as its errors need to know it.
#[derive(Debug)]
pub(super) struct Call {
    /// Where to.
    pub(super) url: Url,
    /// Its host, for people.
    pub(super) host: String,
    /// Through which proxy; may hold a password.
    pub(super) proxy: Option<String>,
    /// How far it has got.
    pub(super) progress: Arc<Progress>,
}

impl Call {
    /// A failure before anything was sent.
    pub(super) fn before(&self, cause: SendCause, detail: String) -> SendError {
        SendError { phase: SendPhase::BeforeRequest, cause, host: self.host.clone(), detail }
    }

    fn after(&self, cause: SendCause, detail: String) -> SendError {
        SendError { phase: SendPhase::AfterRequest, cause, host: self.host.clone(), detail }
    }

    /// The time limit passed.
    pub(super) fn timed_out(&self, limit: Duration) -> SendError {
        let limit = limit.as_secs_f64();
        let through = if self.proxy.is_some() { " through the proxy" } else { "" };
        match self.progress.stage() {
            Stage::Connected => {
                self.after(SendCause::Timeout, format!("connected, but no whole answer within {limit} s"))
            }
            Stage::Resolving => {
                self.before(SendCause::Timeout, format!("the name was not resolved within {limit} s"))
            }
            Stage::Start | Stage::Connecting => {
                self.before(SendCause::Timeout, format!("no connection{through} within {limit} s"))
            }
        }
    }

    /// The body is larger than `limit` bytes.
    pub(super) fn too_large(&self, limit: usize) -> SendError {
        self.after(SendCause::TooLarge, format!("more than {limit} bytes"))
    }

    /// A proxy that wants a login answers in the other side's place (RFC 9110 §15.5.8): nothing was passed on.
    pub(super) fn check_proxy_answer(&self, answer: &reqwest::Response) -> Result<(), SendError> {
        if self.proxy.is_some() && answer.status() == http::StatusCode::PROXY_AUTHENTICATION_REQUIRED {
            return Err(self.before(SendCause::Proxy, "the proxy wants a login".to_owned()));
        }
        Ok(())
    }

    /// The client gave up.
    pub(super) fn failed(&self, error: &reqwest::Error) -> SendError {
        if self.progress.stage() == Stage::Connected {
            return match tls_failure(error) {
                Some(detail) => self.after(SendCause::Tls, detail),
                None => self.after(SendCause::Cut, words(error)),
            };
        }
        match self.progress.resolution() {
            Some(ResolutionFailure::Forbidden) => {
                let detail = "the name leads to no address of the public internet".to_owned();
                return self.before(SendCause::Forbidden, detail);
            }
            Some(ResolutionFailure::Failed { name, detail }) if *name != self.host => {
                return self.before(SendCause::Proxy, format!("the proxy's name {name}: {detail}"));
            }
            Some(ResolutionFailure::Failed { detail, .. }) => {
                return self.before(SendCause::Dns, detail.clone());
            }
            None => {}
        }
        let tunnel = links(error).any(|link| link.to_string().starts_with(TUNNEL));
        if let Some(detail) = tls_failure(error)
            && !tunnel
        {
            return self.before(SendCause::Tls, detail);
        }
        // Through a proxy, TCP ends at the proxy; only TLS, judged above, reaches the other side.
        if self.proxy.is_some() && (tunnel || links(error).any(|link| io_kind(link).is_some_and(unreachable)))
        {
            return self.before(SendCause::Proxy, words(error));
        }
        let cut = links(error).filter_map(io_kind).any(|kind| {
            matches!(
                kind,
                io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe
            )
        });
        if cut && self.url.scheme() == "https" {
            return self.before(SendCause::Tls, "the connection was cut during the TLS handshake".to_owned());
        }
        let cause = if self.proxy.is_some() { SendCause::Proxy } else { SendCause::Connect };
        self.before(cause, words(error))
    }
}

/// How hyper-util names its (private) type of errors between client and proxy.
const TUNNEL: &str = "tunnel error";

fn unreachable(kind: io::ErrorKind) -> bool {
    matches!(
        kind,
        io::ErrorKind::ConnectionRefused
            | io::ErrorKind::HostUnreachable
            | io::ErrorKind::NetworkUnreachable
            | io::ErrorKind::TimedOut
            | io::ErrorKind::AddrNotAvailable
    )
}

fn io_kind(link: &(dyn Error + 'static)) -> Option<io::ErrorKind> {
    link.downcast_ref::<io::Error>().map(io::Error::kind)
}

/// TLS in one sentence, if that is what failed.
fn tls_failure(error: &reqwest::Error) -> Option<String> {
    let tls = links(error).find_map(|link| link.downcast_ref::<rustls::Error>())?;
    let certificate = match tls {
        rustls::Error::InvalidCertificate(certificate) => certificate,
        rustls::Error::InvalidMessage(rustls::InvalidMessage::InvalidContentType) => {
            return Some("the other side does not speak TLS".to_owned());
        }
        other => return Some(other.to_string()),
    };
    Some(match certificate {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            "the certificate has expired (or this machine's clock is wrong)".to_owned()
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            "the certificate is not valid yet (or this machine's clock is wrong)".to_owned()
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            "the certificate is for another host".to_owned()
        }
        CertificateError::UnknownIssuer => "the certificate comes from an unknown authority".to_owned(),
        CertificateError::Revoked => "the certificate has been revoked".to_owned(),
        CertificateError::Other(other) if other.0.is::<SelfSigned>() => SelfSigned.to_string(),
        other => format!("the certificate was refused: {other}"),
    })
}

/// The transport's own words: the innermost two links say what happened, the outer ones only repeat that a request
/// failed, and the URL is left out because it may carry secrets.
pub(super) fn words(error: &reqwest::Error) -> String {
    let mut said: Vec<String> =
        links(error).skip(1).map(ToString::to_string).filter(|link| !link.starts_with(CLIENT)).collect();
    said.dedup();
    let inner = said.split_off(said.len().saturating_sub(2));
    if inner.is_empty() { "the request could not be made".to_owned() } else { inner.join(": ") }
}

/// How hyper-util begins to say where in itself an error came up, which helps nobody else.
const CLIENT: &str = "client error (";

/// The error and everything below it. An `io::Error` made of another error hides it from `source`.
fn links(error: &reqwest::Error) -> impl Iterator<Item = &(dyn Error + 'static)> {
    std::iter::successors(Some(error as &(dyn Error + 'static)), |&link| inner(link))
}

fn inner<'a>(link: &'a (dyn Error + 'static)) -> Option<&'a (dyn Error + 'static)> {
    match link.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
        Some(inner) => Some(inner as &(dyn Error + 'static)),
        None => link.source(),
    }
}

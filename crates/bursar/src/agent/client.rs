//! A caller of the agent: one request, one answer, and a quick way out when there is no agent or a silent one.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bursar_core::engine::broker::HandOut;
use bursar_core::engine::proving::ProofWish;
use bursar_core::engine::sandboxes::SandboxName;
use bursar_core::lifecycle::account::Generation;
use bursar_core::lifecycle::reference::AccountReference;
use bursar_core::lifecycle::refresh::Ask;
use bursar_core::ports::clock::Clock;
use bursar_core::ports::upstream::Body;
use bursar_core::secret::Secret;
use futures::FutureExt as _;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HOST};
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Bytes;
use hyper_util::rt::TokioIo;
use serde::de::DeserializeOwned;
use serde_json::json;
use tokio::net::UnixStream;

use crate::config::environment::Environment;
use crate::config::paths::Paths;
use crate::exit::{Exit, Failure};
use crate::http::place_of;
use crate::http::wire::{FailureDocument, ReceivedProof, ReceivedToken, VAULT_UNAVAILABLE};

/// The way to the agent. Making one touches nothing but the socket's entry in its folder.
#[derive(Clone)]
pub struct Client {
    socket: PathBuf,
    session_token: Option<Secret>,
    /// What comes before the paths of accounts: where their sandbox is, if they are in one.
    place: String,
    clock: Arc<dyn Clock>,
}

/// Nobody answers; what was asked may or may not have been done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoAnswer {
    /// There is no agent.
    NotRunning,
    /// It has been silent for a second.
    Silent,
}

/// Why a call brought nothing.
#[derive(Debug)]
pub enum CallError {
    /// Nobody answers.
    NoAnswer(NoAnswer),
    /// The agent has no way to the key; nobody has told it to do without.
    VaultUnavailable(Failure),
    /// The agent says no.
    Refused(Failure),
}

impl Client {
    /// The agent of this home, or the session's socket a parent has given us; `None` if there is no such socket.
    pub fn find(environment: &Environment, paths: &Paths, clock: Arc<dyn Clock>) -> Option<Self> {
        let socket = paths.socket().to_owned();
        is_ours(&socket).then(|| Self {
            socket,
            session_token: environment.secret("BURSAR_SESSION_TOKEN"),
            place: String::new(),
            clock,
        })
    }

    /// The same for the accounts of a sandbox; `None`: for those of the installation itself.
    #[must_use]
    pub fn in_sandbox(self, sandbox: Option<&SandboxName>) -> Self {
        Self { place: sandbox.map(place_of).unwrap_or_default(), ..self }
    }

    /// Asks for a document.
    pub async fn ask<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: &serde_json::Value,
    ) -> Result<T, CallError> {
        let response = self.call(method, path, body).await?;
        serde_json::from_slice(response.body().expose()).map_err(|_| {
            CallError::Refused(
                Failure::new(Exit::Error, "the agent's answer cannot be understood")
                    .hint("it may be of another version: run `bursar agent stop`, then try again"),
            )
        })
    }

    /// Asks for something to be done.
    pub async fn call(
        &self,
        method: Method,
        path: &str,
        body: &serde_json::Value,
    ) -> Result<Response<Body>, CallError> {
        let mut call = std::pin::pin!(self.send(method, path, body).fuse());
        // As long as it says that it lives, it may take its time: a refresh waits for a provider.
        let mut patience = FIRST_PATIENCE;
        let response = loop {
            futures::select_biased! {
                response = call => break response?,
                () = self.clock.sleep(patience).fuse() => {}
            }
            futures::select_biased! {
                response = call => break response?,
                lives = self.lives().fuse() => if !lives {
                    return Err(CallError::NoAnswer(NoAnswer::Silent));
                },
            }
            patience = LATER_PATIENCE;
        };
        let status = response.status();
        if status.is_success() {
            return Ok(response);
        }
        let failure = serde_json::from_slice::<FailureDocument>(response.body().expose());
        Err(match failure {
            Ok(document) if document.error == VAULT_UNAVAILABLE => {
                CallError::VaultUnavailable(document.into_failure())
            }
            Ok(document) => CallError::Refused(document.into_failure()),
            Err(_) => CallError::Refused(unreadable(status)),
        })
    }

    /// Whether the agent answers at all, in time.
    pub async fn lives(&self) -> bool {
        let asked = self.send(Method::GET, "/healthz", &serde_json::Value::Null);
        futures::select_biased! {
            answer = std::pin::pin!(asked.fuse()) => answer.is_ok_and(|answer| answer.status().is_success()),
            () = self.clock.sleep(PING_PATIENCE).fuse() => false,
        }
    }

    /// A token as `ask` wants it.
    pub async fn hand_out(
        &self,
        reference: &AccountReference,
        ask: &Ask,
        wait: Duration,
    ) -> Result<HandOut, CallError> {
        let body = json!({
            "min_valid": ask.min_valid.map(|asked| asked.as_secs().max(0)),
            "rejected_fingerprint": ask.rejected,
            "wait": wait.as_secs(),
        });
        self.token(reference, &body).await
    }

    /// The stored token, without a look at its end.
    pub async fn hand_out_unchecked(&self, reference: &AccountReference) -> Result<HandOut, CallError> {
        self.token(reference, &json!({ "unchecked": true })).await
    }

    /// A proof that goes with the token of this hash in one request.
    pub async fn prove(
        &self,
        reference: &AccountReference,
        token_hash: &str,
        wish: &ProofWish<'_>,
    ) -> Result<Option<Secret>, CallError> {
        let path = self.path(reference, "proof");
        let body = json!({
            "token_hash": token_hash, "method": wish.method, "url": wish.url.as_str(), "nonce": wish.nonce,
        });
        let received: ReceivedProof = self.ask(Method::POST, &path, &body).await?;
        Ok(received.proof)
    }

    /// Refreshes now.
    pub async fn refresh(
        &self,
        reference: &AccountReference,
        newer_than: Generation,
        wait: Duration,
    ) -> Result<(), CallError> {
        let path = self.path(reference, "refresh");
        self.call(Method::POST, &path, &json!({ "newer_than": newer_than, "wait": wait.as_secs() }))
            .await
            .map(|_| ())
    }

    fn path(&self, reference: &AccountReference, what: &str) -> String {
        format!("{}/v1/accounts/{}/{what}", self.place, in_path(&reference.to_string()))
    }

    async fn token(
        &self,
        reference: &AccountReference,
        body: &serde_json::Value,
    ) -> Result<HandOut, CallError> {
        let path = self.path(reference, "token");
        let received: ReceivedToken = self.ask(Method::POST, &path, body).await?;
        received.of(reference).ok_or_else(|| {
            CallError::Refused(
                Failure::new(
                    Exit::Error,
                    format!("the agent answered with another account than {reference}"),
                )
                .hint("it may be of another version: run `bursar agent stop`, then try again"),
            )
        })
    }

    async fn send(
        &self,
        method: Method,
        path: &str,
        body: &serde_json::Value,
    ) -> Result<Response<Body>, CallError> {
        let gone = |_| CallError::NoAnswer(NoAnswer::NotRunning);
        let not_running = || CallError::NoAnswer(NoAnswer::NotRunning);
        let stream = UnixStream::connect(&self.socket).await.map_err(|_| not_running())?;
        // Somebody else may have put another socket there since it was looked at.
        let answers = stream.peer_cred().map_err(|_| not_running())?.uid();
        if answers != rustix::process::geteuid().as_raw() {
            return Err(not_running());
        }
        let (mut sender, connection) =
            hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(gone)?;
        let body = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
        let mut request = Request::builder().method(method).uri(path).header(HOST, "bursar");
        if !body.is_empty() {
            request = request.header(CONTENT_TYPE, "application/json");
        }
        if let Some(token) = &self.session_token {
            request = request.header(AUTHORIZATION, format!("Bearer {}", token.expose()));
        }
        let request = request
            .body(Full::new(Bytes::from(body)))
            .map_err(|error| CallError::Refused(Failure::of(Exit::Error, &error)))?;
        let exchange = async {
            let (parts, body) = sender.send_request(request).await?.into_parts();
            let bytes = body.collect().await?.to_bytes();
            Ok::<_, hyper::Error>(Response::from_parts(parts, Body::new(bytes)))
        };
        let (mut exchange, mut connection) =
            (std::pin::pin!(exchange.fuse()), std::pin::pin!(connection.fuse()));
        loop {
            futures::select_biased! {
                answer = exchange => return answer.map_err(gone),
                // The connection may end before its last answer has been read.
                _ended = connection => {}
            }
        }
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Client").field("socket", &self.socket).finish_non_exhaustive()
    }
}

impl From<CallError> for Failure {
    fn from(error: CallError) -> Self {
        match error {
            CallError::Refused(failure) | CallError::VaultUnavailable(failure) => failure,
            CallError::NoAnswer(NoAnswer::NotRunning) => {
                Failure::new(Exit::Unreachable, "no agent is running")
                    .hint("start it with `bursar agent start`")
            }
            CallError::NoAnswer(NoAnswer::Silent) => {
                Failure::new(Exit::Unreachable, "the agent does not answer").hint(
                    "see `bursar agent status`; if it hangs, end its process and run `bursar agent start`",
                )
            }
        }
    }
}

/// `text` as one segment of a path (RFC 3986 §3.3).
pub(super) fn in_path(text: &str) -> String {
    let encoded: String = url::form_urlencoded::byte_serialize(text.as_bytes()).collect();
    // Forms write a space as `+`, paths do not.
    encoded.replace('+', "%20")
}

/// Whether a socket of ours is there: nobody else gets to see what we ask for.
pub(super) fn is_ours(socket: &Path) -> bool {
    use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};
    std::fs::metadata(socket).is_ok_and(|found| {
        found.file_type().is_socket() && found.uid() == rustix::process::geteuid().as_raw()
    })
}

fn unreadable(status: StatusCode) -> Failure {
    Failure::new(Exit::Error, format!("the agent answered {status} and nothing that can be understood"))
        .hint("it may be of another version: run `bursar agent stop`, then try again")
}

/// With [`PING_PATIENCE`], and what [`super::quick`] has waited before, the second after which a silent agent is passed
/// by.
const FIRST_PATIENCE: Duration = Duration::from_millis(350);
const PING_PATIENCE: Duration = Duration::from_millis(350);
/// A refresh under way is asked about seldom.
const LATER_PATIENCE: Duration = Duration::from_secs(2);

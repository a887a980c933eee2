//! Refusals of the authorization server, kept for a question: who was told no, why, and what helps.
//!
//! The peer hears a code and a safe sentence; the whole reason is an event that is found by the correlation id.

mod notes;

use std::net::IpAddr;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;

pub(in crate::engine::issuer) use self::notes::Notes;
use self::notes::Taken;
use crate::engine::issuer::AuthorizationServer;
use crate::engine::issuer::exchange::Source;
use crate::engine::issuer::refusal::Refusal;
use crate::oauth::error::ErrorCode;
use crate::ports::event::Event;
use crate::ports::store::{EventQuery, StoreError};

/// A refusal as it was noted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotedRefusal {
    /// The correlation id.
    pub id: String,
    /// When.
    pub at: Timestamp,
    /// Which path was asked for, without its query.
    pub endpoint: String,
    /// Which client asked, as far as it is known; nobody has proven it if the client was what was refused.
    pub client: Option<String>,
    /// What the peer's program was told.
    pub code: ErrorCode,
    /// What its author was told.
    pub description: String,
    /// All of it.
    pub reason: String,
    /// Where the request came from.
    pub address: Option<IpAddr>,
    /// What the program called itself.
    pub user_agent: Option<String>,
}

impl AuthorizationServer {
    /// A name for a refusal, which can be told to anybody before it is noted under it.
    pub fn name_refusal(&self) -> String {
        self.new_name()
    }

    /// Notes a refusal of what was asked at `endpoint` under its name, unless there were too many from the same place or from everywhere. It is stored
    /// within a second, with the others of that second.
    pub fn note_refusal(
        &self,
        id: &str,
        endpoint: &str,
        refusal: &Refusal,
        client: Option<&str>,
        source: &Source,
    ) {
        let now = self.now();
        let endpoint = bounded(endpoint, LONGEST_NAME);
        let Refusal { code, description, reason, .. } = refusal;
        if !self.within.notes.may_note(source.address, now) {
            // What the log takes is somebody's disk too.
            tracing::debug!(id, endpoint, client, code = code.as_str(), ?reason, "refused, and not noted");
            return;
        }
        let shown = bounded(reason, LONGEST_TEXT);
        tracing::info!(id, endpoint, client, code = code.as_str(), reason = ?shown, "refused");
        let mut event = Event::new(now, REFUSED, id)
            .with("endpoint", endpoint)
            .with("code", code.as_str())
            .with("description", bounded(description, LONGEST_TEXT))
            .with("reason", shown);
        if let Some(client) = client {
            event = event.with("client", bounded(client, LONGEST_NAME));
        }
        if let Some(address) = source.address {
            event = event.with("address", address.to_string());
        }
        if let Some(user_agent) = &source.user_agent {
            event = event.with("user_agent", bounded(user_agent, LONGEST_NAME));
        }
        if self.within.notes.take(event) == Taken::First {
            let server = self.clone();
            self.engine().ports().tasks.spawn(Box::pin(async move {
                server.engine().ports().clock.sleep(GATHERED).await;
                server.store_refusals().await;
            }));
        }
    }

    /// Stores what waits. If that fails it goes on waiting, for the next refusal or the next round of tidying.
    pub(in crate::engine::issuer) async fn store_refusals(&self) {
        let (events, unnoted) = self.within.notes.leave();
        if unnoted > 0 {
            tracing::warn!(unnoted, "more was refused than is noted");
        }
        if events.is_empty() {
            return;
        }
        if let Err(error) = self.store().append(self.space(), events.clone()).await {
            tracing::warn!(%error, "refusals could not be noted yet");
            self.within.notes.take_back(events);
        }
    }

    /// The refusal of this correlation id. `None`: there is none, or it was one of too many at once.
    pub async fn noted_refusal(&self, id: &str) -> Result<Option<NotedRefusal>, StoreError> {
        if let Some(event) = self.within.notes.waiting(id) {
            return Ok(NotedRefusal::of(&event));
        }
        let query = EventQuery { after: 0, subject: Some(id.to_owned()), limit: 1 };
        let events = self.store().events(self.space(), query).await?.value;
        Ok(events.into_iter().next().and_then(|stored| NotedRefusal::of(&stored.event)))
    }
}

impl NotedRefusal {
    fn of(event: &Event) -> Option<Self> {
        if event.name != REFUSED {
            return None;
        }
        let text = |name: &str| event.detail.get(name).and_then(Value::as_str).map(str::to_owned);
        Some(Self {
            id: event.subject.clone(),
            at: event.at,
            endpoint: text("endpoint")?,
            client: text("client"),
            code: text("code")?.parse().ok()?,
            description: text("description").unwrap_or_default(),
            reason: text("reason").unwrap_or_default(),
            address: text("address").and_then(|address| address.parse().ok()),
            user_agent: text("user_agent"),
        })
    }

    /// What helps against it, for whoever runs the server or writes the client; `None`: nothing in general.
    pub fn advice(&self) -> Option<&'static str> {
        Some(match &self.code {
            ErrorCode::InvalidClient => {
                "Compare the client's id, its secret and its way to prove itself with `bursar client show ID`; a secret \
                 that was lost is replaced with `bursar client renew-secret ID`. A program that registers itself does so \
                 again by itself when it hears this."
            }
            ErrorCode::InvalidGrant => {
                "The code or refresh token was used up, has ended, was taken back, or belongs to another client. The \
                 user signs in again; a client that sends the same refresh token from two places must share it."
            }
            ErrorCode::UnauthorizedClient | ErrorCode::UnsupportedGrantType => {
                "Allow the client this grant with `bursar client update ID --grant GRANT`, or use one that it has."
            }
            ErrorCode::InvalidScope | ErrorCode::InsufficientScope => {
                "Compare what was asked for with the resource's scopes (`bursar resource show URL`) and with what the \
                 client may have (`bursar client show ID`)."
            }
            ErrorCode::InvalidTarget => {
                "Register the resource with `bursar resource add URL`, exactly as the client writes its address."
            }
            ErrorCode::AccessDenied => "The user said no, or may not sign in; see `bursar user show NAME`.",
            ErrorCode::InvalidRedirectUri => {
                "Compare the redirect URI with those of `bursar client show ID`, character by character."
            }
            ErrorCode::InvalidClientMetadata => "Change what the client says of itself, as the reason tells.",
            ErrorCode::InvalidDpopProof | ErrorCode::UseDpopNonce => {
                "The client proves its key with a new proof for each request: method, address, time and nonce must fit."
            }
            ErrorCode::LoginRequired | ErrorCode::ConsentRequired | ErrorCode::InteractionRequired => {
                "The client asked for an answer without a page; it asks again without `prompt=none`."
            }
            ErrorCode::InvalidRequest => {
                "Change the request as the reason tells; most often a parameter is missing or twice."
            }
            ErrorCode::TemporarilyUnavailable => {
                "Nothing was decided and nothing is lost; the client tries again. If it goes on, look at `/readyz`, the \
                 server's log and `bursar doctor`."
            }
            ErrorCode::ServerError => {
                "This is a mistake of the server. Its log tells more under the same id and time; please report it."
            }
            ErrorCode::InvalidToken => {
                "The access token has ended, was taken back, or is for another resource; the client gets a new one. \
                 `bursar jwt decode` shows what a token says."
            }
            ErrorCode::Extension(code) if code == "insecure_transport" => {
                "Come by HTTPS: to the proxy that is named in `server.trusted_proxies`, or here with a certificate in \
                 `server.tls_certificate`."
            }
            ErrorCode::Extension(code) if code == "unknown_route" => {
                "Compare the address and the method with what `/.well-known/oauth-authorization-server` tells, or with \
                 `/v1/openapi.json`."
            }
            _ => return None,
        })
    }
}

/// The beginning of `text`, if it is longer than `most` characters.
fn bounded(text: &str, most: usize) -> String {
    text.chars().take(most).collect()
}

const REFUSED: &str = "request.refused";
/// How long refusals are gathered before they are stored together: as long as use events may be lost by a crash.
pub const GATHERED: Duration = Duration::from_secs(1);
/// Reasons are a sentence or two; they may repeat what a stranger sent.
const LONGEST_TEXT: usize = 1_000;
/// As long as a client's id that is an address, mostly.
const LONGEST_NAME: usize = 300;

//! Refusals of the authorization server, kept for a question: who was told no, why, and what helps.
//!
//! The peer hears a code and a safe sentence; the whole reason is an event that is found by the correlation id.

use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

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
    /// Which endpoint refused.
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
    /// Notes a refusal and names it. The name can be told to anybody.
    ///
    /// No more than a few a second are stored, so that nobody fills the store by being refused; all of them are logged.
    pub async fn note_refusal(
        &self,
        endpoint: &str,
        refusal: &Refusal,
        client: Option<&str>,
        source: &Source,
    ) -> String {
        let (now, id) = (self.now(), self.new_name());
        let Refusal { code, description, reason } = refusal;
        tracing::info!(id, endpoint, client, code = code.as_str(), ?reason, "refused");
        if !self.within.notes.may_note(now) {
            return id;
        }
        let mut event = Event::new(now, REFUSED, id.clone())
            .with("endpoint", endpoint)
            .with("code", code.as_str())
            .with("description", bounded(description, LONGEST_TEXT))
            .with("reason", bounded(reason, LONGEST_TEXT));
        if let Some(client) = client {
            event = event.with("client", bounded(client, LONGEST_NAME));
        }
        if let Some(address) = source.address {
            event = event.with("address", address.to_string());
        }
        if let Some(user_agent) = &source.user_agent {
            event = event.with("user_agent", bounded(user_agent, LONGEST_NAME));
        }
        if let Err(error) = self.store().append(self.space(), vec![event]).await {
            tracing::warn!(id, %error, "a refusal could not be noted");
        }
        id
    }

    /// The refusal of this correlation id. `None`: there is none, or it was one of too many at once.
    pub async fn noted_refusal(&self, id: &str) -> Result<Option<NotedRefusal>, StoreError> {
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
        Some(match self.code {
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
            _ => return None,
        })
    }
}

/// How many refusals may be noted: some at once, and then as many as time brings.
#[derive(Debug, Default)]
pub(in crate::engine::issuer) struct Notes(Mutex<Option<Allowance>>);

#[derive(Clone, Copy, Debug)]
struct Allowance {
    left: u32,
    counted_at: Timestamp,
}

impl Notes {
    fn may_note(&self, now: Timestamp) -> bool {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let allowance = kept.get_or_insert(Allowance { left: AT_ONCE, counted_at: now });
        let passed = now.duration_since(allowance.counted_at).max(SignedDuration::ZERO).as_secs();
        if passed > 0 {
            let brought = u32::try_from(passed).unwrap_or(AT_ONCE).saturating_mul(EACH_SECOND);
            *allowance =
                Allowance { left: allowance.left.saturating_add(brought).min(AT_ONCE), counted_at: now };
        } else if now < allowance.counted_at {
            // The clock was set back.
            allowance.counted_at = now;
        }
        let may = allowance.left > 0;
        allowance.left = allowance.left.saturating_sub(1);
        may
    }
}

/// The beginning of `text`, if it is longer than `most` characters.
fn bounded(text: &str, most: usize) -> String {
    text.chars().take(most).collect()
}

const REFUSED: &str = "request.refused";
/// More than anybody makes by trying something out.
const AT_ONCE: u32 = 60;
/// Less than 200 MB in a day of somebody trying nothing else.
const EACH_SECOND: u32 = 2;
/// Reasons are a sentence or two; they may repeat what a stranger sent.
const LONGEST_TEXT: usize = 1_000;
/// As long as a client's id that is an address, mostly.
const LONGEST_NAME: usize = 300;

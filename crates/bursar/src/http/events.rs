//! The event log as a stream (WHATWG server-sent events): what happened since, and what happens.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::time::Duration;

use axum::Extension;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::response::sse::{Event, KeepAlive, KeepAliveStream, Sse};
use bursar_core::engine::Engine;
use bursar_core::ports::store::{EventQuery, Sequence, StoredEvent};
use futures::future::BoxFuture;
use futures::stream::{self, BoxStream, StreamExt as _};
use http::{HeaderMap, StatusCode};
use serde::Deserialize;
use tokio::sync::watch;
use utoipa::{IntoParams, ToSchema};

use super::Api;
use super::failures::UsesTheStore;
use super::refusal::Refusal;
use super::wire::{EventDocument, FailureDocument};
use crate::server::Endless;

/// From where on events are wanted, and which.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
pub(super) struct Since {
    /// Only events after this one; `Last-Event-ID` says the same. Left out: only new ones.
    after: Option<u64>,
    /// Only events about this subject, such as an account's reference.
    subject: Option<String>,
    /// Only events of this group.
    #[param(inline)]
    only: Option<EventGroup>,
}

/// Events that belong together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum EventGroup {
    /// Somebody is signed out, or loses what was issued to them: whoever keeps sessions of their own ends theirs too.
    Logouts,
}

/// Messages without an end.
pub(super) type Messages =
    (Extension<Endless>, Sse<KeepAliveStream<BoxStream<'static, Result<Event, Infallible>>>>);

/// Whether whoever listens may still hear the next event.
pub(super) type MayListen = Box<dyn Fn() -> BoxFuture<'static, bool> + Send + Sync>;

/// Stream events as they happen
///
/// Agent and server each stream their own: the agent to whoever can open its socket, the server to whoever shows a token
/// with the scope `bursar:read`, until that token ends.
#[utoipa::path(
    get,
    path = "/v1/events",
    operation_id = "stream_events",
    tag = "events",
    params(Since, ("last-event-id" = Option<u64>, Header, description = "As `after`; it goes before it")),
    responses(
        (status = 200, description = "One event a message", body = EventDocument, content_type = "text/event-stream"),
        (status = 400, description = "The parameters make no sense", body = FailureDocument),
        UsesTheStore,
    )
)]
pub(super) async fn stream(
    State(api): State<Api>,
    since: Result<Query<Since>, QueryRejection>,
    headers: HeaderMap,
) -> Result<Messages, Refusal> {
    let may_listen: MayListen = Box::new(|| Box::pin(std::future::ready(true)));
    follow(api.desk.engine(), since, &headers, may_listen).await
}

/// The events of `engine`, from where the request says, for as long as its sender may listen.
pub(super) async fn follow(
    engine: Engine,
    since: Result<Query<Since>, QueryRejection>,
    headers: &HeaderMap,
    may_listen: MayListen,
) -> Result<Messages, Refusal> {
    let Ok(Query(since)) = since else {
        return Err(Refusal::new(
            StatusCode::BAD_REQUEST,
            "usage",
            "`after` is not the number of an event, or `only` no group of events",
        )
        .hint("see /v1/openapi.json"));
    };
    let resumed = headers.get("last-event-id").and_then(|id| id.to_str().ok()?.parse().ok());
    let hint = engine.ports().store.watch();
    // Before the answer begins: whoever has seen its head misses nothing that happens from then on.
    let after = match resumed.or(since.after) {
        Some(after) => after,
        None => engine.last_event().await?,
    };
    let follower = Follower {
        engine,
        after,
        subject: since.subject,
        only: since.only,
        hint,
        waiting: VecDeque::new(),
        may_listen,
    };
    let messages = stream::unfold(follower, |mut follower| async move {
        let event = follower.next().await?;
        let (id, name) = (event.id.to_string(), event.event.name.clone());
        let message = Event::default().id(id).event(name).json_data(EventDocument::from(event));
        Some((Ok(message.unwrap_or_default()), follower))
    });
    let messages = Sse::new(messages.boxed()).keep_alive(KeepAlive::new().interval(KEEP_ALIVE));
    Ok((Extension(Endless), messages))
}

impl EventGroup {
    fn contains(self, name: &str) -> bool {
        match self {
            Self::Logouts => LOGOUTS.contains(&name),
        }
    }
}

/// Reads the log from one place on, for one reader.
struct Follower {
    engine: Engine,
    after: u64,
    subject: Option<String>,
    only: Option<EventGroup>,
    hint: watch::Receiver<Sequence>,
    waiting: VecDeque<StoredEvent>,
    may_listen: MayListen,
}

impl Follower {
    /// The next event, whenever it happens; `None` when the store cannot be read, or nobody may hear it.
    async fn next(&mut self) -> Option<StoredEvent> {
        loop {
            if !(self.may_listen)().await {
                return None;
            }
            if let Some(event) = self.waiting.pop_front() {
                return Some(event);
            }
            self.hint.borrow_and_update();
            let all_is_read = self.read().await?;
            if self.waiting.is_empty() && all_is_read {
                let clock = self.engine.ports().clock.clone();
                // Hints may be lost, so the log is looked at all the same now and then.
                futures::future::select(std::pin::pin!(self.hint.changed()), clock.sleep(LOOK_AGAIN)).await;
            }
        }
    }

    /// Whether there was nothing more.
    async fn read(&mut self) -> Option<bool> {
        let query = EventQuery { after: self.after, subject: self.subject.clone(), limit: AT_ONCE };
        let events = self.engine.ports().store.events(self.engine.space(), query).await.ok()?.value;
        let all_is_read = events.len() < AT_ONCE;
        for event in events {
            self.after = event.id;
            if self.only.is_none_or(|group| group.contains(&event.event.name)) {
                self.waiting.push_back(event);
            }
        }
        Some(all_is_read)
    }
}

/// What ends a session, a login, or everything of a user, a client or a key.
const LOGOUTS: [&str; 10] = [
    "access_token.revoked",
    "client.removed",
    "family.ended",
    "grant.withdrawn",
    "session.ended",
    "signing_key.removed",
    "user.disabled",
    "user.password_changed",
    "user.removed",
    "user.signed_out",
];
/// Proxies and clients give up on silence after a minute.
const KEEP_ALIVE: Duration = Duration::from_secs(20);
const LOOK_AGAIN: Duration = Duration::from_secs(5);
const AT_ONCE: usize = 100;

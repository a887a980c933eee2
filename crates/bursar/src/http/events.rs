//! The event log as a stream (WHATWG server-sent events): what happened since, and what happens.

use std::time::Duration;

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::response::sse::{Event, KeepAlive, Sse};
use bursar_core::ports::store::EventQuery;
use futures::stream::{self, Stream};
use http::{HeaderMap, StatusCode};
use serde::Deserialize;
use utoipa::IntoParams;

use super::Api;
use super::failures::UsesTheStore;
use super::refusal::Refusal;
use super::wire::{EventDocument, FailureDocument};

/// From where on events are wanted.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(default)]
pub(super) struct Since {
    /// Only events after this one; `Last-Event-ID` says the same. Left out: only new ones.
    after: Option<u64>,
    /// Only events about this subject, such as an account's reference.
    subject: Option<String>,
}

/// Stream events as they happen
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
) -> Result<Sse<impl Stream<Item = Result<Event, std::convert::Infallible>>>, Refusal> {
    let Ok(Query(since)) = since else {
        return Err(Refusal::new(StatusCode::BAD_REQUEST, "usage", "`after` is not the number of an event")
            .hint("see /v1/openapi.json"));
    };
    let resumed = headers.get("last-event-id").and_then(|id| id.to_str().ok()?.parse().ok());
    let engine = api.desk.engine();
    let hint = engine.ports().store.watch();
    // Before the answer begins: whoever has seen its head misses nothing that happens from then on.
    let after = match resumed.or(since.after) {
        Some(after) => after,
        None => engine.last_event().await?,
    };
    let follower =
        Follower { after, subject: since.subject, hint, waiting: std::collections::VecDeque::new(), api };
    let messages = stream::unfold(follower, |mut follower| async move {
        let event = follower.next().await?;
        let message = Event::default().id(event.0.to_string()).event(event.1).json_data(event.2);
        Some((Ok(message.unwrap_or_default()), follower))
    });
    Ok(Sse::new(messages).keep_alive(KeepAlive::new().interval(KEEP_ALIVE)))
}

/// Reads the log from one place on, for one reader.
struct Follower {
    api: Api,
    after: u64,
    subject: Option<String>,
    hint: tokio::sync::watch::Receiver<bursar_core::ports::store::Sequence>,
    waiting: std::collections::VecDeque<(u64, String, EventDocument)>,
}

impl Follower {
    /// The next event, whenever it happens; `None` when the store cannot be read.
    async fn next(&mut self) -> Option<(u64, String, EventDocument)> {
        loop {
            if let Some(event) = self.waiting.pop_front() {
                return Some(event);
            }
            self.hint.borrow_and_update();
            self.read().await?;
            if self.waiting.is_empty() {
                let clock = self.api.desk.engine().ports().clock.clone();
                // Hints may be lost, so the log is looked at all the same now and then.
                futures::future::select(std::pin::pin!(self.hint.changed()), clock.sleep(LOOK_AGAIN)).await;
            }
        }
    }

    async fn read(&mut self) -> Option<()> {
        let engine = self.api.desk.engine();
        let query = EventQuery { after: self.after, subject: self.subject.clone(), limit: AT_ONCE };
        let events = engine.ports().store.events(engine.space(), query).await.ok()?.value;
        for event in events {
            self.after = event.id;
            self.waiting.push_back((event.id, event.event.name.clone(), event.into()));
        }
        Some(())
    }
}

/// Proxies and clients give up on silence after a minute.
const KEEP_ALIVE: Duration = Duration::from_secs(20);
const LOOK_AGAIN: Duration = Duration::from_secs(5);
const AT_ONCE: usize = 100;

//! Reads that take several scripts, because each must be short.

use bursar_core::ports::event::Event;
use bursar_core::ports::store::{
    Answer, EventQuery, Incarnation, Kind, Page, Record, SandboxId, Space, StoreError, StoredEvent,
};
use jiff::Timestamp;
use redis::Cmd;

use super::errors::{Failure, unexpected};
use super::link::Link;
use super::reply::{bytes, list, millisecond, text};
use super::request::{Names, Request};
use super::scripts;
use super::store::RedisStore;

impl RedisStore {
    /// Records of a kind, or those with one value of an index.
    pub(super) async fn page(
        &self,
        space: &Space,
        kind: &'static Kind,
        index: Option<(&'static str, &str)>,
        page: Page,
    ) -> Result<Answer<Vec<Record>>, StoreError> {
        self.check(space, kind)?;
        let mut records = Vec::new();
        let mut from = page.after.map_or_else(|| b"-".to_vec(), |after| exclusive(&after));
        loop {
            let (index, value) = index.unwrap_or_default();
            let wanted = (page.limit - records.len()).min(AT_ONCE);
            let request = Request::new(&scripts::PAGE, &self.names, space)
                .with(kind.name)
                .with(index)
                .with(value)
                .with(from)
                .number(wanted);
            let (mut reply, time) = self.ask(&request).await?;
            records.extend(reply.records()?);
            match reply.bytes()? {
                Some(next) if records.len() < page.limit => from = next,
                _ => return Ok(Answer { value: records, time }),
            }
        }
    }

    /// Events in the order they were committed.
    pub(super) async fn events_after(
        &self,
        space: &Space,
        query: EventQuery,
    ) -> Result<Answer<Vec<StoredEvent>>, StoreError> {
        let mut events = Vec::new();
        let mut after = query.after;
        loop {
            let wanted = (query.limit - events.len()).min(AT_ONCE);
            let request = Request::new(&scripts::EVENTS, &self.names, space)
                .number(after)
                .with(if query.subject.is_some() { "1" } else { "0" })
                .with(query.subject.as_deref().unwrap_or_default())
                .number(wanted.max(1));
            let (mut reply, time) = self.ask(&request).await?;
            let mut parts = reply.list()?.ok_or_else(unexpected)?;
            let before = events.len();
            while let Some(id) = parts.next() {
                let id: u64 = text(bytes(id)?)?.parse().map_err(|_| unexpected())?;
                let event = Event {
                    at: millisecond(&parts.text()?)?,
                    name: parts.text()?,
                    subject: parts.text()?,
                    detail: serde_json::from_str(&parts.text()?).map_err(|_| unexpected())?,
                };
                after = id;
                events.push(StoredEvent { id, event });
            }
            let read = events.len() - before;
            events.truncate(query.limit);
            if read < wanted || events.len() >= query.limit {
                return Ok(Answer { value: events, time });
            }
        }
    }

    /// The life this store is living.
    pub(super) async fn incarnation(&self, script: Request) -> Result<(Incarnation, Timestamp), StoreError> {
        let (mut reply, time) = self.ask(&script).await?;
        let missing = || StoreError::Damaged("the store does not know which incarnation it is".to_owned());
        let body = reply.bytes()?.ok_or_else(missing)?;
        Ok((serde_json::from_slice(&body).map_err(|_| missing())?, time))
    }
}

/// Sandboxes that were ever written to.
pub(super) async fn read_spaces(link: &Link, names: &Names) -> Result<Vec<Space>, StoreError> {
    let mut command = Cmd::new();
    command.arg("SMEMBERS").arg(names.spaces());
    let answer = link.command(&command).await.map_err(Failure::into_unavailable)?;
    let answer = match answer {
        redis::Value::Set(values) => values,
        other => list(other)?,
    };
    let mut spaces = Vec::new();
    for name in answer {
        let name = SandboxId::parse(&text(bytes(name)?)?);
        spaces.push(Space::Sandbox(name.map_err(|_| unexpected())?));
    }
    spaces.sort_unstable();
    Ok(spaces)
}

/// The same, and the one that everything begins with: nothing in it may be passed over because the list is gone.
pub(super) async fn inhabited_spaces(store: &RedisStore) -> Result<Vec<Space>, StoreError> {
    let mut spaces = read_spaces(&store.link, &store.names).await?;
    let personal = Space::Sandbox(SandboxId::personal());
    if !spaces.contains(&personal) {
        spaces.push(personal);
    }
    Ok(spaces)
}

/// Keys after `after`, as the server's lexical bound.
pub(super) fn exclusive(after: &str) -> Vec<u8> {
    [b"(", after.as_bytes()].concat()
}

/// At most so many records in one script: a server does nothing else meanwhile, and a thousand take a few milliseconds.
pub(super) const AT_ONCE: usize = 1000;

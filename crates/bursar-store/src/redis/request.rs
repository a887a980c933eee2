//! Writes what scripts are asked: keys that say where, arguments that say what.

use bursar_core::ports::event::Event;
use bursar_core::ports::store::{
    Batch, Expected, Group, Kind, NewRecord, Space, StoreError, Version, WriteOperation,
};
use bursar_core::ports::store_time::to_millisecond;
use jiff::Timestamp;
use redis::Cmd;

use super::RedisOptions;
use super::scripts::LuaScript;

/// One call of a script. The time it judges by is added when it is sent.
#[derive(Clone, Debug)]
pub(super) struct Request {
    script: &'static LuaScript,
    keys: Vec<String>,
    arguments: Vec<Vec<u8>>,
}

impl Request {
    /// A call that has to do with one space.
    pub(super) fn new(script: &'static LuaScript, names: &Names, space: &Space) -> Self {
        Self { script, keys: names.keys(space), arguments: Vec::new() }
    }

    /// Adds an argument.
    pub(super) fn with(mut self, argument: impl Into<Vec<u8>>) -> Self {
        self.push(argument);
        self
    }

    /// Adds a number.
    pub(super) fn number(self, number: impl std::fmt::Display) -> Self {
        self.with(number.to_string())
    }

    /// Adds an argument.
    pub(super) fn push(&mut self, argument: impl Into<Vec<u8>>) {
        self.arguments.push(argument.into());
    }

    /// Adds the names of a kind's indexes.
    pub(super) fn declared(mut self, kind: &Kind) -> Self {
        self.push_declared(kind);
        self
    }

    fn push_declared(&mut self, kind: &Kind) {
        self.push(kind.indexes.len().to_string());
        for index in kind.indexes {
            self.push(*index);
        }
    }

    /// Adds a record's content.
    pub(super) fn push_content(&mut self, record: &NewRecord) {
        let grace = if record.kind.group == Group::Durable { DURABLE_GRACE } else { EPHEMERAL_GRACE };
        self.push(grace);
        self.push(record.body.clone());
        self.push(time(record.due_at));
        self.push(time(record.expires_at));
        self.push_declared(record.kind);
        self.push(record.indexes.len().to_string());
        for (index, value) in &record.indexes {
            self.push(*index);
            self.push(value.as_str());
        }
    }

    /// Adds events.
    pub(super) fn push_events<'a>(&mut self, events: impl ExactSizeIterator<Item = &'a Event>) {
        self.push(events.len().to_string());
        for event in events {
            self.push(to_millisecond(event.at).as_millisecond().to_string());
            self.push(event.name.as_str());
            self.push(event.subject.as_str());
            self.push(serde_json::Value::Object(event.detail.clone()).to_string());
        }
    }

    /// The command for the server: by the script's name, or `whole`, with its code, for a server that lacks it.
    pub(super) fn command(&self, now: Option<Timestamp>, whole: bool) -> Cmd {
        let mut command = Cmd::new();
        if whole {
            command.arg("EVAL").arg(&self.script.code);
        } else {
            command.arg("EVALSHA").arg(&self.script.hash);
        }
        command.arg(self.keys.len());
        for key in &self.keys {
            command.arg(key);
        }
        command.arg(time(now));
        for argument in &self.arguments {
            command.arg(argument.as_slice());
        }
        command
    }
}

/// A commit, to be done until `deadline` on the server's clock.
pub(super) fn commit(batch: &Batch, names: &Names, origin: &str, deadline: Option<i64>) -> Request {
    let mut request = Request::new(&super::scripts::COMMIT, names, batch.space());
    request.push(deadline.map(|deadline| deadline.to_string()).unwrap_or_default());
    request.push(batch.id().0.as_str());
    request.push(origin);
    request.push(names.channel());
    request.push(batch.writes().len().to_string());
    for (write, expects) in batch.writes() {
        let (kind, key) = write.target();
        request.push(if matches!(write, WriteOperation::Put(_)) { "put" } else { "delete" });
        request.push(kind.name);
        request.push(key);
        request.push(expected(*expects));
        request.push(if kind.watched { "1" } else { "0" });
        match write {
            WriteOperation::Put(record) => request.push_content(record),
            WriteOperation::Delete { .. } => request.push_declared(kind),
        }
    }
    request.push(batch.guards().len().to_string());
    for guard in batch.guards() {
        request.push(guard.kind.name);
        request.push(guard.key.as_str());
        request.push(expected(guard.expected));
    }
    request.push_events(batch.events().iter());
    request
}

fn expected(expected: Expected) -> String {
    match expected {
        Expected::Absent => String::new(),
        Expected::Version(Version(version)) => version.to_string(),
    }
}

fn time(time: Option<Timestamp>) -> String {
    time.map(|time| to_millisecond(time).as_millisecond().to_string()).unwrap_or_default()
}

/// How keys and the channel are named.
#[derive(Debug)]
pub(super) struct Names {
    prefix: String,
    /// Whether slots live on several servers, so that spaces cannot share a key.
    pub(super) cluster: bool,
}

impl Names {
    /// A prefix must leave the hash tag and the separators alone.
    pub(super) fn new(prefix: &str, cluster: bool) -> Result<Self, StoreError> {
        if !RedisOptions::allows_prefix(prefix) {
            return Err(StoreError::Misuse(
                "a prefix of keys is not made of letters, digits, `-`, `_` and `.`",
            ));
        }
        Ok(Self { prefix: prefix.to_owned(), cluster })
    }

    /// The prefix of a space's keys. The system's tag is no sandbox's name.
    pub(super) fn space(&self, space: &Space) -> String {
        let tag = if *space == Space::System { "~" } else { space.as_str() };
        format!("{}:{{{tag}}}:", self.prefix)
    }

    /// The last commit that was announced.
    pub(super) fn announced(&self, space: &Space) -> String {
        format!("{}announced", self.space(self.counted(space)))
    }

    /// The number of the last commit.
    pub(super) fn sequence(&self, space: &Space) -> String {
        format!("{}sequence", self.space(self.counted(space)))
    }

    /// The list of sandboxes.
    pub(super) fn spaces(&self) -> String {
        format!("{}spaces", self.space(&Space::System))
    }

    /// Where commits are announced.
    pub(super) fn channel(&self) -> String {
        format!("{}:changes", self.prefix)
    }

    fn keys(&self, space: &Space) -> Vec<String> {
        vec![self.space(space), self.sequence(space), self.announced(space)]
    }

    /// On one server all spaces share one sequence; on a cluster each has its own, in its own slot.
    fn counted<'a>(&self, space: &'a Space) -> &'a Space {
        if self.cluster { space } else { &Space::System }
    }
}

/// The server collects a record so long after its end, in milliseconds, if nobody else has: a day for durable ones,
/// whose indexes are then left to be tidied up by readers.
const DURABLE_GRACE: &str = "86400000";

/// Ten minutes for those that come and go by the thousand.
const EPHEMERAL_GRACE: &str = "600000";

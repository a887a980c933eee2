//! Records and events, turned from rows into columns: one list for each column makes one statement of many rows.

use bursar_core::ports::event::Event;
use bursar_core::ports::store::{Kind, NewRecord, Version};
use bursar_core::ports::store_time::to_millisecond;
use jiff::Timestamp;

use super::pipeline::Parameter;
use super::text::encode;

/// Records of one kind.
#[derive(Debug, Default)]
pub(super) struct RecordColumns {
    keys: Vec<String>,
    versions: Vec<Option<i64>>,
    bodies: Vec<Vec<u8>>,
    due: Vec<Option<i64>>,
    expires: Vec<Option<i64>>,
    indexes: Vec<Vec<Option<String>>>,
}

impl RecordColumns {
    /// Adds a record; without a version it gets that of the commit.
    pub(super) fn push(&mut self, record: NewRecord, version: Option<Version>) {
        let NewRecord { kind, key, body, indexes, due_at, expires_at } = record;
        self.keys.push(encode(&key).into_owned());
        self.versions.push(version.map(|version| signed(version.0)));
        self.bodies.push(body);
        self.due.push(millisecond(due_at));
        self.expires.push(millisecond(expires_at));
        self.indexes.resize_with(kind.indexes.len(), Vec::new);
        for (column, declared) in self.indexes.iter_mut().zip(kind.indexes) {
            let value = indexes.iter().find(|(index, _)| index == declared);
            column.push(value.map(|(_, value)| encode(value).into_owned()));
        }
    }

    /// The parameters of a kind's `put`.
    pub(super) fn parameters<'a>(&'a self, space: &'a &'a str) -> Vec<Parameter<'a>> {
        let fixed: [Parameter<'a>; FIXED] =
            [space, &self.keys, &self.versions, &self.bodies, &self.due, &self.expires];
        fixed.into_iter().chain(self.indexes.iter().map(|column| column as Parameter<'a>)).collect()
    }

    /// Whether there is nothing to write.
    pub(super) fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }
}

/// Lines of the change log.
#[derive(Debug, Default)]
pub(super) struct ChangeColumns {
    pub(super) ordinals: Vec<i32>,
    pub(super) kinds: Vec<&'static str>,
    pub(super) keys: Vec<String>,
}

impl ChangeColumns {
    /// Adds a line, after those that are there.
    pub(super) fn push(&mut self, kind: &'static Kind, key: &str) {
        self.ordinals.push(i32::try_from(self.ordinals.len()).unwrap_or(i32::MAX));
        self.kinds.push(kind.name);
        self.keys.push(encode(key).into_owned());
    }
}

/// Events.
#[derive(Debug, Default)]
pub(super) struct EventColumns {
    spaces: Vec<String>,
    times: Vec<i64>,
    names: Vec<String>,
    subjects: Vec<String>,
    details: Vec<String>,
}

impl EventColumns {
    /// Adds an event.
    pub(super) fn push(&mut self, space: &str, event: &Event) {
        self.spaces.push(space.to_owned());
        self.times.push(to_millisecond(event.at).as_millisecond());
        self.names.push(encode(&event.name).into_owned());
        self.subjects.push(encode(&event.subject).into_owned());
        self.details.push(serde_json::Value::Object(event.detail.clone()).to_string());
    }

    /// The parameters of [`APPEND`].
    pub(super) fn parameters(&self) -> Vec<Parameter<'_>> {
        vec![&self.spaces, &self.times, &self.names, &self.subjects, &self.details]
    }

    /// Whether there is nothing to write.
    pub(super) fn is_empty(&self) -> bool {
        self.times.is_empty()
    }
}

/// Appends events, numbered in the order given.
pub(super) const APPEND: &str = "\
    INSERT INTO bursar.event (id, space, at, name, subject, detail) \
    SELECT nextval('bursar.commit_sequence'), space, at, name, subject, detail \
    FROM unnest($1::text[], $2::bigint[], $3::text[], $4::text[], $5::text[]) \
    AS given (space, at, name, subject, detail)";

/// A number as the server holds it.
pub(super) fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn millisecond(time: Option<Timestamp>) -> Option<i64> {
    time.map(|time| to_millisecond(time).as_millisecond())
}

/// Parameters before those of the indexes.
const FIXED: usize = 6;

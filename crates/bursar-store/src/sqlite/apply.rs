//! What each kind of write does inside the transaction.

use std::time::Duration;

use bursar_core::ports::event::Event;
use bursar_core::ports::store::{
    Answer, Batch, Commit, Count, Expected, Kind, NewRecord, Space, StoreError, Version, WriteOperation,
};
use bursar_core::ports::store_time::{to_millisecond, window_end};
use jiff::{SignedDuration, Timestamp};
use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension as _, Params, params, params_from_iter};

use super::errors::store_error;
use super::reader::{limit, number, outcome};
use super::schema::{FIXED_COLUMNS, Statements};
use super::writer::Group;

/// Applies a checked batch if every expectation holds.
pub(super) fn commit(group: &mut Group<'_>, batch: &Batch) -> Result<Answer<Commit>, StoreError> {
    let time = group.now();
    let value = commit_at(group, batch, time)?;
    Ok(Answer { value, time })
}

/// Appends events that belong to no change.
pub(super) fn append(group: &mut Group<'_>, space: &Space, events: &[Event]) -> Result<(), StoreError> {
    for event in events {
        append_event(group.connection, space, event)?;
        group.changed();
    }
    Ok(())
}

/// Removes those of the oldest events that are from before `before`.
pub(super) fn forget_events(
    group: &mut Group<'_>,
    space: &Space,
    before: Timestamp,
    at_most: usize,
) -> Result<usize, StoreError> {
    let row = params![space.as_str(), before.as_millisecond(), limit(at_most)];
    let forgotten = execute(group.connection, FORGET_EVENTS, row)?;
    if forgotten > 0 {
        group.changed();
    }
    Ok(forgotten)
}

/// Adds to a counter.
pub(super) fn count(
    group: &mut Group<'_>,
    space: &Space,
    name: &str,
    by: u64,
    window: Duration,
) -> Result<Answer<Count>, StoreError> {
    let time = group.now();
    let resets_at = window_end(window, time)?;
    let (by, length) = (i64::try_from(by).unwrap_or(i64::MAX), limit(millis(window)));
    let sql = "SELECT value FROM counter WHERE space = ?1 AND name = ?2 AND window = ?3 AND ends_at = ?4";
    let key = params![space.as_str(), name, length, resets_at.as_millisecond()];
    let mut statement = group.connection.prepare_cached(sql).map_err(store_error)?;
    let old: Option<i64> = statement.query_one(key, |row| row.get(0)).optional().map_err(store_error)?;
    let value = old.unwrap_or(0).saturating_add(by);
    if old.is_some() {
        // Apart from the first in a window, so that the index on the end is left alone.
        let sql = "UPDATE counter SET value = ?3 WHERE space = ?1 AND name = ?2";
        execute(group.connection, sql, params![space.as_str(), name, value])?;
    } else {
        let sql = "INSERT OR REPLACE INTO counter (space, name, window, ends_at, value) VALUES (?1, ?2, ?3, ?4, ?5)";
        let row = params![space.as_str(), name, length, resets_at.as_millisecond(), value];
        execute(group.connection, sql, row)?;
    }
    group.changed();
    Ok(Answer { value: Count { value: value.unsigned_abs(), resets_at }, time })
}

/// Removes expired records of a kind, and as many old lines of the logs.
pub(super) fn expire(
    group: &mut Group<'_>,
    space: &Space,
    kind: &'static Kind,
    at_most: usize,
) -> Result<usize, StoreError> {
    let now = group.now();
    let expire = &group.schema.statements(kind)?.expire;
    let row = params![space.as_str(), now.as_millisecond(), limit(at_most)];
    let expired = execute(group.connection, expire, row)?;
    let mut removed = expired;
    let day_ago = before(now, COMMITS_REMEMBERED);
    removed += execute(group.connection, FORGET_COMMITS, params![day_ago, limit(at_most)])?;
    removed += execute(group.connection, FORGET_CHANGES, params![space.as_str(), limit(at_most)])?;
    let week_ago = before(now, COUNTERS_REMEMBERED);
    removed += execute(group.connection, FORGET_COUNTERS, params![week_ago, limit(at_most)])?;
    if removed > 0 {
        group.changed();
    }
    Ok(expired)
}

/// Writes one record; also how a backup or a salvaged record comes in.
pub(super) fn put(
    connection: &Connection,
    statements: &Statements,
    space: &Space,
    version: Version,
    record: NewRecord,
) -> Result<(), StoreError> {
    let NewRecord { kind, key, body, indexes, due_at, expires_at } = record;
    let millisecond = |time: Option<Timestamp>| {
        time.map_or(Value::Null, |time| Value::Integer(to_millisecond(time).as_millisecond()))
    };
    let mut row = vec![Value::Null; FIXED_COLUMNS + kind.indexes.len()];
    row[0] = Value::Text(space.as_str().to_owned());
    row[1] = Value::Text(key);
    row[2] = Value::Integer(i64::try_from(version.0).unwrap_or(i64::MAX));
    row[3] = Value::Blob(body);
    row[4] = millisecond(due_at);
    row[5] = millisecond(expires_at);
    for (index, value) in indexes {
        if let Some(position) = kind.indexes.iter().position(|declared| *declared == index) {
            row[FIXED_COLUMNS + position] = Value::Text(value);
        }
    }
    execute(connection, &statements.put, params_from_iter(row)).map(|_| ())
}

/// Appends one event.
pub(super) fn append_event(connection: &Connection, space: &Space, event: &Event) -> Result<(), StoreError> {
    append_event_as(connection, None, space, event)
}

/// Appends one event under the id it had before, if it had one.
pub(super) fn append_event_as(
    connection: &Connection,
    id: Option<u64>,
    space: &Space,
    event: &Event,
) -> Result<(), StoreError> {
    let detail = serde_json::Value::Object(event.detail.clone()).to_string();
    let at = to_millisecond(event.at).as_millisecond();
    let id = id.map(|id| i64::try_from(id).unwrap_or(i64::MAX));
    let sql = "INSERT INTO event (id, space, at, name, subject, detail) VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
    execute(connection, sql, params![id, space.as_str(), at, event.name, event.subject, detail]).map(|_| ())
}

fn commit_at(group: &mut Group<'_>, batch: &Batch, now: Timestamp) -> Result<Commit, StoreError> {
    let (connection, schema, space) = (group.connection, group.schema, batch.space());
    if let Some(first) = outcome(connection, space, batch.id()).map_err(store_error)? {
        return Ok(Commit::Done(Version(first)));
    }
    let writes = batch.writes().iter().map(|(write, expected)| (write.target(), *expected));
    let guards = batch.guards().iter().map(|guard| ((guard.kind, guard.key.as_str()), guard.expected));
    // All expectations before the first write, so that a conflict has nothing to undo.
    for ((kind, key), expected) in writes.chain(guards) {
        let found = version(connection, schema.statements(kind)?, space, key, now)?;
        let holds = match expected {
            Expected::Absent => found.is_none(),
            Expected::Version(version) => found == Some(version),
        };
        if !holds {
            return Ok(Commit::Conflict { kind: kind.name, key: key.to_owned() });
        }
    }
    let sequence = group.next_sequence();
    let number = i64::try_from(sequence).unwrap_or(i64::MAX);
    let sql = "INSERT INTO commit_log (sequence, space, id, at) VALUES (?1, ?2, ?3, ?4)";
    execute(connection, sql, params![number, space.as_str(), batch.id().0, now.as_millisecond()])?;
    for (ordinal, (write, _)) in batch.writes().iter().enumerate() {
        let (kind, key) = write.target();
        let statements = schema.statements(kind)?;
        match write {
            WriteOperation::Put(record) => {
                put(connection, statements, space, Version(sequence), record.clone())?;
            }
            WriteOperation::Delete { .. } => {
                execute(connection, &statements.delete, params![space.as_str(), key])?;
            }
        }
        if kind.watched {
            let sql =
                "INSERT INTO change_log (space, sequence, ordinal, kind, key) VALUES (?1, ?2, ?3, ?4, ?5)";
            execute(connection, sql, params![space.as_str(), number, limit(ordinal), kind.name, key])?;
            group.announce(sequence);
        }
    }
    append(group, space, batch.events())?;
    Ok(Commit::Done(Version(sequence)))
}

fn version(
    connection: &Connection,
    statements: &Statements,
    space: &Space,
    key: &str,
    now: Timestamp,
) -> Result<Option<Version>, StoreError> {
    let row = params![space.as_str(), key, now.as_millisecond()];
    let mut statement = connection.prepare_cached(&statements.version).map_err(store_error)?;
    statement.query_one(row, |row| number(row, 0).map(Version)).optional().map_err(store_error)
}

fn execute(connection: &Connection, sql: &str, parameters: impl Params) -> Result<usize, StoreError> {
    connection
        .prepare_cached(sql)
        .and_then(|mut statement| statement.execute(parameters))
        .map_err(store_error)
}

fn before(now: Timestamp, age: SignedDuration) -> i64 {
    now.saturating_sub(age).unwrap_or(Timestamp::MIN).as_millisecond()
}

fn millis(duration: Duration) -> usize {
    usize::try_from(duration.as_millis()).unwrap_or(usize::MAX)
}

/// Looks at the oldest lines only, so it costs the same whether or not they are old enough.
const FORGET_COMMITS: &str = "DELETE FROM commit_log WHERE sequence IN \
     (SELECT sequence FROM (SELECT sequence, at FROM commit_log ORDER BY sequence LIMIT ?2) WHERE at < ?1)";

/// The same for events.
const FORGET_EVENTS: &str = "DELETE FROM event WHERE id IN \
     (SELECT id FROM (SELECT id, at FROM event INDEXED BY event_by_space WHERE space = ?1 ORDER BY id LIMIT ?3) \
      WHERE at < ?2)";

/// A change is forgotten with its commit.
const FORGET_CHANGES: &str = "DELETE FROM change_log WHERE space = ?1 AND (sequence, ordinal) IN \
     (SELECT sequence, ordinal FROM change_log WHERE space = ?1 \
      AND sequence < coalesce((SELECT min(sequence) FROM commit_log), 9223372036854775807) \
      ORDER BY sequence, ordinal LIMIT ?2)";

const FORGET_COUNTERS: &str = "DELETE FROM counter WHERE (space, name) IN \
     (SELECT space, name FROM counter INDEXED BY counter_by_end WHERE ends_at < ?1 ORDER BY ends_at LIMIT ?2)";

/// Long enough for a caller that was cut off to come back, and for a watcher to catch up.
const COMMITS_REMEMBERED: SignedDuration = SignedDuration::from_hours(24);

/// Counters of long windows are looked at after they ended; a week is the longest window limits are told in.
const COUNTERS_REMEMBERED: SignedDuration = SignedDuration::from_hours(24 * 7);

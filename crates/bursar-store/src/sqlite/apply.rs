//! What each kind of write does inside the transaction.

use std::time::Duration;

use bursar_core::ports::event::Event;
use bursar_core::ports::store::{
    Answer, Batch, Commit, Count, Expected, Kind, NewRecord, Space, StoreError, Version, WriteOperation,
};
use bursar_core::ports::store_time::{to_millisecond, window_end};
use jiff::{SignedDuration, Timestamp};
use rusqlite::{Connection, OptionalExtension as _, Params, Statement, params};

use super::errors::store_error;
use super::heads::Head;
use super::reader::{limit, outcome};
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
        let id = group.next_event();
        append_event(group.connection, id, space, event)?;
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

/// Removes expired records of a kind, and old lines of the logs.
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
    let lines = limit(at_most.max(LINES_AT_ONCE));
    removed += execute(group.connection, FORGET_CHANGES, params![day_ago, lines])?;
    removed += execute(group.connection, FORGET_COMMITS, params![day_ago, lines])?;
    let week_ago = before(now, COUNTERS_REMEMBERED);
    removed += execute(group.connection, FORGET_COUNTERS, params![week_ago, lines])?;
    if removed > 0 {
        group.changed();
    }
    Ok(expired)
}

/// Writes one record whose place may be taken; also how a backup or a salvaged record comes in.
pub(super) fn put(
    connection: &Connection,
    statements: &Statements,
    space: &Space,
    version: Version,
    record: &NewRecord,
) -> Result<(), StoreError> {
    let write = || {
        let mut statement = connection.prepare_cached(&statements.put)?;
        bind_content(&mut statement, space, version, record)?;
        bind_due(&mut statement, record)?;
        bind_indexed(&mut statement, record)?;
        statement.raw_execute()
    };
    write().map(|_| ()).map_err(store_error)
}

/// Appends one event.
pub(super) fn append_event(
    connection: &Connection,
    id: u64,
    space: &Space,
    event: &Event,
) -> Result<(), StoreError> {
    let detail = serde_json::to_string(&event.detail)
        .map_err(|_| StoreError::Misuse("an event cannot be written as JSON"))?;
    let at = to_millisecond(event.at).as_millisecond();
    let id = i64::try_from(id).unwrap_or(i64::MAX);
    let sql = "INSERT INTO event (id, space, at, name, subject, detail) VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
    execute(connection, sql, params![id, space.as_str(), at, event.name, event.subject, detail]).map(|_| ())
}

fn commit_at(group: &mut Group<'_>, batch: &Batch, now: Timestamp) -> Result<Commit, StoreError> {
    // All expectations before the first write, so that a conflict has nothing to undo.
    let unmet = unmet(group, batch, now)?;
    if unmet.is_none()
        && let Some(version) = write(group, batch, now)?
    {
        return Ok(Commit::Done(version));
    }
    // It has been done before, and is looked for only now: nearly every commit is a new one.
    let first = outcome(group.connection, batch.space(), batch.id()).map_err(store_error)?;
    match (first, unmet) {
        (Some(first), _) => Ok(Commit::Done(Version(first))),
        (None, Some((kind, key))) => Ok(Commit::Conflict { kind: kind.name, key: key.to_owned() }),
        (None, None) => Err(StoreError::Damaged("a commit is known and cannot be found".to_owned())),
    }
}

/// The first record that is not as the batch expects it.
fn unmet<'a>(
    group: &mut Group<'_>,
    batch: &'a Batch,
    now: Timestamp,
) -> Result<Option<(&'static Kind, &'a str)>, StoreError> {
    let writes = batch.writes().iter().map(|(write, expected)| (write.target(), *expected));
    let guards = batch.guards().iter().map(|guard| ((guard.kind, guard.key.as_str()), guard.expected));
    for ((kind, key), expected) in writes.chain(guards) {
        let statements = group.schema.statements(kind)?;
        let found = group.heads.find(group.connection, statements, kind, batch.space(), key);
        let found = found.map_err(store_error)?.filter(|head| head.is_live(now)).map(|head| head.version);
        let holds = match expected {
            Expected::Absent => found.is_none(),
            Expected::Version(version) => found == Some(version),
        };
        if !holds {
            return Ok(Some((kind, key)));
        }
    }
    Ok(None)
}

/// Writes everything in a batch, and tells the version; `None`: there has been a commit of this id.
fn write(group: &mut Group<'_>, batch: &Batch, now: Timestamp) -> Result<Option<Version>, StoreError> {
    let (connection, space) = (group.connection, batch.space());
    let sequence = group.next_sequence();
    let number = i64::try_from(sequence).unwrap_or(i64::MAX);
    let sql = "INSERT INTO commit_log (sequence, space, id, at) VALUES (?1, ?2, ?3, ?4) \
               ON CONFLICT (id, space) DO NOTHING";
    let new = execute(connection, sql, params![number, space.as_str(), batch.id().0, now.as_millisecond()])?;
    if new == 0 {
        return Ok(None);
    }
    for (ordinal, (write, _)) in batch.writes().iter().enumerate() {
        let (kind, key) = write.target();
        match write {
            WriteOperation::Put(record) => put_in(group, space, Version(sequence), record)?,
            WriteOperation::Delete { .. } => {
                let delete = &group.schema.statements(kind)?.delete;
                execute(connection, delete, params![space.as_str(), key])?;
                group.heads.lose(kind, space, key);
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
    Ok(Some(Version(sequence)))
}

/// Writes one record, and of its indexes those that change.
fn put_in(
    group: &mut Group<'_>,
    space: &Space,
    version: Version,
    record: &NewRecord,
) -> Result<(), StoreError> {
    let (connection, kind) = (group.connection, record.kind);
    let statements = group.schema.statements(kind)?;
    let new = Head {
        version,
        due_at: millisecond(record.due_at),
        expires_at: millisecond(record.expires_at),
        indexes: kind.indexes.iter().map(|index| index_value(record, index).map(str::to_owned)).collect(),
    };
    let old = group.heads.find(connection, statements, kind, space, &record.key).map_err(store_error)?;
    let is_replaced = match old {
        Some(old) => replace(connection, statements, space, record, old, &new)?,
        None => false,
    };
    if !is_replaced {
        put(connection, statements, space, version, record)?;
    }
    group.heads.keep(kind, space, &record.key, new);
    Ok(())
}

/// Whether there was something to replace: what has expired may have been removed by anybody.
fn replace(
    connection: &Connection,
    statements: &Statements,
    space: &Space,
    record: &NewRecord,
    old: &Head,
    new: &Head,
) -> Result<bool, StoreError> {
    let due = old.due_at != new.due_at;
    let indexed = old.expires_at != new.expires_at || old.indexes != new.indexes;
    let write = || {
        let mut statement = connection.prepare_cached(statements.replace(due, indexed))?;
        bind_content(&mut statement, space, new.version, record)?;
        if due {
            bind_due(&mut statement, record)?;
        }
        if indexed {
            bind_indexed(&mut statement, record)?;
        }
        statement.raw_execute()
    };
    write().map(|rows| rows > 0).map_err(store_error)
}

fn bind_content(
    statement: &mut Statement<'_>,
    space: &Space,
    version: Version,
    record: &NewRecord,
) -> Result<(), rusqlite::Error> {
    statement.raw_bind_parameter(1, space.as_str())?;
    statement.raw_bind_parameter(2, &record.key)?;
    statement.raw_bind_parameter(3, i64::try_from(version.0).unwrap_or(i64::MAX))?;
    statement.raw_bind_parameter(4, &record.body)
}

fn bind_due(statement: &mut Statement<'_>, record: &NewRecord) -> Result<(), rusqlite::Error> {
    statement.raw_bind_parameter(5, millisecond(record.due_at))
}

fn bind_indexed(statement: &mut Statement<'_>, record: &NewRecord) -> Result<(), rusqlite::Error> {
    statement.raw_bind_parameter(6, millisecond(record.expires_at))?;
    for (position, index) in record.kind.indexes.iter().enumerate() {
        statement.raw_bind_parameter(FIXED_COLUMNS + 1 + position, index_value(record, index))?;
    }
    Ok(())
}

fn index_value<'a>(record: &'a NewRecord, index: &str) -> Option<&'a str> {
    record.indexes.iter().find(|(declared, _)| *declared == index).map(|(_, value)| value.as_str())
}

fn millisecond(time: Option<Timestamp>) -> Option<i64> {
    time.map(|time| to_millisecond(time).as_millisecond())
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

/// Looks at the oldest lines only, and at the very oldest first, so it costs next to nothing where none is old enough. Those
/// are a few, because not every id is from the time of its commit.
const FORGET_COMMITS: &str = "DELETE FROM commit_log WHERE (id, space) IN \
     (SELECT id, space FROM (SELECT id, space, at FROM commit_log ORDER BY id LIMIT \
      iif((SELECT min(at) FROM (SELECT at FROM commit_log ORDER BY id LIMIT 16)) < ?1, ?2, 0)) WHERE at < ?1)";

/// The same for events.
const FORGET_EVENTS: &str = "DELETE FROM event WHERE space = ?1 AND id IN \
     (SELECT id FROM (SELECT id, at FROM event NOT INDEXED WHERE space = ?1 ORDER BY id LIMIT ?3) WHERE at < ?2)";

/// A change is forgotten with its commit, so before it, and whatever its space: nobody asks for one that has ended.
const FORGET_CHANGES: &str = "DELETE FROM change_log WHERE (space, sequence) IN \
     (SELECT space, sequence FROM (SELECT space, sequence, at FROM commit_log ORDER BY id LIMIT \
      iif((SELECT min(at) FROM (SELECT at FROM commit_log ORDER BY id LIMIT 16)) < ?1, ?2, 0)) WHERE at < ?1)";

const FORGET_COUNTERS: &str = "DELETE FROM counter WHERE (space, name) IN \
     (SELECT space, name FROM counter INDEXED BY counter_by_end WHERE ends_at < ?1 ORDER BY ends_at LIMIT ?2)";

/// Long enough for a caller that was cut off to come back, and for a watcher to catch up.
const COMMITS_REMEMBERED: SignedDuration = SignedDuration::from_hours(24);

/// Counters of long windows are looked at after they ended; a week is the longest window limits are told in.
const COUNTERS_REMEMBERED: SignedDuration = SignedDuration::from_hours(24 * 7);

/// There are many more commits than records that expire. With every kind asked for twice a minute, some thousand lines a
/// second go, each time within milliseconds.
const LINES_AT_ONCE: usize = 4096;

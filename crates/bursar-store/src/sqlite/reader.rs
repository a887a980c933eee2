//! Reads: a few connections, each used by one thread at a time, on the caller's own thread.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use bursar_core::ports::event::Event;
use bursar_core::ports::store::{
    Change, Changes, CommitId, Due, EventQuery, INCARNATION, Incarnation, Kind, Page, Record, Sequence,
    Space, StoreError, StoredEvent, Tally, Version,
};
use jiff::Timestamp;
use rusqlite::types::Type;
use rusqlite::{Connection, OptionalExtension as _, Params, Row, params};

use super::connection::Opened;
use super::errors::store_error;
use super::migrate::prepare;
use super::schema::{Schema, Statements, first_key};

/// Idle connections, opened when needed.
#[derive(Debug)]
pub(super) struct Readers {
    path: PathBuf,
    schema: Arc<Schema>,
    incarnation: String,
    idle: Mutex<Vec<Opened>>,
}

impl Readers {
    /// Starts with the connection the store was opened by.
    pub(super) fn new(path: PathBuf, schema: Arc<Schema>, incarnation: String, first: Opened) -> Self {
        Self { path, schema, incarnation, idle: Mutex::new(vec![first]) }
    }

    /// Lends a connection to `read`.
    pub(super) fn read<T>(
        &self,
        read: impl FnOnce(&Connection) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let opened = match idle.filter(|opened| opened.is_current(&self.path)) {
            Some(opened) => opened,
            None => self.open()?,
        };
        let value = read(&opened.connection)?;
        // After an error the connection is closed instead: the next one may see what this one could not.
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < IDLE_KEPT {
            idle.push(opened);
        }
        Ok(value)
    }

    /// Lends a connection and the statements of a kind that lives in `space`.
    pub(super) fn read_kind<T>(
        &self,
        space: &Space,
        kind: &'static Kind,
        read: impl FnOnce(&Connection, &Statements) -> Result<T, rusqlite::Error>,
    ) -> Result<T, StoreError> {
        kind.check_space(space)?;
        let statements = self.schema.statements(kind)?;
        self.read(|connection| read(connection, statements).map_err(store_error))
    }

    fn open(&self) -> Result<Opened, StoreError> {
        let opened = Opened::open(&self.path)?;
        prepare(&opened.connection, &self.schema, &self.incarnation)?;
        Ok(opened)
    }
}

/// One record, live at `now`.
pub(super) fn record(
    connection: &Connection,
    statements: &Statements,
    space: &Space,
    key: &str,
    now: Timestamp,
) -> Result<Option<Record>, rusqlite::Error> {
    let mut statement = connection.prepare_cached(&statements.record)?;
    statement.query_one(params![space.as_str(), key, now.as_millisecond()], read_record).optional()
}

/// How many rows of a kind there are.
pub(super) fn tally(
    connection: &Connection,
    statements: &Statements,
    space: &Space,
    now: Timestamp,
) -> Result<Tally, rusqlite::Error> {
    let mut statement = connection.prepare_cached(&statements.tally)?;
    statement.query_one(params![space.as_str(), now.as_millisecond()], |row| {
        let (all, expired): (u64, u64) = (number(row, 0)?, number(row, 1)?);
        Ok(Tally { alive: all.saturating_sub(expired), expired })
    })
}

/// A page of records, of all or of those whose index has a value.
pub(super) fn page(
    connection: &Connection,
    statements: &Statements,
    space: &Space,
    index: Option<(&str, &str)>,
    page: &Page,
    now: Timestamp,
) -> Result<Vec<Record>, rusqlite::Error> {
    let (from, now, limit) = (first_key(page.after.as_deref()), now.as_millisecond(), limit(page.limit));
    match index {
        None => rows(connection, &statements.list, params![space.as_str(), from, now, limit], read_record),
        Some((index, value)) => rows(
            connection,
            &statements.find[index],
            params![space.as_str(), from, now, limit, value],
            read_record,
        ),
    }
}

/// Records due by `until`; one row more is read to tell when the next falls due.
pub(super) fn due(
    connection: &Connection,
    statements: &Statements,
    space: &Space,
    until: Timestamp,
    at_most: usize,
    now: Timestamp,
) -> Result<Due, rusqlite::Error> {
    let wanted = limit(at_most.saturating_add(1));
    let mut statement = connection.prepare_cached(&statements.due)?;
    let mut rows = statement.query(params![space.as_str(), now.as_millisecond(), wanted])?;
    let mut due = Due { records: Vec::new(), next: None };
    while let Some(row) = rows.next()? {
        let record = read_record(row)?;
        if record.due_at.is_some_and(|due_at| due_at > until) || due.records.len() == at_most {
            due.next = record.due_at;
            break;
        }
        due.records.push(record);
    }
    Ok(due)
}

/// What became of a commit.
pub(super) fn outcome(
    connection: &Connection,
    space: &Space,
    id: &CommitId,
) -> Result<Option<Sequence>, rusqlite::Error> {
    let mut statement =
        connection.prepare_cached("SELECT sequence FROM commit_log WHERE space = ?1 AND id = ?2")?;
    statement.query_one(params![space.as_str(), id.0], |row| number(row, 0)).optional()
}

/// Changes after `after`, the last commit told whole.
pub(super) fn changes(
    connection: &Connection,
    space: &Space,
    after: Sequence,
    limit: usize,
) -> Result<Changes, rusqlite::Error> {
    // Before the lines: what is committed in between comes with them, or is told the next time.
    let settled = sequence(connection)?;
    let sql = "SELECT sequence, kind, key FROM change_log WHERE space = ?1 AND sequence > ?2 \
               ORDER BY sequence, ordinal";
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query(params![space.as_str(), i64::try_from(after).unwrap_or(i64::MAX)])?;
    let mut found: Vec<Change> = Vec::new();
    while let Some(row) = rows.next()? {
        let change = Change { sequence: number(row, 0)?, kind: row.get(1)?, key: row.get(2)? };
        let new_commit = found.last().is_none_or(|last| last.sequence != change.sequence);
        if found.len() >= limit && new_commit {
            break;
        }
        found.push(change);
    }
    Ok(Changes::found(found, limit, settled))
}

/// Events in order.
pub(super) fn events(
    connection: &Connection,
    space: &Space,
    query: &EventQuery,
) -> Result<Vec<StoredEvent>, rusqlite::Error> {
    let after = i64::try_from(query.after).unwrap_or(i64::MAX);
    let at_most = limit(query.limit);
    match &query.subject {
        None => rows(connection, EVENTS, params![space.as_str(), after, at_most], read_event),
        Some(subject) => {
            rows(connection, EVENTS_OF_SUBJECT, params![space.as_str(), after, at_most, subject], read_event)
        }
    }
}

/// The life this store is living.
pub(super) fn incarnation(connection: &Connection, schema: &Schema) -> Result<Incarnation, StoreError> {
    let statements = schema.statements(&INCARNATION)?;
    let found = record(connection, statements, &Space::System, "current", Timestamp::UNIX_EPOCH);
    let body = found.map_err(store_error)?.map(|record| record.body).unwrap_or_default();
    serde_json::from_slice(&body)
        .map_err(|_| StoreError::Damaged("the incarnation record cannot be read".to_owned()))
}

/// The last commit of all.
pub(super) fn sequence(connection: &Connection) -> Result<Sequence, rusqlite::Error> {
    last(connection, "sequence")
}

/// The number of the last event, forgotten or not.
pub(super) fn last_event(connection: &Connection) -> Result<u64, rusqlite::Error> {
    last(connection, "event")
}

fn last(connection: &Connection, what: &str) -> Result<u64, rusqlite::Error> {
    connection
        .prepare_cached("SELECT value FROM meta WHERE name = ?1")?
        .query_one([what], |row| number(row, 0))
}

/// A row of (key, version, body, `due_at`, `expires_at`).
fn read_record(row: &Row<'_>) -> Result<Record, rusqlite::Error> {
    Ok(Record {
        key: row.get(0)?,
        version: Version(number(row, 1)?),
        body: row.get(2)?,
        due_at: time(row, 3)?,
        expires_at: time(row, 4)?,
    })
}

/// A row of (id, at, name, subject, detail).
pub(super) fn read_event(row: &Row<'_>) -> Result<StoredEvent, rusqlite::Error> {
    let detail: String = row.get(4)?;
    let detail = serde_json::from_str(&detail).map_err(|error| unreadable(4, Type::Text, error))?;
    let at = Timestamp::from_millisecond(row.get(1)?).map_err(|error| unreadable(1, Type::Integer, error))?;
    let event = Event { at, name: row.get(2)?, subject: row.get(3)?, detail };
    Ok(StoredEvent { id: number(row, 0)?, event })
}

/// A time in milliseconds.
pub(super) fn time(row: &Row<'_>, column: usize) -> Result<Option<Timestamp>, rusqlite::Error> {
    let milliseconds: Option<i64> = row.get(column)?;
    let time = milliseconds.map(Timestamp::from_millisecond).transpose();
    time.map_err(|error| unreadable(column, Type::Integer, error))
}

/// A number that is never negative.
pub(super) fn number(row: &Row<'_>, column: usize) -> Result<u64, rusqlite::Error> {
    let number: i64 = row.get(column)?;
    u64::try_from(number).map_err(|error| unreadable(column, Type::Integer, error))
}

/// A row limit as `SQLite` takes it.
pub(super) fn limit(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}

fn unreadable(
    column: usize,
    found: Type,
    error: impl std::error::Error + Send + Sync + 'static,
) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(column, found, Box::new(error))
}

fn rows<T>(
    connection: &Connection,
    sql: &str,
    parameters: impl Params,
    read: fn(&Row<'_>) -> Result<T, rusqlite::Error>,
) -> Result<Vec<T>, rusqlite::Error> {
    let mut statement = connection.prepare_cached(sql)?;
    statement.query_map(parameters, read)?.collect()
}

const EVENTS: &str = "SELECT id, at, name, subject, detail FROM event NOT INDEXED \
     WHERE space = ?1 AND id > ?2 ORDER BY id LIMIT ?3";

const EVENTS_OF_SUBJECT: &str = "SELECT id, at, name, subject, detail FROM event INDEXED BY event_by_subject \
     WHERE space = ?1 AND subject = ?4 AND id > ?2 ORDER BY id LIMIT ?3";

/// Reads take microseconds, so more than a core's worth of them rarely overlap.
const IDLE_KEPT: usize = 4;

//! Backup and restore of a `SQLite` store.

use std::io::{BufRead, Write};

use bursar_core::ports::backup::{BackedUpRecord, BackupReader, BackupWriter, Line};
use bursar_core::ports::store::{
    Group, INCARNATION, Incarnation, Kind, NewRecord, Record, SandboxId, Sequence, Space, StoreError, Version,
};
use jiff::Timestamp;
use rusqlite::{Connection, Row};

use super::apply::{append_event, put};
use super::connection::begin_immediate;
use super::errors::{commit_error, store_error};
use super::migrate::write_incarnation;
use super::reader::{incarnation, last_event, number, read_event, sequence, time};
use super::schema::{FIXED_COLUMNS, Schema, table};

/// Writes everything durable, as one consistent picture. Other processes may go on writing meanwhile.
pub(super) fn back_up(
    connection: &Connection,
    schema: &Schema,
    sink: &mut dyn Write,
    now: Timestamp,
) -> Result<(), StoreError> {
    // A read transaction: all that follows sees the same moment.
    connection.execute_batch("BEGIN").map_err(store_error)?;
    let written = write_lines(connection, schema, sink, now);
    connection.execute_batch("ROLLBACK").map_err(store_error)?;
    written
}

/// Fills an empty store from a backup, whole or not at all.
pub(super) fn restore(
    connection: &Connection,
    schema: &Schema,
    source: &mut dyn BufRead,
    wanted: Incarnation,
) -> Result<Sequence, StoreError> {
    connection.pragma_update(None, "synchronous", "FULL").map_err(store_error)?;
    begin_immediate(connection)?;
    let restored = read_lines(connection, schema, source, wanted)
        .and_then(|sequence| connection.execute_batch("COMMIT").map_err(commit_error).map(|()| sequence));
    if restored.is_err() && !connection.is_autocommit() {
        connection.execute_batch("ROLLBACK").map_err(store_error)?;
    }
    restored
}

/// Who lives in the space named in a table.
pub(super) fn read_space(text: &str) -> Result<Space, StoreError> {
    if text.is_empty() {
        return Ok(Space::System);
    }
    let id = SandboxId::parse(text);
    id.map(Space::Sandbox)
        .map_err(|_| StoreError::Damaged("a record is in a space without a valid name".to_owned()))
}

/// A record from a row of all columns, the first of them at `start`.
pub(super) fn read_row(
    kind: &'static Kind,
    row: &Row<'_>,
    start: usize,
) -> Result<(String, Version, NewRecord), rusqlite::Error> {
    let mut indexes = Vec::new();
    for (position, index) in kind.indexes.iter().enumerate() {
        let value: Option<String> = row.get(start + FIXED_COLUMNS + position)?;
        indexes.extend(value.map(|value| (*index, value)));
    }
    let record = NewRecord {
        kind,
        key: row.get(start + 1)?,
        body: row.get(start + 3)?,
        indexes,
        due_at: time(row, start + 4)?,
        expires_at: time(row, start + 5)?,
    };
    Ok((row.get(start)?, Version(number(row, start + 2)?), record))
}

fn write_lines(
    connection: &Connection,
    schema: &Schema,
    sink: &mut dyn Write,
    now: Timestamp,
) -> Result<(), StoreError> {
    let last = sequence(connection).map_err(store_error)?;
    let mut writer = BackupWriter::begin(sink, &incarnation(connection, schema)?, last)?;
    for kind in schema.kinds().filter(|kind| kind.group == Group::Durable && **kind != INCARNATION) {
        let mut statement = connection.prepare(&schema.statements(kind)?.back_up).map_err(store_error)?;
        let mut rows = statement.query([now.as_millisecond()]).map_err(store_error)?;
        while let Some(row) = rows.next().map_err(store_error)? {
            let (space, version, record) = read_row(kind, row, 0).map_err(store_error)?;
            writer.line(Line::Record(backed_up(read_space(&space)?, version, record)))?;
        }
    }
    let sql = "SELECT id, at, name, subject, detail, space FROM event ORDER BY space, id";
    let mut statement = connection.prepare(sql).map_err(store_error)?;
    let mut rows = statement.query([]).map_err(store_error)?;
    while let Some(row) = rows.next().map_err(store_error)? {
        let space: String = row.get(5).map_err(store_error)?;
        let event = read_event(row).map_err(store_error)?.event;
        writer.line(Line::Event { space: read_space(&space)?, event })?;
    }
    writer.end()
}

fn read_lines(
    connection: &Connection,
    schema: &Schema,
    source: &mut dyn BufRead,
    wanted: Incarnation,
) -> Result<Sequence, StoreError> {
    for kind in schema.kinds().filter(|kind| kind.group == Group::Durable && **kind != INCARNATION) {
        let sql = format!("SELECT EXISTS (SELECT 1 FROM {})", table(kind));
        if connection.query_one(&sql, [], |row| row.get(0)).map_err(store_error)? {
            return Err(StoreError::NotEmpty);
        }
    }
    let mut reader = BackupReader::begin(source)?;
    let mut event_id = last_event(connection).map_err(store_error)?;
    for line in &mut reader {
        match line? {
            Line::Event { space, event } => {
                event_id += 1;
                append_event(connection, event_id, &space, &event)?;
            }
            Line::Record(record) => restore_record(connection, schema, record)?,
        }
    }
    let incarnation = reader.restored(wanted)?;
    // Larger than every version so far, in this file and in the backup.
    let last = reader.sequence().max(sequence(connection).map_err(store_error)?) + 1;
    write_incarnation(connection, &incarnation, i64::try_from(last).unwrap_or(i64::MAX))?;
    Ok(last)
}

fn restore_record(connection: &Connection, schema: &Schema, line: BackedUpRecord) -> Result<(), StoreError> {
    let BackedUpRecord { space, kind, record, indexes } = line;
    let unknown = || StoreError::Damaged(format!("the backup holds records of an unknown kind, {kind}"));
    let kind = schema.kind(&kind).ok_or_else(unknown)?;
    let Record { key, version, body, due_at, expires_at } = record;
    // An index that has been given up since is left out.
    let indexes =
        kind.indexes.iter().filter_map(|index| Some((*index, indexes.get(*index)?.clone()))).collect();
    let record = NewRecord { kind, key, body, indexes, due_at, expires_at };
    put(connection, schema.statements(kind)?, &space, version, &record)
}

fn backed_up(space: Space, version: Version, record: NewRecord) -> BackedUpRecord {
    let NewRecord { kind, key, body, indexes, due_at, expires_at } = record;
    let indexes = indexes.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    BackedUpRecord {
        space,
        kind: kind.name.to_owned(),
        record: Record { key, version, body, due_at, expires_at },
        indexes,
    }
}

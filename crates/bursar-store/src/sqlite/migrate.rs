//! Brings a file to the schema this build knows, forward only, and touches nothing when it is there already.

use std::collections::HashSet;

use bursar_core::ports::store::{INCARNATION, Incarnation, Origin, StoreError};
use rusqlite::{Connection, params};

use super::connection::{begin_immediate, patiently};
use super::errors::{commit_error, store_error};
use super::schema::{Object, Schema, table};

/// Checks a file, and creates or extends its schema when something is missing. `incarnation` names a new file's life.
pub(super) fn prepare(connection: &Connection, schema: &Schema, incarnation: &str) -> Result<(), StoreError> {
    if found_version(connection)? == KNOWN && missing(connection, schema)?.is_empty() {
        return Ok(());
    }
    if found_version(connection)? == 0 {
        // Outside a transaction, and kept in the file from now on.
        patiently(connection, || connection.pragma_update(None, "journal_mode", "WAL"))?;
    }
    connection.pragma_update(None, "synchronous", "FULL").map_err(store_error)?;
    begin_immediate(connection)?;
    let upgraded = upgrade(connection, schema, incarnation)
        .and_then(|()| connection.execute_batch("COMMIT").map_err(commit_error));
    if upgraded.is_err() && !connection.is_autocommit() {
        connection.execute_batch("ROLLBACK").map_err(store_error)?;
    }
    upgraded
}

/// The file's schema version, if it is a file of ours; 0 if it is empty.
pub(super) fn found_version(connection: &Connection) -> Result<u32, StoreError> {
    if !connection.is_autocommit() {
        return read_version(connection);
    }
    // Read as one picture: between two looks another process may have made the file ours.
    connection.execute_batch("BEGIN").map_err(store_error)?;
    let version = read_version(connection);
    connection.execute_batch("COMMIT").map_err(store_error)?;
    version
}

fn read_version(connection: &Connection) -> Result<u32, StoreError> {
    let found: u32 = connection.pragma_query_one(None, "user_version").map_err(store_error)?;
    if found > KNOWN {
        return Err(StoreError::Newer { found, known: KNOWN });
    }
    let application: i32 = connection.pragma_query_one(None, "application_id").map_err(store_error)?;
    let empty = || {
        let count =
            connection.query_one("SELECT count(*) FROM sqlite_schema", [], |row| row.get::<_, i64>(0));
        Ok::<_, StoreError>(count.map_err(store_error)? == 0)
    };
    if application == APPLICATION || (application == 0 && found == 0 && empty()?) {
        return Ok(found);
    }
    Err(StoreError::Damaged("the file is a database of another program".to_owned()))
}

fn upgrade(connection: &Connection, schema: &Schema, incarnation: &str) -> Result<(), StoreError> {
    // Looked up again: another process may have done it while this one waited.
    let found = found_version(connection)?;
    for migration in MIGRATIONS.iter().skip(found as usize) {
        connection.execute_batch(migration).map_err(store_error)?;
    }
    for object in missing(connection, schema)? {
        create(connection, &object).map_err(store_error)?;
    }
    if found < KNOWN {
        connection.pragma_update(None, "user_version", KNOWN).map_err(store_error)?;
        connection.pragma_update(None, "application_id", APPLICATION).map_err(store_error)?;
    }
    if found == 0 {
        let first = Incarnation { id: incarnation.to_owned(), origin: Origin::Fresh };
        write_incarnation(connection, &first, 1)?;
    }
    Ok(())
}

/// Stores which life this file is living, as the commit `sequence`, and from where its events are counted on.
pub(super) fn write_incarnation(
    connection: &Connection,
    incarnation: &Incarnation,
    sequence: i64,
) -> Result<(), StoreError> {
    let body = serde_json::to_vec(incarnation)
        .map_err(|_| StoreError::Misuse("an incarnation cannot be written as JSON"))?;
    let sql = format!(
        "INSERT OR REPLACE INTO {} (space, key, version, body) VALUES ('', 'current', ?1, ?2)",
        table(&INCARNATION)
    );
    connection.execute(&sql, params![sequence, body]).map_err(store_error)?;
    connection
        .execute("INSERT OR REPLACE INTO meta (name, value) VALUES ('sequence', ?1)", [sequence])
        .map_err(store_error)?;
    let sql =
        "UPDATE meta SET value = max(value, (SELECT coalesce(max(id), 0) FROM event)) WHERE name = 'event'";
    connection.execute(sql, []).map_err(store_error)?;
    Ok(())
}

fn missing(connection: &Connection, schema: &Schema) -> Result<Vec<Object>, StoreError> {
    let mut statement = connection.prepare_cached("SELECT name FROM sqlite_schema").map_err(store_error)?;
    let names = statement.query_map([], |row| row.get::<_, String>(0)).map_err(store_error)?;
    let present = names.collect::<Result<HashSet<_>, _>>().map_err(store_error)?;
    Ok(schema.objects().filter(|object| !present.contains(&object.name)).collect())
}

fn create(connection: &Connection, object: &Object) -> Result<(), rusqlite::Error> {
    if let Some((table, column)) = &object.column {
        let sql = "SELECT count(*) FROM pragma_table_info(?1) WHERE name = ?2";
        let there: i64 = connection.query_one(sql, [table, column], |row| row.get(0))?;
        if there == 0 {
            // Records written before stay unindexed until they are written again: what a body means is not known here.
            connection.execute_batch(&format!("ALTER TABLE {table} ADD COLUMN {column} TEXT"))?;
        }
    }
    connection.execute_batch(&object.create)
}

/// Each entry brings the store's own tables from its index to the next version. Entries are never changed, only added;
/// tables of kinds are not among them, they follow from their declarations.
const MIGRATIONS: [&str; 3] = [
    "
    CREATE TABLE meta (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID;
    CREATE TABLE commit_log (
        sequence INTEGER PRIMARY KEY, space TEXT NOT NULL, id TEXT NOT NULL, at INTEGER NOT NULL, UNIQUE (space, id)
    ) STRICT;
    CREATE TABLE change_log (
        space TEXT NOT NULL, sequence INTEGER NOT NULL, ordinal INTEGER NOT NULL, kind TEXT NOT NULL,
        key TEXT NOT NULL, PRIMARY KEY (space, sequence, ordinal)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE event (
        id INTEGER PRIMARY KEY AUTOINCREMENT, space TEXT NOT NULL, at INTEGER NOT NULL, name TEXT NOT NULL,
        subject TEXT NOT NULL, detail TEXT NOT NULL
    ) STRICT;
    CREATE INDEX event_by_space ON event (space);
    CREATE INDEX event_by_subject ON event (space, subject);
    CREATE TABLE counter (
        space TEXT NOT NULL, name TEXT NOT NULL, window INTEGER NOT NULL, ends_at INTEGER NOT NULL,
        value INTEGER NOT NULL, PRIMARY KEY (space, name)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX counter_by_end ON counter (ends_at);
",
    // Events are counted with the commits: one row a group, where SQLite counts one row an event.
    "
    INSERT INTO meta (name, value)
        VALUES ('event', coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'event'), 0));
    CREATE TABLE event_counted (
        id INTEGER PRIMARY KEY, space TEXT NOT NULL, at INTEGER NOT NULL, name TEXT NOT NULL, subject TEXT NOT NULL,
        detail TEXT NOT NULL
    ) STRICT;
    INSERT INTO event_counted SELECT id, space, at, name, subject, detail FROM event;
    DROP TABLE event;
    ALTER TABLE event_counted RENAME TO event;
    CREATE INDEX event_by_space ON event (space);
    CREATE INDEX event_by_subject ON event (space, subject);
",
    // Every commit writes a line of both logs, so each has no tree more than it needs. Ids of commits come in the order of
    // their making, so that one tree serves both who looks for one and who looks for the oldest; events are read in the order
    // of one space.
    "
    CREATE TABLE commit_by_id (
        id TEXT NOT NULL, space TEXT NOT NULL, sequence INTEGER NOT NULL, at INTEGER NOT NULL, PRIMARY KEY (id, space)
    ) STRICT, WITHOUT ROWID;
    INSERT INTO commit_by_id SELECT id, space, sequence, at FROM commit_log;
    DROP TABLE commit_log;
    ALTER TABLE commit_by_id RENAME TO commit_log;
    CREATE TABLE event_of_space (
        space TEXT NOT NULL, id INTEGER NOT NULL, at INTEGER NOT NULL, name TEXT NOT NULL, subject TEXT NOT NULL,
        detail TEXT NOT NULL, PRIMARY KEY (space, id)
    ) STRICT, WITHOUT ROWID;
    INSERT INTO event_of_space SELECT space, id, at, name, subject, detail FROM event;
    DROP TABLE event;
    ALTER TABLE event_of_space RENAME TO event;
    CREATE INDEX event_by_subject ON event (space, subject);
",
];

/// The newest schema this build knows; it fits, there will never be so many.
#[expect(clippy::cast_possible_truncation, reason = "the list is written by hand")]
const KNOWN: u32 = MIGRATIONS.len() as u32;

/// `bursar` squeezed into four bytes, so that `file` and we can tell our files from others.
const APPLICATION: i32 = 0x6275_7273;

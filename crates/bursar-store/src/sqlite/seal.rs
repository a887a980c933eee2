//! A file whose records have moved: triggers refuse every write, whichever build of bursar tries it.
//!
//! They cost nothing where there are none, which is why they are triggers and not a look before every write.

use bursar_core::ports::store::StoreError;
use rusqlite::{Connection, OptionalExtension as _};

use super::connection::begin_immediate;
use super::errors::{commit_error, store_error};

/// Seals the file; told again, it tells the new place.
pub(super) fn seal(connection: &Connection, moved_to: &str) -> Result<(), StoreError> {
    change(connection, |tables| {
        // A trigger tells a literal only.
        let words = format!("{MOVED}{}", moved_to.replace('\'', "''"));
        let each = tables.iter().flat_map(|table| ACTS.map(|act| (table, act)));
        let made = each.map(|(table, act)| {
            format!(
                "CREATE TRIGGER \"{}\" BEFORE {act} ON \"{table}\" BEGIN SELECT RAISE(ABORT, '{words}'); END;",
                name(act, table)
            )
        });
        made.collect()
    })
}

/// Lifts the seal.
pub(super) fn unseal(connection: &Connection) -> Result<(), StoreError> {
    change(connection, |_| String::new())
}

/// Refuses a sealed file.
pub(super) fn refuse(connection: &Connection) -> Result<(), StoreError> {
    let sql = "SELECT sql FROM sqlite_schema WHERE type = 'trigger' AND name = ?1";
    let found = connection.query_one(sql, [name("INSERT", "meta")], |row| row.get::<_, String>(0));
    let Some(trigger) = found.optional().map_err(store_error)? else { return Ok(()) };
    let words = trigger.split_once(MOVED).and_then(|(_, rest)| rest.rsplit_once("')"));
    Err(StoreError::Moved(words.map(|(to, _)| to.replace("''", "'")).unwrap_or_default()))
}

/// Where everything has gone, if that is what a trigger has said.
pub(super) fn moved_to(message: &str) -> Option<&str> {
    message.strip_prefix(MOVED)
}

/// Takes away what seals the file, and puts what `made` makes in its place, in one step.
fn change(connection: &Connection, made: impl FnOnce(&[String]) -> String) -> Result<(), StoreError> {
    connection.pragma_update(None, "synchronous", "FULL").map_err(store_error)?;
    begin_immediate(connection)?;
    let changed = changes(connection, made)
        .and_then(|sql| connection.execute_batch(&sql).map_err(store_error))
        .and_then(|()| connection.execute_batch("COMMIT").map_err(commit_error));
    if changed.is_err() && !connection.is_autocommit() {
        connection.execute_batch("ROLLBACK").map_err(store_error)?;
    }
    changed
}

fn changes(connection: &Connection, made: impl FnOnce(&[String]) -> String) -> Result<String, StoreError> {
    let tables = names(connection, "SELECT name FROM sqlite_schema WHERE type = 'table'")?;
    let tables: Vec<String> = tables.into_iter().filter(|name| !name.starts_with("sqlite_")).collect();
    let sealing = names(connection, "SELECT name FROM sqlite_schema WHERE type = 'trigger'")?;
    let removed = sealing.iter().filter(|name| name.starts_with(PREFIX));
    let removed = removed.map(|name| format!("DROP TRIGGER \"{name}\";")).collect::<Vec<_>>().concat();
    Ok(removed + &made(&tables))
}

fn names(connection: &Connection, sql: &str) -> Result<Vec<String>, StoreError> {
    let mut statement = connection.prepare(sql).map_err(store_error)?;
    let names = statement.query_map([], |row| row.get::<_, String>(0)).map_err(store_error)?;
    names.collect::<Result<_, _>>().map_err(store_error)
}

fn name(act: &str, table: &str) -> String {
    format!("{PREFIX}{}_{table}", act.to_ascii_lowercase())
}

const ACTS: [&str; 3] = ["INSERT", "UPDATE", "DELETE"];
const PREFIX: &str = "sealed_";
const MOVED: &str = "bursar: moved to ";

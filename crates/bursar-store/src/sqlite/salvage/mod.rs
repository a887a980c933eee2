//! Saves what can still be read of a damaged file into a new one. The damaged file is kept.
//!
//! Rows are found in `rows`; files are copied, patched and exchanged in `files`.

mod files;
mod rows;

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::path::{Path, PathBuf};

use bursar_core::ports::store::{
    INCARNATION, Incarnation, Kind, Origin, SandboxId, Sequence, Space, StoreError,
};
use rusqlite::{Connection, OpenFlags, params};

use self::files::{WorkFiles, exchange, working_copy};
use self::rows::{Numbered, Rescued, rescue};
use super::SqliteOptions;
use super::apply::{append_event, put};
use super::backup::{read_row, read_space};
use super::connection::{Opened, begin_immediate, create};
use super::errors::{commit_error, store_error};
use super::migrate::{prepare, write_incarnation};
use super::reader::{incarnation, read_event, sequence};
use super::schema::{Schema, salvage as salvage_rows, table};

/// What was saved, and what was not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SalvageReport {
    /// Where the damaged file is now; its log, if it had one, has `-wal` appended.
    pub moved_to: PathBuf,
    /// The life the new file is living.
    pub incarnation: Incarnation,
    /// How many records of each kind were saved.
    pub recovered: BTreeMap<&'static str, u64>,
    /// How many events were saved.
    pub events: u64,
    /// What was not saved, one sentence each, for people.
    pub lost: Vec<String>,
}

/// Puts a new file with everything readable in the place of the damaged `options.path`.
///
/// `options.incarnation` names the new file's life. It counts as restored from a source that is dead, because the
/// damaged file is never used again; whether its newest tokens were among what was lost cannot be known, so accounts
/// are treated as after any restore.
///
/// Rows are found through their table's tree: what hangs from an unreadable inner page is lost with it.
///
/// Other processes must not use the store meanwhile; those that still have it open notice the new file. The folder
/// needs room for two more copies. On an error, the damaged file is where it was.
pub fn salvage(options: &SqliteOptions) -> Result<SalvageReport, StoreError> {
    let schema = Schema::new(options.kinds)?;
    let stamp = options.clock.now().strftime("%Y%m%dT%H%M%SZ").to_string();
    let fresh = WorkFiles::new(beside(&options.path, &format!("salvaged-{stamp}")))?;
    create(fresh.path())?;
    let target = Opened::open(fresh.path())?;
    prepare(&target.connection, &schema, &options.incarnation)?;
    // The new file is whole on the disk, so that its header can serve as a pattern.
    checkpoint(&target.connection)?;
    let copy = WorkFiles::new(beside(&options.path, &format!("reading-{stamp}")))?;
    let mut lost = working_copy(&options.path, copy.path(), fresh.path())?;
    let saved = copy_readable(copy.path(), &target.connection, &schema, options, &mut lost)?;
    checkpoint(&target.connection)?;
    drop(target);
    let moved_to = beside(&options.path, &format!("damaged-{stamp}"));
    exchange(&options.path, &moved_to, fresh.path())?;
    let Saved { incarnation, recovered, events } = saved;
    Ok(SalvageReport { moved_to, incarnation, recovered, events, lost })
}

struct Saved {
    incarnation: Incarnation,
    recovered: BTreeMap<&'static str, u64>,
    events: u64,
}

fn copy_readable(
    copy: &Path,
    target: &Connection,
    schema: &Schema,
    options: &SqliteOptions,
    lost: &mut Vec<String>,
) -> Result<Saved, StoreError> {
    let source = open_damaged(copy)?;
    begin_immediate(target)?;
    let mut recovered = BTreeMap::new();
    let mut newest = 0;
    // Without a schema there are no tables, and every kind says so below.
    let tables = tables(&source).unwrap_or_default();
    for kind in schema.kinds().filter(|kind| **kind != INCARNATION) {
        if tables.contains(&table(kind)) {
            let (count, version) = copy_kind(&source, target, schema, kind, lost)?;
            recovered.insert(kind.name, count);
            newest = newest.max(version);
        } else {
            lost.push(format!("{}: its table cannot be found", kind.name));
        }
    }
    let known: HashSet<String> = schema.kinds().map(table).collect();
    for name in tables.iter().filter(|name| name.starts_with("kind_") && !known.contains(*name)) {
        lost.push(format!("{}: this build does not know the kind", name.trim_start_matches("kind_")));
    }
    let mut events = 0;
    for space in spaces(&source, target, schema)? {
        events += copy_events(&source, target, space, lost)?;
    }
    let life = incarnation(&source, schema).ok();
    let honours_from = life.as_ref().and_then(Incarnation::honours_from);
    let from = life.map_or_else(|| "unknown".to_owned(), |source| source.id);
    let origin = Origin::Restored { from, source_is_dead: true, grants_stand: true, honours_from };
    let incarnation = Incarnation { id: options.incarnation.clone(), origin };
    let next = sequence(&source).unwrap_or(newest + VERSIONS_SKIPPED).max(newest) + 1;
    write_incarnation(target, &incarnation, i64::try_from(next).unwrap_or(i64::MAX))?;
    target.execute_batch("COMMIT").map_err(commit_error)?;
    Ok(Saved { incarnation, recovered, events })
}

fn copy_kind(
    source: &Connection,
    target: &Connection,
    schema: &Schema,
    kind: &'static Kind,
    lost: &mut Vec<String>,
) -> Result<(u64, Sequence), StoreError> {
    let table = table(kind);
    let (mut count, mut newest) = (0, 0);
    let numbered = Numbered {
        last: format!("SELECT max(rowid) FROM {table}"),
        rows: salvage_rows(kind, &columns(source, &table)),
        of: None,
    };
    let rescued = rescue(source, &numbered, |row| {
        // A row that is no longer what was written is as lost as one that cannot be read.
        let Ok((space, version, record)) = read_row(kind, row, 1) else { return Ok(false) };
        let Some(space) = read_space(&space).ok().filter(|space| kind.check_space(space).is_ok()) else {
            return Ok(false);
        };
        put(target, schema.statements(kind)?, &space, version, &record)?;
        count += 1;
        newest = newest.max(version.0);
        Ok(true)
    })?;
    report(kind.name, &rescued, lost);
    Ok((count, newest))
}

/// Those that everybody has, those of which a record was saved, and those that are found among the events themselves.
fn spaces(source: &Connection, target: &Connection, schema: &Schema) -> Result<BTreeSet<String>, StoreError> {
    let everybodys = [Space::System, Space::Sandbox(SandboxId::personal())];
    let mut spaces = BTreeSet::from(everybodys.map(|space| space.as_str().to_owned()));
    // From one to the next, over all that is damaged in between.
    let next = |after: &str| source.query_one(NEXT_SPACE, [after], |row| row.get::<_, Option<String>>(0));
    let mut last = String::new();
    while let Ok(Some(space)) = next(&last) {
        // A damaged page may tell of them in any order.
        if space <= last || read_space(&space).is_err() {
            break;
        }
        spaces.insert(space.clone());
        last = space;
    }
    for kind in schema.kinds() {
        let sql = format!("SELECT DISTINCT space FROM {}", table(kind));
        let mut statement = target.prepare(&sql).map_err(store_error)?;
        for space in statement.query_map([], |row| row.get(0)).map_err(store_error)? {
            spaces.insert(space.map_err(store_error)?);
        }
    }
    Ok(spaces)
}

fn copy_events(
    source: &Connection,
    target: &Connection,
    space: String,
    lost: &mut Vec<String>,
) -> Result<u64, StoreError> {
    let mut count = 0;
    let into = read_space(&space)?;
    let numbered = Numbered {
        last: "SELECT max(id) FROM event NOT INDEXED WHERE space = ?1".to_owned(),
        rows: "SELECT id, at, name, subject, detail FROM event NOT INDEXED \
               WHERE id BETWEEN ?1 AND ?2 AND space = ?3 ORDER BY id"
            .to_owned(),
        of: Some(space),
    };
    let rescued = rescue(source, &numbered, |row| {
        let Ok(stored) = read_event(row) else { return Ok(false) };
        append_event(target, stored.id, &into, &stored.event)?;
        count += 1;
        Ok(true)
    })?;
    report("events", &rescued, lost);
    Ok(count)
}

fn report(what: &str, rescued: &Rescued, lost: &mut Vec<String>) {
    if rescued.garbled > 0 {
        lost.push(format!("{what}: {} rows hold garbage", rescued.garbled));
    }
    if rescued.unreadable > 0 {
        lost.push(format!("{what}: at most {} rows cannot be read", rescued.unreadable));
    }
    if let Some(row) = rescued.given_up_after {
        lost.push(format!("{what}: an unknown number of rows after row {row} cannot be read"));
    }
}

/// Opens the copy so that as much as possible is read in spite of damage.
fn open_damaged(copy: &Path) -> Result<Connection, StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let source = Connection::open_with_flags(copy, flags).map_err(store_error)?;
    // Also lifts the check that the file is as long as its header says. If even this fails, no table will be found.
    let _ = source.pragma_update(None, "writable_schema", "ON");
    Ok(source)
}

fn tables(source: &Connection) -> Result<HashSet<String>, rusqlite::Error> {
    let mut statement = source.prepare("SELECT name FROM sqlite_schema WHERE type = 'table'")?;
    statement.query_map([], |row| row.get(0))?.collect()
}

fn columns(source: &Connection, table: &str) -> HashSet<String> {
    let read = || -> Result<HashSet<String>, rusqlite::Error> {
        let mut statement = source.prepare("SELECT name FROM pragma_table_info(?1)")?;
        statement.query_map(params![table], |row| row.get(0))?.collect()
    };
    read().unwrap_or_default()
}

fn checkpoint(connection: &Connection) -> Result<(), StoreError> {
    connection.query_one("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).map_err(store_error)
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".");
    name.push(suffix);
    PathBuf::from(name)
}

const NEXT_SPACE: &str = "SELECT min(space) FROM event WHERE space > ?1";

/// If the last version is unknown, new ones start far enough beyond the newest found that none of those lost is met
/// again: more than a busy server commits in a day.
const VERSIONS_SKIPPED: Sequence = 100_000_000;

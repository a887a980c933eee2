//! Opens connections: the file's mode, the settings, and who waits how long for whom.

use std::fs::{self, OpenOptions};
use std::io;
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::Path;
use std::thread;
use std::time::Duration;

use bursar_core::ports::store::StoreError;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags};

use super::errors::{is_busy, store_error};

/// A connection and the file it is connected to.
#[derive(Debug)]
pub(super) struct Opened {
    pub(super) connection: Connection,
    file: FileId,
}

/// Device and inode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct FileId(u64, u64);

impl Opened {
    /// Connects to an existing file.
    pub(super) fn open(path: &Path) -> Result<Self, StoreError> {
        let file = file_id(path).map_err(|error| file_error(path, &error))?;
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags).map_err(|error| open_error(path, error))?;
        configure(&connection).map_err(|error| open_error(path, error))?;
        Ok(Self { connection, file })
    }

    /// Whether the path still leads to this file. If not, somebody restored or removed it, and whatever is written
    /// here would be acknowledged and lost.
    pub(super) fn is_current(&self, path: &Path) -> bool {
        file_id(path).is_ok_and(|file| file == self.file)
    }
}

/// Makes an empty file that only its owner can read, unless there is a file.
pub(super) fn create(path: &Path) -> Result<(), StoreError> {
    if path.exists() {
        return Ok(());
    }
    match OpenOptions::new().write(true).create_new(true).mode(0o600).open(path) {
        // Somebody else was faster.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        result => result.map(|_| ()).map_err(|error| file_error(path, &error)),
    }
}

/// Starts a write transaction, waiting for other processes.
pub(super) fn begin_immediate(connection: &Connection) -> Result<(), StoreError> {
    patiently(connection, || connection.prepare_cached("BEGIN IMMEDIATE")?.execute([]).map(|_| ()))
}

/// Tries until nobody is in the way, at most [`PATIENCE`].
///
/// Looking again soon, where the waiting of `SQLite` itself soon looks ten times a second only, and loses against
/// processes that write without pause. Sleeping by the operating system's clock, because this waits for other
/// processes, for whom a test's clock does not count either.
pub(super) fn patiently<T>(
    connection: &Connection,
    attempt: impl FnMut() -> Result<T, rusqlite::Error>,
) -> Result<T, StoreError> {
    connection.busy_timeout(Duration::ZERO).map_err(store_error)?;
    let result = retry(attempt);
    connection.busy_timeout(PATIENCE).map_err(store_error)?;
    result.map_err(store_error)
}

fn retry<T>(mut attempt: impl FnMut() -> Result<T, rusqlite::Error>) -> Result<T, rusqlite::Error> {
    let mut waited = Duration::ZERO;
    let mut pause = SHORTEST_PAUSE;
    loop {
        match attempt() {
            Err(error) if is_busy(&error) && waited < PATIENCE => {
                thread::sleep(pause);
                waited += pause;
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
            result => return result,
        }
    }
}

/// What went wrong while a file was being opened, told apart further than `SQLite` does.
pub(super) fn open_error(path: &Path, error: rusqlite::Error) -> StoreError {
    if error.sqlite_error_code() != Some(ErrorCode::CannotOpen) {
        return store_error(error);
    }
    // Either the file itself cannot be opened, or the files beside it cannot be made.
    match OpenOptions::new().read(true).append(true).open(path) {
        Err(cause) => file_error(path, &cause),
        Ok(_) => StoreError::ReadOnly(format!("no file can be made beside {}", path.display())),
    }
}

fn configure(connection: &Connection) -> Result<(), rusqlite::Error> {
    connection.set_prepared_statement_cache_capacity(STATEMENTS_KEPT);
    // Nothing in the file may run functions of ours, and nothing may rewrite the schema behind SQLite's back.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_FKEY, false)?;
    // Readers meet a lock only while the log is being recovered.
    connection.busy_timeout(PATIENCE)
}

fn file_id(path: &Path) -> io::Result<FileId> {
    fs::metadata(path).map(|metadata| FileId(metadata.dev(), metadata.ino()))
}

fn file_error(path: &Path, error: &io::Error) -> StoreError {
    let detail = format!("{}: {error}", path.display());
    match error.kind() {
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => StoreError::ReadOnly(detail),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => StoreError::Full(detail),
        _ => StoreError::Unavailable(detail),
    }
}

/// A commit takes milliseconds, on a slow disk tens; who holds the lock for seconds is stopped or stuck.
const PATIENCE: Duration = Duration::from_secs(5);

/// About the time of a commit on a fast disk.
const SHORTEST_PAUSE: Duration = Duration::from_micros(100);

/// Short, because a process that looks rarely loses against those that look often.
const LONGEST_PAUSE: Duration = Duration::from_millis(2);

/// All statements of some twenty kinds.
const STATEMENTS_KEPT: usize = 256;

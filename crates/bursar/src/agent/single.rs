//! One agent per home: a kernel lock that dies with its owner.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Seek as _, Write as _};
use std::path::Path;

use crate::config::paths::Paths;

/// Proof of being the one agent of this home, as long as it lives.
#[derive(Debug)]
pub(super) struct Single {
    _file: File,
}

/// Why this process cannot be the agent.
#[derive(Debug, thiserror::Error)]
pub enum SingleError {
    /// Somebody is it already.
    #[error("the agent is running already{}", process.map_or_else(String::new, |number| format!(" (process {number})")))]
    Running {
        /// Its process number, if it has written it down yet.
        process: Option<u32>,
    },
    /// The lock cannot be tried.
    #[error("cannot lock {path}")]
    Io {
        /// The lock file.
        path: String,
        /// What the system said.
        source: io::Error,
    },
}

impl Single {
    /// Becomes the one agent.
    pub(super) fn claim(paths: &Paths) -> Result<Self, SingleError> {
        let path = lock_file(paths);
        let failed = |source| SingleError::Io { path: path.display().to_string(), source };
        let mut file = open(&path).map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(SingleError::Running { process: number_in(&mut file) });
            }
            Err(TryLockError::Error(source)) => return Err(failed(source)),
        }
        let written = file.set_len(0).and_then(|()| file.rewind());
        let number = std::process::id();
        written.and_then(|()| writeln!(file, "{number}")).and_then(|()| file.flush()).map_err(failed)?;
        Ok(Self { _file: file })
    }
}

/// The agent of this home that holds the lock now: its process number, 0 if it has not written it down yet.
pub fn running(paths: &Paths) -> Option<u32> {
    let mut file = File::open(lock_file(paths)).ok()?;
    match file.try_lock_shared() {
        Err(TryLockError::WouldBlock) => Some(number_in(&mut file).unwrap_or(0)),
        // Let go at once: an agent that starts just now must find it free.
        _ => None,
    }
}

fn number_in(file: &mut File) -> Option<u32> {
    let mut text = String::new();
    file.rewind().and_then(|()| file.read_to_string(&mut text)).ok()?;
    text.trim().parse().ok()
}

fn lock_file(paths: &Paths) -> std::path::PathBuf {
    paths.data_folder().join("agent.lock")
}

fn open(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

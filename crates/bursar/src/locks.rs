//! One refresher at a time on this machine: a kernel lock per account.
//!
//! The kernel lets go of the lock when its owner dies, however it dies, and keeps it while the owner is stopped: no
//! time limit has to be guessed. What happens inside the lock is decided by `bursar_core::engine`.

use std::fmt::Write as _;
use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use bursar_core::ports::clock::Clock;
use bursar_core::ports::refresh_lock::{LockError, RefreshLock, RefreshPermit};
use bursar_core::ports::store::{SandboxId, Space};
use futures::future::BoxFuture;

/// Locks files in one folder, one file per account.
///
/// The files are never deleted: somebody could wait on the old file while somebody else creates and locks a new one,
/// and both would refresh. They are empty, and there are only as many as there ever were accounts.
#[derive(Debug)]
pub struct KernelRefreshLock {
    folder: PathBuf,
    clock: Arc<dyn Clock>,
}

impl KernelRefreshLock {
    /// Locks under `folder`, which is created (0700) when the first lock is taken.
    pub fn new(folder: PathBuf, clock: Arc<dyn Clock>) -> Self {
        Self { folder, clock }
    }

    /// The file that stands for the `account` in `space`: its name may hold any character, so the file has the name's hash.
    fn path(&self, space: &Space, account: &str) -> PathBuf {
        let place = match space {
            // As builds beside this one call it that know of no accounts elsewhere.
            Space::Sandbox(id) if *id == SandboxId::personal() => account.to_owned(),
            space => [space.as_str(), account].join("\0"),
        };
        let mut name = String::with_capacity(64);
        for byte in digest(&SHA256, place.as_bytes()).as_ref() {
            // Writing to a String cannot fail.
            let _ = write!(name, "{byte:02x}");
        }
        self.folder.join(name)
    }
}

impl RefreshLock for KernelRefreshLock {
    fn acquire<'a>(
        &'a self,
        space: &'a Space,
        account: &'a str,
        wait: Duration,
    ) -> BoxFuture<'a, Result<Option<Box<dyn RefreshPermit>>, LockError>> {
        Box::pin(async move {
            let path = self.path(space, account);
            let deadline = self.clock.stopwatch().saturating_add(wait);
            let mut pause = SHORTEST_PAUSE;
            loop {
                if let Some(file) = try_lock(&self.folder, &path)
                    .map_err(|error| LockError { detail: format!("{}: {error}", path.display()) })?
                {
                    return Ok(Some(Box::new(KernelPermit { file }) as Box<dyn RefreshPermit>));
                }
                let left = deadline.saturating_sub(self.clock.stopwatch());
                if left.is_zero() {
                    return Ok(None);
                }
                self.clock.sleep(pause.min(left)).await;
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
        })
    }
}

/// A blocking lock call needs a thread that nobody can cancel, so the lock is tried again and again instead. A refresh
/// takes some hundred milliseconds: two are not felt when it was nearly over, and twenty tries a second cost nothing.
const SHORTEST_PAUSE: Duration = Duration::from_millis(2);
const LONGEST_PAUSE: Duration = Duration::from_millis(50);

/// `None`: somebody else holds it.
fn try_lock(folder: &Path, path: &Path) -> io::Result<Option<File>> {
    let file = match open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            create_folder(folder)?;
            open(path)?
        }
        other => other?,
    };
    match file.try_lock() {
        // Somebody cleaned the folder between the two calls: the lock is on a file nobody else will find.
        Ok(()) if !is_still_there(&file, path) => Ok(None),
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

/// The standard library opens files close-on-exec, so a child (an `exec`ed tool that runs for days) never inherits
/// the lock.
fn open(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

fn create_folder(folder: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

#[cfg(unix)]
fn is_still_there(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    match (file.metadata(), std::fs::metadata(path)) {
        (Ok(held), Ok(found)) => held.ino() == found.ino() && held.dev() == found.dev(),
        _ => false,
    }
}

#[cfg(not(unix))]
fn is_still_there(_file: &File, path: &Path) -> bool {
    // An open file cannot be deleted here.
    path.exists()
}

/// Holds the lock until dropped.
#[derive(Debug)]
struct KernelPermit {
    file: File,
}

impl RefreshPermit for KernelPermit {
    fn remaining(&self) -> Option<Duration> {
        None
    }
}

impl Drop for KernelPermit {
    fn drop(&mut self) {
        // Closing would do, were it not for a child between fork and exec that still has the file for a moment.
        let _ = self.file.unlock();
    }
}

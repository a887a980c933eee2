//! Copies, patches and exchanges files, so that at every moment the damaged one still exists somewhere.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

use bursar_core::ports::store::StoreError;

/// A database file for the time of the work; it and what `SQLite` puts beside it vanish afterwards.
#[derive(Debug)]
pub(super) struct WorkFiles(PathBuf);

impl WorkFiles {
    /// Takes a path that must be free.
    pub(super) fn new(path: PathBuf) -> Result<Self, StoreError> {
        if path.exists() {
            return Err(StoreError::Unavailable(format!("{} is in the way", path.display())));
        }
        Ok(Self(path))
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for WorkFiles {
    fn drop(&mut self) {
        for file in [self.0.clone(), log_of(&self.0), index_of(&self.0)] {
            // Not there is as good as removed.
            let _ = fs::remove_file(file);
        }
    }
}

/// Copies a damaged file and its log to `copy`, with the header of `pattern` if its own is gone, and tells what had to
/// be patched. The damaged file itself is never opened by `SQLite`, which would change it.
pub(super) fn working_copy(damaged: &Path, copy: &Path, pattern: &Path) -> Result<Vec<String>, StoreError> {
    fs::copy(damaged, copy).map_err(|error| failed("copying", damaged, &error))?;
    if log_of(damaged).exists() {
        fs::copy(log_of(damaged), log_of(copy)).map_err(|error| failed("copying", damaged, &error))?;
    }
    patch_header(copy, pattern).map_err(|error| failed("patching the copy of", damaged, &error))
}

/// Puts `fresh` in the place of `damaged`, which stays as `kept`.
pub(super) fn exchange(damaged: &Path, kept: &Path, fresh: &Path) -> Result<(), StoreError> {
    let link =
        |from: &Path, to: &Path| fs::hard_link(from, to).map_err(|error| failed("keeping", from, &error));
    // A second name first: there is no moment without a file, in which somebody would start an empty one.
    link(damaged, kept)?;
    if log_of(damaged).exists() {
        link(&log_of(damaged), &log_of(kept))?;
    }
    // The old log must be gone before the new file is there, or it would be applied to it.
    for beside in [log_of(damaged), index_of(damaged)] {
        match fs::remove_file(&beside) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(failed("removing", &beside, &error));
            }
            _ => {}
        }
    }
    fs::rename(fresh, damaged).map_err(|error| failed("replacing", damaged, &error))?;
    let folder = damaged.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder)
        .and_then(|folder| folder.sync_all())
        .map_err(|error| failed("flushing", folder, &error))
}

/// Makes `SQLite` accept the copy: without its magic and page size nothing else is even looked at.
fn patch_header(copy: &Path, pattern: &Path) -> io::Result<Vec<String>> {
    let file = OpenOptions::new().read(true).write(true).open(copy)?;
    let length = file.metadata()?.len();
    let (mut found, mut header) = ([0_u8; HEADER], [0_u8; HEADER]);
    File::open(pattern)?.read_exact_at(&mut header, 0)?;
    if length < PAGE || (file.read_exact_at(&mut found, 0).is_ok() && found[..24] == header[..24]) {
        return Ok(Vec::new());
    }
    // What differs from file to file: its length in pages, and the list of free pages, which is not needed.
    let pages = u32::try_from(length / PAGE).unwrap_or(u32::MAX);
    header[28..32].copy_from_slice(&pages.to_be_bytes());
    header[32..40].fill(0);
    file.write_all_at(&header, 0)?;
    Ok(vec!["the file's header".to_owned()])
}

fn log_of(database: &Path) -> PathBuf {
    with(database, "-wal")
}

fn index_of(database: &Path) -> PathBuf {
    with(database, "-shm")
}

fn with(database: &Path, suffix: &str) -> PathBuf {
    let mut name = database.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

fn failed(doing: &str, path: &Path, error: &io::Error) -> StoreError {
    let detail = format!("{doing} {} failed: {error}", path.display());
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => StoreError::Full(detail),
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => StoreError::ReadOnly(detail),
        _ => StoreError::Unavailable(detail),
    }
}

/// Of every `SQLite` file.
const HEADER: usize = 100;

/// The size of our pages, `SQLite`'s default.
const PAGE: u64 = 4096;

//! The file a backup is written to: private, and there under its name only when it is whole.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use crate::exit::{Exit, Failure};

/// A file that is not there yet.
pub(super) struct BackupFile {
    path: PathBuf,
    folder: PathBuf,
    replaces: bool,
    written: NamedTempFile,
}

impl BackupFile {
    /// Begins a file beside its place, with mode 0600.
    pub(super) fn create(path: &Path, replaces: bool) -> Result<Self, Failure> {
        if path.exists() && !replaces {
            return Err(exists(path));
        }
        let parent = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        let folder = parent.unwrap_or(Path::new(".")).to_owned();
        let written = NamedTempFile::new_in(&folder).map_err(|error| failed(path, &error))?;
        Ok(Self { path: path.to_owned(), folder, replaces, written })
    }

    pub(super) fn as_file(&self) -> &File {
        self.written.as_file()
    }

    /// The file anew, from its beginning.
    pub(super) fn reopen(&self) -> Result<File, Failure> {
        self.written.reopen().map_err(|error| self.failed(&error))
    }

    /// Waits until the disk has it.
    pub(super) fn sync(&self) -> Result<(), Failure> {
        self.as_file().sync_all().map_err(|error| self.failed(&error))
    }

    /// Gives it its name.
    pub(super) fn keep(self) -> Result<(), Failure> {
        let Self { path, folder, replaces, written } = self;
        let kept = if replaces { written.persist(&path) } else { written.persist_noclobber(&path) };
        kept.map_err(|error| match error.error.kind() {
            io::ErrorKind::AlreadyExists => exists(&path),
            _ => failed(&path, &error.error),
        })?;
        File::open(folder).and_then(|folder| folder.sync_all()).map_err(|error| failed(&path, &error))
    }

    pub(super) fn failed(&self, error: &io::Error) -> Failure {
        failed(&self.path, error)
    }
}

fn exists(path: &Path) -> Failure {
    Failure::new(Exit::Usage, format!("{} is there already", path.display()))
        .hint("choose another name, or replace it with `--force`")
}

fn failed(path: &Path, error: &io::Error) -> Failure {
    let mut failure = Failure::new(Exit::Error, format!("{} cannot be written", path.display()));
    failure.causes.push(error.to_string());
    failure.hint("check the folder and the room on its disk; nothing was left behind")
}

//! A key in a file that only its owner can read.

use std::io;
use std::path::{Path, PathBuf};

use bursar_core::ports::key_source::{KeyError, KeySource, MasterKey};
use futures::FutureExt as _;
use futures::future::{BoxFuture, ready};

use super::encoding::{HOW_TO_MAKE_ONE, decode, encode};
use super::failure::{in_one_line, unavailable};
use crate::config::private_file::{self, PrivateFileError};

/// The file.
#[derive(Debug)]
pub(super) struct KeyFile {
    path: PathBuf,
}

impl KeyFile {
    pub(super) fn new(path: PathBuf) -> Self {
        Self { path }
    }

    /// Keeps `fresh`, unless there is a key already: then that one counts.
    ///
    /// A key may be there without its vault because somebody laid it out beforehand, because another process makes
    /// the same vault right now, or because one stopped in the middle; and it may be some other vault's only key.
    pub(super) fn keep(&self, fresh: MasterKey) -> Result<MasterKey, KeyError> {
        match private_file::create(&self.path, &encode(&fresh)) {
            Ok(()) => Ok(fresh),
            Err(PrivateFileError::Exists { .. }) => self.read(),
            Err(error) => Err(refused(&error)),
        }
    }

    pub(super) fn read(&self) -> Result<MasterKey, KeyError> {
        read(&self.path)
    }

    /// Keeps `next` in a file beside this one, whatever was left there.
    pub(super) fn keep_beside(&self, next: &MasterKey) -> Result<(), KeyError> {
        let beside = self.beside();
        match std::fs::remove_file(&beside) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(failed("replace", &beside, &error)),
        }
        private_file::create(&beside, &encode(next)).map_err(|error| refused(&error))
    }

    /// The key in the file beside this one, if there is one.
    pub(super) fn read_beside(&self) -> Result<Option<MasterKey>, KeyError> {
        let beside = self.beside();
        if beside.exists() { read(&beside).map(Some) } else { Ok(None) }
    }

    /// Puts the file beside this one in its place, in one step; nothing if that was done before.
    ///
    /// Power may fail before the folder remembers: then the file beside is still there, and still read.
    pub(super) fn replace_by_beside(&self) -> Result<(), KeyError> {
        let beside = self.beside();
        match std::fs::rename(&beside, self.target()) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(failed("move", &beside, &error)),
            _ => Ok(()),
        }
    }

    fn beside(&self) -> PathBuf {
        self.target().with_added_extension("new")
    }

    /// The file itself: a link to it stays a link.
    fn target(&self) -> PathBuf {
        std::fs::canonicalize(&self.path).unwrap_or_else(|_| self.path.clone())
    }
}

fn read(path: &Path) -> Result<MasterKey, KeyError> {
    let text = private_file::read(path).map_err(|error| refused(&error))?;
    decode(text.expose())
        .map_err(|error| unavailable(NAME, &format!("{}: {error}", path.display()), HOW_TO_MAKE_ONE))
}

fn failed(act: &str, path: &Path, error: &io::Error) -> KeyError {
    let detail = format!("cannot {act} {}: {error}", path.display());
    unavailable(
        NAME,
        &detail,
        "check the folder's owner and mode; the key has to stay in a folder you can write",
    )
}

const NAME: &str = "key file";

fn refused(error: &PrivateFileError) -> KeyError {
    unavailable(NAME, &in_one_line(error), &error.hint())
}

impl KeySource for KeyFile {
    fn name(&self) -> String {
        NAME.to_owned()
    }

    fn master_key(&self) -> BoxFuture<'_, Result<MasterKey, KeyError>> {
        ready(self.read()).boxed()
    }
}

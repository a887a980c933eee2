//! A key in a file that only its owner can read.

use std::path::PathBuf;

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
        let text = private_file::read(&self.path).map_err(|error| refused(&error))?;
        decode(text.expose())
            .map_err(|error| unavailable(NAME, &format!("{}: {error}", self.path.display()), HOW_TO_MAKE_ONE))
    }
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

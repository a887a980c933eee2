//! What each error of a copy means for the person at the keyboard.

use bursar_core::engine::moving::BackupError;
use bursar_core::engine::moving::migration::MigrationError;
use bursar_core::ports::store::StoreError;

use crate::exit::{Exit, Failure};

pub(super) fn refused(error: BackupError) -> Failure {
    let (exit, hint) = match error {
        BackupError::Store(StoreError::NotEmpty) => {
            (Exit::Denied, "restore into an empty store: another database, or another BURSAR_HOME")
        }
        BackupError::Store(error) => return error.into(),
        BackupError::Vault(error) => return error.into(),
        BackupError::NoVault => {
            (Exit::VaultLocked, "make one with `bursar vault init`, or log in with `bursar login`")
        }
        BackupError::NotABackup => (Exit::Usage, "name a file that `bursar backup` has written"),
        BackupError::Newer { .. } => (Exit::Error, "install the newer bursar that wrote it"),
        BackupError::Damaged(_) => {
            (Exit::Error, "take another copy of the backup; nothing was restored from this one")
        }
        BackupError::KeysChanged => (Exit::Unavailable, "make it again; nothing was kept"),
        BackupError::WrongMasterKey => (
            Exit::VaultLocked,
            "give the master key of the vault it was made of: BURSAR_MASTER_KEY_FILE=FILE, or its passphrase",
        ),
        BackupError::Io { .. } => (Exit::Error, "check the file and the room on its disk"),
    };
    Failure::of(exit, &error).hint(hint)
}

pub(super) fn stopped(error: MigrationError, to: &str) -> Failure {
    let resume = "the source stays sealed; run the same command again, or call it off with `--cancel`";
    let (exit, hint) = match error {
        MigrationError::Copy(error) => {
            let mut failure = refused(error);
            failure.hint = Some(resume.to_owned());
            return failure;
        }
        MigrationError::SameStore => (Exit::Usage, "name the store it shall go to".to_owned()),
        MigrationError::NotEmpty => (Exit::Denied, "name an empty one; nothing was changed".to_owned()),
        MigrationError::OtherTarget { ref to } => {
            (Exit::Denied, format!("finish it, or call it off with `bursar migrate --to {to} --cancel`"))
        }
        MigrationError::Differs(_) => {
            (Exit::Error, format!("call it off with `--cancel`, empty {to}, and begin again"))
        }
        MigrationError::Complete => {
            (Exit::Denied, format!("set `store.database` to {to}: everything is there"))
        }
        MigrationError::CalledOff => {
            (Exit::Denied, format!("this store serves again; empty {to} before you begin anew"))
        }
        MigrationError::Slow => (
            Exit::Unavailable,
            "the source is not sealed; run the same command again when there is less to do, or call it off with `--cancel`"
                .to_owned(),
        ),
        MigrationError::NotBegun => (Exit::Usage, "begin one without `--cancel`".to_owned()),
        MigrationError::Source(_) | MigrationError::Target(_) => (Exit::Unavailable, resume.to_owned()),
    };
    Failure::of(exit, &error).hint(hint)
}

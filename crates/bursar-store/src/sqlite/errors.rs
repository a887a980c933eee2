//! What `SQLite`'s result codes mean for the caller of the store.

use bursar_core::ports::store::StoreError;
use rusqlite::{Error, ErrorCode};

use super::seal;

/// The meaning of an error outside `COMMIT`: nothing was changed.
#[expect(clippy::needless_pass_by_value, reason = "used as the function of `map_err`")]
pub(super) fn store_error(error: Error) -> StoreError {
    // SQLite's messages name tables and columns, never the values in them.
    let detail = error.to_string();
    match code(&error) {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            StoreError::Unavailable("another process keeps it locked".to_owned())
        }
        Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => StoreError::ReadOnly(detail),
        Some(ErrorCode::DiskFull) => StoreError::Full(detail),
        Some(ErrorCode::ConstraintViolation) if moved_to(&error).is_some() => {
            StoreError::Moved(moved_to(&error).unwrap_or_default().to_owned())
        }
        Some(ErrorCode::TooBig) => StoreError::Misuse("a value is larger than the store can hold"),
        Some(
            ErrorCode::SystemIoFailure
            | ErrorCode::CannotOpen
            | ErrorCode::OutOfMemory
            | ErrorCode::OperationInterrupted
            | ErrorCode::FileLockingProtocolFailed,
        ) => StoreError::Unavailable(detail),
        // A corrupt page, a table that is not there, a value of the wrong type: not what we wrote.
        _ => StoreError::Damaged(detail),
    }
}

/// The meaning of an error in `COMMIT` itself.
pub(super) fn commit_error(error: Error) -> StoreError {
    match code(&error) {
        // The log may have reached the disk although its flush failed.
        Some(ErrorCode::SystemIoFailure) => StoreError::UnknownOutcome(error.to_string()),
        _ => store_error(error),
    }
}

/// Whether waiting may help.
pub(super) fn is_busy(error: &Error) -> bool {
    matches!(code(error), Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked))
}

fn moved_to(error: &Error) -> Option<&str> {
    match error {
        Error::SqliteFailure(_, Some(message)) => seal::moved_to(message),
        _ => None,
    }
}

fn code(error: &Error) -> Option<ErrorCode> {
    error.sqlite_error_code()
}

//! What the server's error codes mean for the caller of the store.

use std::error::Error as _;
use std::io;

use bursar_core::ports::store::StoreError;
use deadpool_postgres::{HookError, PoolError};
use tokio_postgres::Error;
use tokio_postgres::error::DbError;

use super::seal::SEALED;

/// Why something did not work, and whether to try again.
#[derive(Debug)]
pub(super) enum Trouble {
    /// Trying again may help; if it never does, this is the answer.
    Again(StoreError),
    /// Trying again will not help.
    Refused(StoreError),
}

impl Trouble {
    /// Trying again may help.
    pub(super) fn again(detail: impl Into<String>) -> Self {
        Self::Again(StoreError::Unavailable(detail.into()))
    }
}

impl From<StoreError> for Trouble {
    fn from(error: StoreError) -> Self {
        Self::Refused(error)
    }
}

impl From<Error> for Trouble {
    fn from(error: Error) -> Self {
        match error.as_db_error() {
            Some(answer) => answered(answer),
            None => unanswered(&error),
        }
    }
}

impl From<PoolError> for Trouble {
    fn from(error: PoolError) -> Self {
        match error {
            PoolError::Backend(error) | PoolError::PostCreateHook(HookError::Backend(error)) => error.into(),
            PoolError::Timeout(_) => Self::again("no connection to the database became free in time"),
            other => Self::again(other.to_string()),
        }
    }
}

/// Whether the server itself said that a statement failed and its transaction with it, as opposed to a connection that
/// broke, of which nothing is known.
pub(super) fn is_definite(error: &Error) -> bool {
    error.code().is_some_and(|code| !BREAKING.iter().any(|class| code.code().starts_with(class)))
}

fn answered(answer: &DbError) -> Trouble {
    // Only the message: details name the values that were in the way.
    let text = format!("{} ({})", answer.message(), answer.code().code());
    let again = |error: fn(String) -> StoreError| Trouble::Again(error(text.clone()));
    let refused = |error: fn(String) -> StoreError| Trouble::Refused(error(text.clone()));
    match answer.code().code() {
        SEALED => StoreError::Moved(answer.message().to_owned()).into(),
        // Serialization failure, deadlock, lock or statement not in time; session ended by a timeout, too many
        // connections, out of memory, trouble with a disk.
        "40001" | "40P01" | "55P03" | "57014" | "25P03" | "53300" | "53200" | "53400" | "58030" => {
            again(StoreError::Unavailable)
        }
        code if BREAKING.iter().any(|class| code.starts_with(class)) => again(StoreError::Unavailable),
        // A standby, before or after a failover.
        "25006" => again(StoreError::ReadOnly),
        "53100" => refused(StoreError::Full),
        "42501" => refused(StoreError::ReadOnly),
        // The user or password is wrong, may not log in, or there is no such database.
        code if NOT_LET_IN.iter().any(|class| code.starts_with(class)) => refused(StoreError::Refused),
        "54000" => StoreError::Misuse("a value is larger than the store can hold").into(),
        // A backup that holds a record twice; corruption, and tables or columns that are not there.
        "21000" | "XX001" | "XX002" | "42P01" | "42703" | "3F000" => refused(StoreError::Damaged),
        _ => refused(StoreError::Unavailable),
    }
}

fn unanswered(error: &Error) -> Trouble {
    let source = error.source();
    let text = source.map_or_else(|| error.to_string(), |source| format!("{error}: {source}"));
    let broken = source.and_then(|source| source.downcast_ref::<io::Error>());
    let certificate = broken
        .and_then(io::Error::get_ref)
        .is_some_and(<dyn std::error::Error + Send + Sync>::is::<rustls::Error>);
    let again = !certificate && (broken.is_some() || source.is_none() || error.is_closed());
    if again { Trouble::again(text) } else { Trouble::Refused(StoreError::Refused(text)) }
}

/// Wrong logins; names of databases that are not there.
const NOT_LET_IN: [&str; 2] = ["28", "3D"];

/// Connection exceptions; shut down by an administrator, a crash or while starting.
const BREAKING: [&str; 2] = ["08", "57P"];

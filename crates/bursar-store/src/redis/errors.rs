//! What Redis' errors mean for whoever opens or uses the store.

use bursar_core::ports::store::StoreError;
use redis::{ErrorKind, RedisError, ServerErrorKind};

/// Why a store on Redis cannot be opened.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RedisOpenError {
    /// The URL is not one this build understands; it is not repeated, because it may hold a password.
    #[error("the store's URL is not valid: {0}")]
    Url(&'static str),
    /// Wrong user or password, or none where one is needed.
    #[error("Redis refuses the user name or password in the store's URL")]
    Login,
    /// The user may not do what the store needs.
    #[error("Redis does not let this user run {command}: {detail}")]
    Permission {
        /// The command that was refused.
        command: String,
        /// What the server says.
        detail: String,
    },
    /// The server is too old.
    #[error("Redis {found} is too old: the store needs {needed} or newer")]
    Version {
        /// Version the server tells.
        found: String,
        /// Oldest version that will do.
        needed: &'static str,
    },
    /// The server would lose what it acknowledged.
    #[error("Redis has `{setting} {found}`: records that must survive a crash need `{setting} {needed}`")]
    Setting {
        /// Name in the server's configuration.
        setting: &'static str,
        /// What it is.
        found: String,
        /// What it must be.
        needed: &'static str,
    },
    /// The server does not tell whether it would lose what it acknowledged.
    #[error(
        "Redis does not tell its settings ({0}): records that must survive a crash need `appendonly yes` and \
         `appendfsync always`, and somebody who vouches for it"
    )]
    HiddenSettings(String),
    /// A failover to a replica could lose acknowledged commits.
    #[error("Redis has {0} replicas, and a failover may lose the last commits, with refresh tokens in them")]
    Replicas(u32),
    /// It cannot be used now or at all, for a reason any store may have.
    #[error("the store on Redis cannot be used")]
    Store(#[source] StoreError),
}

impl From<StoreError> for RedisOpenError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// What became of one request.
#[derive(Clone, Debug)]
pub(super) enum Failure {
    /// It never reached a server that would do it; asking again may help.
    NotDone(String),
    /// It may have been done; the answer is lost.
    Lost(String),
    /// Asking again does not help.
    Final(StoreError),
    /// The login is refused.
    Login,
}

impl Failure {
    /// For requests that may be done twice: nothing is known but that there is no answer.
    pub(super) fn into_unavailable(self) -> StoreError {
        match self {
            Self::NotDone(detail) | Self::Lost(detail) => StoreError::Unavailable(detail),
            Self::Final(error) => error,
            Self::Login => StoreError::Refused("Redis refuses the user name or password".to_owned()),
        }
    }
}

/// The meaning of an error while a connection is made.
pub(super) fn connect_failure(error: &RedisError) -> Failure {
    if is_login(error) {
        return Failure::Login;
    }
    Failure::NotDone(format!("Redis cannot be reached: {}", detail(error)))
}

/// The meaning of an error after a request was sent.
pub(super) fn request_failure(error: &RedisError) -> Failure {
    if is_login(error) {
        return Failure::Login;
    }
    match error.kind() {
        ErrorKind::Server(
            ServerErrorKind::BusyLoading
            | ServerErrorKind::ReadOnly
            | ServerErrorKind::MasterDown
            | ServerErrorKind::ClusterDown
            | ServerErrorKind::TryAgain
            | ServerErrorKind::Moved
            | ServerErrorKind::Ask,
        )
        | ErrorKind::ClusterConnectionNotFound => Failure::NotDone(detail(error)),
        ErrorKind::Io | ErrorKind::Parse | ErrorKind::Client => {
            Failure::Lost(format!("the connection to Redis broke: {}", detail(error)))
        }
        ErrorKind::Server(ServerErrorKind::NoPerm) => Failure::Final(StoreError::ReadOnly(
            "Redis does not let this user run the store's commands".to_owned(),
        )),
        _ => match error.code() {
            Some("BURSARMOVED") => {
                Failure::Final(StoreError::Moved(error.detail().unwrap_or_default().to_owned()))
            }
            Some("BURSARHALF") => Failure::Final(StoreError::Unavailable(
                error.detail().unwrap_or("a restore was not finished").to_owned(),
            )),
            Some("OOM") => Failure::Final(StoreError::Full("Redis has reached its `maxmemory`".to_owned())),
            Some("MISCONF" | "NOREPLICAS") => Failure::NotDone(detail(error)),
            Some("BUSY") => Failure::NotDone("Redis is busy with another script".to_owned()),
            _ => Failure::Final(StoreError::Damaged(detail(error))),
        },
    }
}

/// Whether the server wants another login than the URL's.
pub(super) fn is_login(error: &RedisError) -> bool {
    error.kind() == ErrorKind::AuthenticationFailed
        || matches!(error.code(), Some("WRONGPASS" | "NOAUTH"))
        || error
            .detail()
            .is_some_and(|detail| detail.contains("WRONGPASS") || detail.contains("invalid password"))
}

/// What happened, in the words of the system or the server; neither repeats what was sent.
fn detail(error: &RedisError) -> String {
    if error.kind() == ErrorKind::Io {
        return error.to_string();
    }
    let code = error.code().unwrap_or_else(|| error.category());
    let text = error.detail().unwrap_or_default();
    // A script's error may go on with where in the script it was.
    format!("{code} {}", text.lines().next().unwrap_or_default())
}

/// An answer that is not what our scripts give.
pub(super) fn unexpected() -> StoreError {
    StoreError::Damaged("Redis gave an answer that is not in the store's form".to_owned())
}

//! Why the store cannot be opened, and what to do about it.

use std::io;
use std::path::PathBuf;

use bursar_core::ports::store::StoreError;
use bursar_store::redis::RedisOpenError;

use crate::config::secret_source::SecretSourceError;
use crate::exit::{Exit, Failure};

/// The store cannot be opened. Nothing of its URL is told: the key says where it stands.
#[derive(Debug, thiserror::Error)]
pub enum WiringError {
    /// The file of this machine.
    #[error(transparent)]
    Embedded(StoreError),
    /// A `PostgreSQL` server.
    #[error("the PostgreSQL server of `store.{key}` cannot be used")]
    Postgres {
        /// The key in the section `[store]`.
        key: &'static str,
        /// Why not.
        source: StoreError,
    },
    /// A Redis server.
    #[error("the Redis server of `store.{key}` cannot be used")]
    Redis {
        /// The key in the section `[store]`.
        key: &'static str,
        /// Why not.
        source: RedisOpenError,
    },
    /// Its password is kept elsewhere, and cannot be had.
    #[error("the password for `store.{key}` cannot be read")]
    Password {
        /// The key in the section `[store]`.
        key: &'static str,
        /// Why not.
        source: SecretSourceError,
    },
    /// The certificates to believe cannot be had.
    #[error("cannot read {}, which `store.ca_file` names", path.display())]
    Authorities {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

impl From<WiringError> for Failure {
    fn from(error: WiringError) -> Self {
        let (exit, hint) = match error {
            WiringError::Embedded(error) => return error.into(),
            WiringError::Postgres { key, ref source } => (exit_of(source), postgres_hint(key, source)),
            WiringError::Redis { key, ref source } => (redis_exit(source), redis_hint(key, source)),
            WiringError::Password { ref source, .. } => (Exit::Error, source.hint()),
            WiringError::Authorities { .. } => (Exit::Error, "check the file's owner and mode".to_owned()),
        };
        Self::of(exit, &error).hint(hint)
    }
}

fn exit_of(error: &StoreError) -> Exit {
    match error {
        StoreError::Unavailable(_) | StoreError::UnknownOutcome(_) => Exit::Unavailable,
        _ => Exit::Error,
    }
}

fn redis_exit(error: &RedisOpenError) -> Exit {
    match error {
        RedisOpenError::Store(error) => exit_of(error),
        _ => Exit::Error,
    }
}

fn postgres_hint(key: &str, error: &StoreError) -> String {
    match error {
        StoreError::Unavailable(_) | StoreError::UnknownOutcome(_) => waiting(key),
        StoreError::Newer { .. } => NEWER.to_owned(),
        _ => format!("what each refusal means is in docs/operations/postgres.md; the URL is `store.{key}`"),
    }
}

fn redis_hint(key: &str, error: &RedisOpenError) -> String {
    match error {
        RedisOpenError::Url(_) => {
            format!("correct `store.{key}`, or BURSAR_STORE_{}", key.to_ascii_uppercase())
        }
        RedisOpenError::Login => format!(
            "correct the user in `store.{key}`, and the password in it or in `store.{key}_password_file`"
        ),
        RedisOpenError::Permission { .. } => {
            "let its administrator allow what docs/operations/redis.md lists".to_owned()
        }
        RedisOpenError::Version { .. } => "upgrade the server".to_owned(),
        RedisOpenError::Setting { setting, needed, .. } => format!(
            "write `{setting} {needed}` into the server's configuration, or run `CONFIG SET {setting} {needed}` and \
             `CONFIG REWRITE` there"
        ),
        RedisOpenError::HiddenSettings(_) => {
            "if you know that the server keeps its promises, set `store.trust_settings = true`".to_owned()
        }
        RedisOpenError::Replicas(_) => {
            "if that is acceptable, set `store.accept_replicas = true`; else keep durable kinds in PostgreSQL"
                .to_owned()
        }
        RedisOpenError::Store(StoreError::Newer { .. }) => NEWER.to_owned(),
        RedisOpenError::Store(StoreError::Unavailable(_) | StoreError::UnknownOutcome(_)) => waiting(key),
        RedisOpenError::Store(_) => format!("see docs/operations/redis.md; the URL is `store.{key}`"),
    }
}

fn waiting(key: &str) -> String {
    format!("see whether the server of `store.{key}` runs and can be reached from here, then try again")
}

const NEWER: &str = "install the newer bursar that wrote it; nothing was changed";

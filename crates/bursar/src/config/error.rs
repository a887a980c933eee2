//! What can be wrong with the configuration, where exactly, and what to do.

use std::io;
use std::path::PathBuf;

use bursar_core::provider::CatalogueError;

use super::value::Origin;

/// The configuration cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file is there but cannot be read.
    #[error("cannot read {}", path.display())]
    Unreadable {
        /// Its path.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// An entry of your own is wrong.
    #[error("a provider entry cannot be used")]
    Catalogue(#[from] CatalogueError),
    /// It is not TOML.
    #[error("{place}: {detail}")]
    Syntax {
        /// File, line and column.
        place: Origin,
        /// The parser's words.
        detail: String,
    },
    /// No such key exists.
    #[error("{place}: unknown key `{key}`")]
    UnknownKey {
        /// Where it was written.
        place: Origin,
        /// What was written.
        key: String,
        /// The known one that looks most like it.
        nearest: Option<String>,
    },
    /// The key exists, but not with such a value.
    #[error("{place}: `{key}` {detail}")]
    BadValue {
        /// Where it was written.
        place: Origin,
        /// The key.
        key: String,
        /// What is wrong, never the value of a secret.
        detail: String,
    },
}

impl ConfigError {
    /// What to do next.
    pub fn hint(&self) -> String {
        match self {
            Self::UnknownKey { nearest: Some(nearest), .. } => format!("did you mean `{nearest}`?"),
            Self::Catalogue(_) => "the keys of an entry: docs/providers.md".to_owned(),
            Self::Unreadable { .. } => "check the file's owner and mode".to_owned(),
            Self::UnknownKey { .. } | Self::BadValue { .. } | Self::Syntax { .. } => {
                "all keys and their forms: bursar config reference".to_owned()
            }
        }
    }
}

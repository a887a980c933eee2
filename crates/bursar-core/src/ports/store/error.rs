//! Why a store does not answer.

/// Why the store did not answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// It cannot be reached or is too busy now.
    #[error("the store is unavailable: {0}")]
    Unavailable(String),
    /// It does not let us in, or is no store we can use; somebody has to change something before that ends.
    #[error("the store cannot be used: {0}")]
    Refused(String),
    /// The commit was sent and its answer lost; ask [`Store::outcome`](super::Store::outcome).
    #[error("the store did not say whether the change was made: {0}")]
    UnknownOutcome(String),
    /// Nothing can be written: read-only file or folder, a standby, a right that is missing.
    #[error("the store cannot be written: {0}")]
    ReadOnly(String),
    /// The disk, or the memory it may take, is full; nothing was changed.
    #[error("the store is full: {0}")]
    Full(String),
    /// A newer bursar wrote it.
    #[error("the store has schema {found}, this bursar knows {known}")]
    Newer {
        /// Schema found.
        found: u32,
        /// Newest schema this build knows.
        known: u32,
    },
    /// It is not readable as what it claims to be.
    #[error("the store is damaged: {0}")]
    Damaged(String),
    /// It must hold no records for that.
    #[error("the store holds records already")]
    NotEmpty,
    /// Its records were moved to another store, where everything goes on; nothing is written here any more.
    #[error("the store was moved to {0}")]
    Moved(String),
    /// A bug in the caller.
    #[error("the store was used wrongly: {0}")]
    Misuse(&'static str),
}

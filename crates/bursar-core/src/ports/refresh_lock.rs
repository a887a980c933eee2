//! One refresher at a time, per account.

use std::fmt;
use std::time::Duration;

use futures::future::BoxFuture;

use super::store::Space;

/// Mutual exclusion between everybody who could refresh the same account.
///
/// On one machine a kernel lock: it dies with its owner and holds while the owner is stopped. Across machines a lease
/// in the shared store.
pub trait RefreshLock: Send + Sync + fmt::Debug {
    /// Takes the lock of the `account` in `space`, whose name others may have elsewhere, waiting at most `wait` (zero: only if it is free now).
    ///
    /// `None` means that somebody else still holds it.
    fn acquire<'a>(
        &'a self,
        space: &'a Space,
        account: &'a str,
        wait: Duration,
    ) -> BoxFuture<'a, Result<Option<Box<dyn RefreshPermit>>, LockError>>;
}

/// Proof of holding the lock; dropping it lets the next one in.
pub trait RefreshPermit: Send + Sync + fmt::Debug {
    /// How long the permit is still good for, suspend counted. `None`: as long as this process lives.
    fn remaining(&self) -> Option<Duration>;
}

/// The lock could not even be tried.
#[derive(Debug, thiserror::Error)]
#[error("cannot lock the account for refreshing: {detail}")]
pub struct LockError {
    /// What went wrong, for people.
    pub detail: String,
}

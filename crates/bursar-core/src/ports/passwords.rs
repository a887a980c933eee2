//! Passwords of local users: hashed slowly on purpose, so never on the thread that asks.

use std::fmt;

use futures::future::BoxFuture;

use crate::secret::Secret;

/// Hashes passwords and checks them.
pub trait Passwords: Send + Sync + fmt::Debug {
    /// A new hash of `password`, with its parameters, as a PHC string.
    ///
    /// # Errors
    /// Too many passwords are being hashed already.
    fn hash(&self, password: Secret) -> BoxFuture<'_, Result<String, Overloaded>>;

    /// Whether `password` is the one that `hash` was made of. Without a hash it takes as long and is never right, so that
    /// nobody learns who has a password here.
    ///
    /// # Errors
    /// Too many passwords are being hashed already.
    fn verifies<'a>(
        &'a self,
        password: Secret,
        hash: Option<&'a str>,
    ) -> BoxFuture<'a, Result<bool, Overloaded>>;

    /// Whether `hash` was made in another way than new ones are, so that it should be made again when the password is at
    /// hand.
    fn is_outdated(&self, hash: &str) -> bool {
        let _ = hash;
        false
    }
}

/// More passwords wait to be checked than will be in the time anybody waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("too many passwords are being checked")]
pub struct Overloaded;

//! Where the 32-byte master key comes from.

use std::fmt;

use futures::future::BoxFuture;
use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::secret::Secret;

/// The key that wraps the data key. Never stored beside the data it protects.
#[derive(Clone, PartialEq, Eq, Zeroize, ZeroizeOnDrop)]
pub struct MasterKey([u8; 32]);

impl MasterKey {
    /// Wraps raw key bytes.
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The key bytes, for the one cipher that uses them.
    pub fn expose(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for MasterKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("MasterKey(…)")
    }
}

/// Delivers the master key: keychain, passphrase, key file, environment or file descriptor.
pub trait KeySource: Send + Sync + fmt::Debug {
    /// A short name of the backend for people, such as `key file`.
    fn name(&self) -> String;

    /// The master key, within a time limit of the source's own; never a hang, never a prompt without a terminal.
    fn master_key(&self) -> BoxFuture<'_, Result<MasterKey, KeyError>>;
}

/// Finds the key source of a vault, or makes one for a new vault.
///
/// What a vault was created with is recorded beside its wrapped key, so that no other source is ever used silently.
pub trait KeySources: Send + Sync + fmt::Debug {
    /// The master key of the vault whose creation recorded `recorded`.
    fn existing<'a>(&'a self, recorded: &'a str) -> BoxFuture<'a, Result<MasterKey, KeyError>>;

    /// A master key for a new vault, stored where [`KeySources::existing`] will find it again.
    fn create(&self) -> BoxFuture<'_, Result<CreatedKey, KeyError>>;

    /// A new master key for the vault that recorded `recorded`, kept beside the one in use, which stays as it is.
    ///
    /// `given` is the new key or passphrase where a person has brought one. Whatever an earlier call left beside and nobody
    /// has called [`KeySources::retire`] for is replaced: the caller knows that it never counted.
    fn successor<'a>(
        &'a self,
        _recorded: &'a str,
        _given: Option<Secret>,
    ) -> BoxFuture<'a, Result<CreatedKey, KeyError>> {
        Box::pin(async { Err(fixed()) })
    }

    /// The key that [`KeySources::successor`] has kept beside, if [`KeySources::retire`] has not put it into its place yet.
    fn beside<'a>(&'a self, _recorded: &'a str) -> BoxFuture<'a, Result<Option<MasterKey>, KeyError>> {
        Box::pin(async { Ok(None) })
    }

    /// Removes the key that `old` names, and puts the one that `new` names into its place. May be called again after an
    /// interruption at any point.
    fn retire<'a>(&'a self, _old: &'a str, _new: &'a str) -> BoxFuture<'a, Result<(), KeyError>> {
        Box::pin(async { Ok(()) })
    }
}

fn fixed() -> KeyError {
    KeyError::Unavailable {
        source_name: "key source".into(),
        detail: "it takes no new key".into(),
        hint: "keep the one it has".into(),
    }
}

/// The master key of a vault that is being created, or that gets a new one.
#[derive(Debug)]
pub struct CreatedKey {
    /// The key.
    pub key: MasterKey,
    /// What to hand to [`KeySources::existing`] later; nothing secret.
    pub recorded: String,
}

/// Why there is no master key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// The backend exists, but a person has to open it first.
    #[error("the {source_name} is locked")]
    Locked {
        /// The backend, as [`KeySource::name`] tells it.
        source_name: String,
        /// What to do next.
        hint: String,
    },
    /// The backend did not answer or holds no key.
    #[error("no master key from the {source_name}: {detail}")]
    Unavailable {
        /// The backend, as [`KeySource::name`] tells it.
        source_name: String,
        /// What went wrong, without secrets.
        detail: String,
        /// What to do next.
        hint: String,
    },
}

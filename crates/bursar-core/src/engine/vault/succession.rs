//! What a vault's record says of data keys beside the one it is about: how the next one takes its place, and what is left of
//! those before it.
//!
//! A change has two stages, so that at no time anybody meets what he cannot open. First the next key is announced: all who
//! have the vault open get to know it, and nobody uses it. Then all seal with it, and what the key before has sealed is
//! sealed again (`rekeying`). When nothing is left, that key is gone. Of what was derived from it, keys stay that tokens out
//! there were made with, each for as long as such tokens live.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::derivation::Purpose;
use crate::ports::store::SandboxId;
use crate::secret::Sealed;

/// Beside the key that counts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Succession {
    /// A change that is under way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) change: Option<KeyChange>,
    /// Keys derived from data keys that are gone.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) former: Vec<FormerKey>,
}

impl Succession {
    /// The next key as it is announced.
    pub(super) fn next_wrapped(&mut self) -> Option<&mut Sealed> {
        match &mut self.change.as_mut()?.stage {
            Stage::Announced { wrapped } => Some(wrapped),
            Stage::Resealing { .. } => None,
        }
    }
}

/// One data key on its way into the place of another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct KeyChange {
    /// The number of the key that makes way. The next one has the number after it.
    pub(super) from: u32,
    /// The next key, sealed under the one that makes way: for those who have only that one open.
    pub(super) handed_on: Sealed,
    /// How far it is.
    pub(super) stage: Stage,
    /// When the stage began, by the store's clock.
    pub(super) since: Timestamp,
}

/// How far a change is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Stage {
    /// All get to know the next key, and nobody seals with it.
    Announced {
        /// The next key, as the record keeps the one that counts.
        wrapped: Sealed,
    },
    /// All seal with the next key, which is now the one that counts.
    Resealing {
        /// The key before, sealed under it.
        kept: Sealed,
    },
}

/// What is left of a data key that is gone: one derived key, sealed under the data key of today.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct FormerKey {
    /// The number of the data key it was derived from.
    pub(super) id: u32,
    /// Where what was made with it counts.
    pub(super) space: SandboxId,
    /// What it is for.
    pub(super) purpose: Purpose,
    /// When the last that was made with it has ended; `None`: what was made with it does not end by itself.
    pub(super) until: Option<Timestamp>,
    /// The derived key.
    pub(super) key: Sealed,
}

impl FormerKey {
    /// Whether anything may still come that was made with it.
    pub(super) fn counts(&self, now: Timestamp) -> bool {
        self.until.is_none_or(|until| until > now)
    }

    pub(super) fn associated_data(&self) -> Vec<u8> {
        let Self { id, space, purpose, .. } = self;
        let id = id.to_string();
        ["former-key", &id, space.as_str(), purpose.name()].join("\0").into_bytes()
    }
}

//! The lives of a store.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::kind::{Group, Kind, Scope};
use crate::ports::document::Document;

/// What a store says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Health {
    /// Name of the backend, such as `sqlite`.
    pub backend: &'static str,
    /// The life this store is living.
    pub incarnation: Incarnation,
    /// Whether several machines may write to it.
    pub shared: bool,
    /// The store's clock.
    pub time: Timestamp,
}

/// One life of a store. A restored copy lives a new one, because the original may still be rotating the same tokens.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Incarnation {
    /// Unguessable name.
    pub id: String,
    /// Where its records came from.
    pub origin: Origin,
}

impl Document for Incarnation {
    const KIND: &'static Kind = &INCARNATION;

    fn key(&self) -> String {
        Self::CURRENT.to_owned()
    }
}

impl Incarnation {
    /// Whether another incarnation may still refresh the tokens that are held here.
    pub fn may_have_living_source(&self) -> bool {
        matches!(self.origin, Origin::Restored { source_is_dead: false, .. })
    }

    /// Whether nobody has said yet what becomes of what the server had issued.
    pub fn suspends_grants(&self) -> bool {
        matches!(self.origin, Origin::Restored { grants_stand: false, .. })
    }

    /// When the first access token was made that counts here; `None`: there was no such moment.
    pub fn honours_from(&self) -> Option<Timestamp> {
        match self.origin {
            Origin::Restored { honours_from, .. } => honours_from,
            Origin::Fresh => None,
        }
    }

    /// The key of the only record of its kind.
    pub const CURRENT: &str = "current";
}

/// How an incarnation began.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "origin")]
pub enum Origin {
    /// Empty.
    Fresh,
    /// From another incarnation.
    Restored {
        /// Name of the incarnation the records come from.
        from: String,
        /// Whether it is known to be dead: the operator has confirmed it, or it was sealed before its records were read.
        source_is_dead: bool,
        /// Whether what the server had issued counts again. Until somebody says so it may have been taken back in the other
        /// incarnation after the records were read.
        #[serde(default = "unasked")]
        grants_stand: bool,
        /// From when on access tokens count; `None`: whenever they were made. All that was issued was taken back then, and
        /// of most access tokens there is no record that could say so.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        honours_from: Option<Timestamp>,
    },
}

/// Of a life that began when this was no question yet: nothing was suspended.
fn unasked() -> bool {
    true
}

/// The record every store keeps of its [`Incarnation`], under the key `current`.
pub static INCARNATION: Kind =
    Kind { name: "incarnation", scope: Scope::System, group: Group::Durable, indexes: &[], watched: true };

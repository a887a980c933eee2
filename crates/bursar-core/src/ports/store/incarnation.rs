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
        /// Whether the operator has confirmed that it is dead.
        source_is_dead: bool,
    },
}

/// The record every store keeps of its [`Incarnation`], under the key `current`.
pub static INCARNATION: Kind =
    Kind { name: "incarnation", scope: Scope::System, group: Group::Durable, indexes: &[], watched: true };

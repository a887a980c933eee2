//! What may be used once and was: names of assertions and proofs, tickets of forms.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::ports::document::Document;
use crate::ports::store::{self, Group, Kind};

/// Something that may not be used again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spent {
    /// What it was, and a digest of its name.
    pub key: String,
    /// By then it would have ended anyway.
    pub until: Timestamp,
}

impl Document for Spent {
    const KIND: &'static Kind = &SPENT;

    fn key(&self) -> String {
        self.key.clone()
    }

    fn expires_at(&self) -> Option<Timestamp> {
        Some(self.until)
    }
}

pub(in crate::engine) static SPENT: Kind = Kind {
    name: "spent",
    scope: store::Scope::Sandbox,
    group: Group::Ephemeral,
    indexes: &[],
    watched: false,
};

//! Pushed authorization requests (RFC 9126), until the user comes with them.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::ports::document::Document;
use crate::ports::store::{self, Group, Kind};
use crate::secret::Sealed;

/// A request that a client has left here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pushed {
    /// Digest of the reference in its name.
    pub digest: String,
    /// Who left it: nobody else may use it.
    pub client: String,
    /// Its parameters. They hold no secret of the client, but what it wants to find again in the answer.
    pub parameters: Sealed,
    /// When it ends.
    pub expires_at: Timestamp,
}

impl Document for Pushed {
    const KIND: &'static Kind = &PUSHED;

    fn key(&self) -> String {
        self.digest.clone()
    }

    fn expires_at(&self) -> Option<Timestamp> {
        Some(self.expires_at)
    }
}

pub(in crate::engine) static PUSHED: Kind = Kind {
    name: "pushed",
    scope: store::Scope::Sandbox,
    group: Group::Ephemeral,
    indexes: &[],
    watched: false,
};

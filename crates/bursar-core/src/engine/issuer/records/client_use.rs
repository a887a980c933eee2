//! When a client that brought itself was last used. Kept apart from the client, whose version guards every issuance.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::ports::document::Document;
use crate::ports::store::{self, Group, Kind};

/// The last use of a client.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClientUse {
    /// Its id.
    pub client: String,
    /// When, to the day.
    pub last_used: Timestamp,
    /// By then the client is forgotten, unless it is used again.
    pub until: Timestamp,
}

impl Document for ClientUse {
    const KIND: &'static Kind = &CLIENT_USE;

    fn key(&self) -> String {
        self.client.clone()
    }

    fn expires_at(&self) -> Option<Timestamp> {
        Some(self.until)
    }
}

pub(in crate::engine) static CLIENT_USE: Kind = Kind {
    name: "client_use",
    scope: store::Scope::Sandbox,
    group: Group::Durable,
    indexes: &[],
    watched: false,
};

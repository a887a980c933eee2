//! Codes by which users set another password, who do not know theirs any more.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::ports::document::Document;
use crate::ports::store::{self, Group, Kind};

/// The one code of a user that counts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResetCode {
    /// Whose password it changes.
    pub user: String,
    /// SHA-256 as base64url.
    pub digest: String,
    /// When it ends.
    pub expires_at: Timestamp,
}

impl Document for ResetCode {
    const KIND: &'static Kind = &RESET_CODE;

    fn key(&self) -> String {
        self.user.clone()
    }

    fn expires_at(&self) -> Option<Timestamp> {
        Some(self.expires_at)
    }
}

pub(in crate::engine) static RESET_CODE: Kind = Kind {
    name: "reset_code",
    scope: store::Scope::Sandbox,
    group: Group::Durable,
    indexes: &[],
    watched: false,
};

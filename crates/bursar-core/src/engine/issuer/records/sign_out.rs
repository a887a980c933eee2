//! Users all of whose sessions are over, and whose clients may not have been told.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::logout_notice::NEWS;
use crate::ports::document::Document;
use crate::ports::store::{self, Group, Kind};

/// The sessions that a user had are over, because of a change of the user. Written with that change, and gone when each of
/// them has been ended with the notices it owes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignOut {
    /// Its name.
    pub id: String,
    /// Whose sessions.
    pub user: String,
    /// When they were over.
    pub at: Timestamp,
}

impl Document for SignOut {
    const KIND: &'static Kind = &SIGN_OUT;

    fn key(&self) -> String {
        self.id.clone()
    }

    fn indexes(&self) -> Vec<(&'static str, String)> {
        vec![("user", self.user.clone())]
    }

    fn due_at(&self) -> Option<Timestamp> {
        Some(self.at.saturating_add(HEAD_START).unwrap_or(Timestamp::MAX))
    }

    fn expires_at(&self) -> Option<Timestamp> {
        Some(self.at.saturating_add(NEWS).unwrap_or(Timestamp::MAX))
    }
}

pub(in crate::engine) static SIGN_OUT: Kind = Kind {
    name: "sign_out",
    scope: store::Scope::Sandbox,
    group: Group::Durable,
    indexes: &["user"],
    watched: false,
};

/// Whoever has changed the user ends the sessions next, and needs no company.
const HEAD_START: SignedDuration = SignedDuration::from_secs(30);

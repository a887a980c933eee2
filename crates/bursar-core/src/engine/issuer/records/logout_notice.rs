//! Sessions that have ended, and clients that must still be told (OIDC Back-Channel Logout 1.0).

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::ports::document::Document;
use crate::ports::store::{self, Group, Kind};

/// One client that must be told that one session has ended. Written with the end of the session, so that no crash comes
/// in between.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogoutNotice {
    /// Its name.
    pub id: String,
    /// Who is to be told.
    pub client: String,
    /// Whose session it was.
    pub user: String,
    /// The session, as ID tokens name it.
    pub session: String,
    /// When it ended.
    pub ended_at: Timestamp,
    /// How often it was tried.
    pub attempts: u32,
    /// When it is tried next. Put off before each attempt: whoever reads it meanwhile, or finds it after a crash, waits.
    pub next_try: Timestamp,
}

impl Document for LogoutNotice {
    const KIND: &'static Kind = &LOGOUT_NOTICE;

    fn key(&self) -> String {
        self.id.clone()
    }

    fn due_at(&self) -> Option<Timestamp> {
        Some(self.next_try)
    }

    fn expires_at(&self) -> Option<Timestamp> {
        Some(self.ended_at.saturating_add(NEWS).unwrap_or(Timestamp::MAX))
    }
}

pub(in crate::engine) static LOGOUT_NOTICE: Kind = Kind {
    name: "logout_notice",
    scope: store::Scope::Sandbox,
    group: Group::Durable,
    indexes: &[],
    watched: false,
};

/// A server that was off for longer tells nobody of what has long been over.
pub(super) const NEWS: SignedDuration = SignedDuration::from_hours(24);

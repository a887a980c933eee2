//! Sessions of browsers: who is signed in there.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::ports::document::Document;
use crate::ports::store::{self, Group, Kind};

/// Somebody signed in, in one browser.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BrowserSession {
    /// Digest of the cookie's value.
    pub digest: String,
    /// Names the session where its cookie must not be told.
    pub id: String,
    /// Who.
    pub user: String,
    /// How often they had been disabled before: what was begun before that stays over.
    #[serde(default)]
    pub user_epoch: u32,
    /// When they signed in.
    pub signed_in_at: Timestamp,
    /// How (RFC 8176).
    pub methods: Vec<String>,
    /// Where from, for the list of sessions.
    pub address: Option<String>,
    /// With what, for the list of sessions.
    pub user_agent: Option<String>,
    /// The clients whose ID tokens name it and that want to be told when it ends (OIDC Back-Channel Logout 1.0).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub clients: Vec<String>,
    /// When it ends.
    pub expires_at: Timestamp,
}

impl Document for BrowserSession {
    const KIND: &'static Kind = &BROWSER_SESSION;

    fn key(&self) -> String {
        self.digest.clone()
    }

    fn indexes(&self) -> Vec<(&'static str, String)> {
        vec![("user", self.user.clone()), ("id", self.id.clone())]
    }

    fn expires_at(&self) -> Option<Timestamp> {
        Some(self.expires_at)
    }
}

pub(in crate::engine) static BROWSER_SESSION: Kind = Kind {
    name: "browser_session",
    scope: store::Scope::Sandbox,
    group: Group::Durable,
    indexes: &["user", "id"],
    watched: true,
};

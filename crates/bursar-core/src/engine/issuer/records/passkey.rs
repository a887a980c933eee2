//! Passkeys of users (Web Authentication): what verifies them, and how they were used.

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::ports::document::Document;
use crate::ports::store::{self, Group, Kind};

/// One passkey of one user.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Passkey {
    /// Its credential id, as base64url.
    pub credential: String,
    /// Whose it is.
    pub user: String,
    /// What its owner calls it.
    pub name: String,
    /// Its public key as COSE writes it, as base64url.
    pub key: String,
    /// How often it has signed; 0 for ever: it does not count.
    pub counter: u32,
    /// Its maker keeps a copy.
    pub is_backed_up: bool,
    /// When it was added.
    pub created_at: Timestamp,
    /// When somebody signed in with it last.
    pub used_at: Option<Timestamp>,
    /// When its counter went back: there is a copy, and neither of the two opens anything from then on.
    pub copied_at: Option<Timestamp>,
}

impl Passkey {
    /// The key of the record of a credential id, which may be long.
    pub fn key_of(credential: &str) -> String {
        URL_SAFE_NO_PAD.encode(digest(&SHA256, credential.as_bytes()))
    }
}

impl Document for Passkey {
    const KIND: &'static Kind = &PASSKEY;

    fn key(&self) -> String {
        Self::key_of(&self.credential)
    }

    fn indexes(&self) -> Vec<(&'static str, String)> {
        vec![("user", self.user.clone())]
    }
}

pub(in crate::engine) static PASSKEY: Kind = Kind {
    name: "passkey",
    scope: store::Scope::Sandbox,
    group: Group::Durable,
    indexes: &["user"],
    watched: false,
};

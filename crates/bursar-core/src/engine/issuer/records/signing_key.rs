//! The keys that sign tokens.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::oauth::jose::Algorithm;
use crate::ports::document::Document;
use crate::ports::store::{self, Group, Kind};
use crate::secret::Sealed;

/// A key, from its publication to its removal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SigningKeyRecord {
    /// Its name in tokens: the thumbprint of its public half (RFC 7638).
    pub id: String,
    /// The one algorithm it is for.
    pub algorithm: Algorithm,
    /// The private half as PKCS #8, sealed.
    pub private: Sealed,
    /// The public half (RFC 7517).
    pub public: Map<String, Value>,
    /// When it was published.
    pub published_at: Timestamp,
    /// It signs from then on: whoever keeps a copy of the published keys has fetched a new one by then.
    pub signs_from: Timestamp,
    /// Another one signs from then on.
    pub signs_until: Option<Timestamp>,
    /// Published until the last token it signed has ended.
    pub published_until: Option<Timestamp>,
}

impl SigningKeyRecord {
    /// Whether another one signs by now.
    pub fn has_ended(&self, now: Timestamp) -> bool {
        self.signs_until.is_some_and(|end| end <= now)
    }
}

impl Document for SigningKeyRecord {
    const KIND: &'static Kind = &SIGNING_KEY;

    fn key(&self) -> String {
        self.id.clone()
    }

    fn expires_at(&self) -> Option<Timestamp> {
        self.published_until
    }
}

pub(in crate::engine) static SIGNING_KEY: Kind = Kind {
    name: "signing_key",
    scope: store::Scope::Sandbox,
    group: Group::Durable,
    indexes: &[],
    watched: true,
};

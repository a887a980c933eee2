//! Events: lines of the audit log, and what alerts, hooks and statistics are made of.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Something that happened, told without secrets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// When, by the clock of whoever reports it.
    pub at: Timestamp,
    /// What, as `noun.verb`, such as `account.refreshed`.
    pub name: String,
    /// To whom or what, such as an account reference.
    pub subject: String,
    /// Facts for people and filters; never a secret.
    #[serde(default, skip_serializing_if = "serde_json::Map::is_empty")]
    pub detail: serde_json::Map<String, serde_json::Value>,
}

impl Event {
    /// An event without details.
    pub fn new(at: Timestamp, name: &str, subject: impl Into<String>) -> Self {
        Self { at, name: name.to_owned(), subject: subject.into(), detail: serde_json::Map::new() }
    }

    /// Adds one fact.
    #[must_use]
    pub fn with(mut self, fact: &str, value: impl Into<serde_json::Value>) -> Self {
        self.detail.insert(fact.to_owned(), value.into());
        self
    }
}

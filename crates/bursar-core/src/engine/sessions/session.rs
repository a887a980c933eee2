//! What a session is, before and after it is opened.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::lifecycle::reference::AccountReference;
use crate::ports::event::Event;
use crate::ports::processes::ProcessId;
use crate::ports::store::Batch;
use crate::secret::Fingerprint;

/// What somebody who begins to use accounts says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewSession {
    /// The accounts in use.
    pub accounts: Vec<AccountReference>,
    /// With whose end the session ends.
    pub owner: ProcessId,
    /// What for.
    pub purpose: Purpose,
    /// When it ends by itself, unless it is renewed.
    pub until: Option<Timestamp>,
    /// Of the secret by which callers prove that they belong to it.
    pub token: Option<Fingerprint>,
    /// The gateway routes that secret opens.
    pub routes: Vec<String>,
}

/// What an account is used for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "purpose")]
pub enum Purpose {
    /// A command runs with its token.
    Exec {
        /// The command, without its arguments: those may be private.
        program: String,
    },
    /// A program holds it through the API.
    Lease {
        /// What the program calls itself.
        label: String,
    },
}

/// One running use of accounts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    /// Unguessable name.
    pub id: String,
    /// The accounts in use, each once.
    pub accounts: Vec<AccountReference>,
    /// With whose end the session ends.
    pub owner: ProcessId,
    /// What for.
    #[serde(flatten)]
    pub purpose: Purpose,
    /// Since when.
    pub started_at: Timestamp,
    /// When it ends by itself, unless it is renewed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    /// Of the secret by which callers prove that they belong to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<Fingerprint>,
    /// The gateway routes that secret opens.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub routes: Vec<String>,
}

impl Session {
    /// Whether the session uses this account.
    pub fn uses(&self, account: &AccountReference) -> bool {
        self.accounts.iter().any(|used| used.key() == account.key())
    }

    /// Adds to `batch` what the log is told of the beginning.
    pub(super) fn begins(&self, batch: Batch) -> Batch {
        self.events("session.started", self.started_at).fold(batch, Batch::event)
    }

    /// One event for each account, so that the history of an account holds it.
    pub(super) fn events(&self, name: &str, at: Timestamp) -> impl Iterator<Item = Event> {
        self.accounts.iter().map(move |account| {
            let event = Event::new(at, name, account.to_string())
                .with("session", self.id.clone())
                .with("process", self.owner.number);
            match &self.purpose {
                Purpose::Exec { program } => event.with("program", program.clone()),
                Purpose::Lease { label } => event.with("label", label.clone()),
            }
        })
    }
}

/// How many of `sessions` use each account, by account key; an account that none uses is not there.
pub fn sessions_by_account(sessions: &[Session]) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for account in sessions.iter().flat_map(|session| &session.accounts) {
        *counts.entry(account.key()).or_default() += 1;
    }
    counts
}

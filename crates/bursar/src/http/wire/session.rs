//! Sessions over the line.

use bursar_core::engine::sessions::{Purpose, Session};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A use of accounts that is about to begin.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SessionRequest {
    /// The accounts: references, or whatever names one account.
    pub accounts: Vec<String>,
    /// What it is for, in a word or two.
    pub label: String,
    /// The process whose end ends the session; left out: the caller's.
    #[serde(default)]
    pub process: Option<u32>,
    /// It ends after so many seconds unless it is renewed; left out: with the process.
    #[serde(default)]
    pub seconds: Option<u32>,
}

/// A longer life for a session.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RenewRequest {
    /// From now on, in seconds.
    pub seconds: u32,
}

/// One running use of accounts.
#[derive(Debug, Serialize, ToSchema)]
pub struct SessionDocument {
    /// Version of this document.
    schema: u32,
    /// Its name.
    id: String,
    /// References of its accounts.
    accounts: Vec<String>,
    /// `exec` or `lease`.
    kind: &'static str,
    /// The program or the label.
    label: String,
    /// The process it lives and dies with.
    process: u32,
    /// When it began (RFC 3339).
    started_at: String,
    /// When it ends by itself (RFC 3339); `null`: with its process.
    until: Option<String>,
}

impl From<Session> for SessionDocument {
    fn from(session: Session) -> Self {
        let (kind, label) = match session.purpose {
            Purpose::Exec { program } => ("exec", program),
            Purpose::Lease { label } => ("lease", label),
        };
        Self {
            schema: 1,
            id: session.id,
            accounts: session.accounts.iter().map(ToString::to_string).collect(),
            kind,
            label,
            process: session.owner.number,
            started_at: format!("{:.0}", session.started_at),
            until: session.until.map(|until| format!("{until:.0}")),
        }
    }
}

//! The agent itself over the line.

use bursar_core::secret::Secret;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// How the agent is doing.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct AgentDocument {
    /// Version of this document.
    pub schema: u32,
    /// `true`.
    pub running: bool,
    /// The program's version.
    pub version: String,
    /// Its process number.
    pub process: u32,
    /// When it started (RFC 3339).
    pub started_at: String,
    /// Whether it can open tokens.
    pub vault: VaultState,
    /// What it will do next; `null`: nothing is planned.
    pub next: Option<NextWork>,
    /// When it last refreshed an account (RFC 3339).
    pub last_refresh: Option<String>,
    /// The nightly refresh: when it last ran and when it runs next (RFC 3339).
    pub nightly: Option<[Option<String>; 2]>,
    /// Refreshes under way.
    pub refreshing: usize,
    /// Accounts it holds.
    pub accounts: usize,
    /// Uses under way.
    pub sessions: usize,
    /// Where the gateway listens; `null`: it does not.
    pub gateway: Option<String>,
    /// What is wrong with the configuration on disk; the one before it is in force.
    pub config_error: Option<String>,
}

/// Whether the vault is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum VaultState {
    /// There is none yet.
    Absent,
    /// Tokens can be opened.
    Open,
    /// A person has to open it.
    Locked,
}

/// The next planned refresh.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct NextWork {
    /// The account.
    pub account: String,
    /// When (RFC 3339).
    pub at: String,
}

/// The master key a person has opened.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UnlockRequest {
    /// 32 bytes in base64; left out: the agent fetches the key itself.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub master_key: Option<Secret>,
}

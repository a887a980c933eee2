//! Failures over the line: a stable code for programs, a sentence and a hint for people.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Why a call failed. Never holds a secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FailureDocument {
    /// The stable word: `usage`, `no_such_account`, `login_required`, `unavailable`, `vault_locked` (by a person),
    /// `vault_unavailable` (no way to the key), `denied`, `unauthorized`, `no_such_session`, `no_such_login`,
    /// `no_such_sandbox`, `too_late`, `too_many_logins`, `cancelled`, `unknown_route` or `error`.
    pub error: String,
    /// What happened, to what.
    pub message: String,
    /// Why, from the nearest cause to the farthest.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub causes: Vec<String>,
    /// What to do next.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

/// The agent cannot open the vault, which is not the same as being told to keep it shut.
pub const VAULT_UNAVAILABLE: &str = "vault_unavailable";

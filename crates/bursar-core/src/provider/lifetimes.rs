//! How long a provider's tokens live, where its documents say so.

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

use super::duration;

/// Declared lifetimes; what an answer tells always wins.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Lifetimes {
    /// An access token.
    #[serde(with = "duration::optional", skip_serializing_if = "Option::is_none")]
    pub access: Option<SignedDuration>,
    /// A refresh token or its whole family, from the login, however often it is used.
    #[serde(with = "duration::optional", skip_serializing_if = "Option::is_none")]
    pub refresh_absolute: Option<SignedDuration>,
    /// A refresh token that nobody uses.
    #[serde(with = "duration::optional", skip_serializing_if = "Option::is_none")]
    pub refresh_idle: Option<SignedDuration>,
    /// How many tokens of one user and client live at the same time; the oldest die silently.
    pub max_live_tokens: Option<u32>,
}

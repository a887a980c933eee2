//! Limits that a provider ties to the user's consent rather than to a token.

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

use super::duration;

/// When the user must consent again, whatever the tokens say.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Consent {
    /// How long a consent lives while the client counts as a test.
    #[serde(with = "duration::optional", skip_serializing_if = "Option::is_none")]
    pub testing_mode_limit: Option<SignedDuration>,
    /// After how long the user must log in again in any case.
    #[serde(with = "duration::optional", skip_serializing_if = "Option::is_none")]
    pub hard_reauthentication: Option<SignedDuration>,
    /// Where to read about it.
    pub docs: Option<String>,
}

//! What a provider wants in the device authorization request.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The device authorization request (RFC 8628 §3.1) of one provider; needs `endpoints.device`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Device {
    /// Fixed further parameters of the first request.
    pub parameters: BTreeMap<String, String>,
    /// Whether the client authenticates already in the first request; if not, only its id is sent.
    pub authenticate: bool,
    /// The only scopes the provider allows in this flow; empty means all.
    pub allowed_scopes: Vec<String>,
}

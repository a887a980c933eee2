//! Switches of the device flow (RFC 8628).

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::seconds;

/// Switches of `/device_authorization` and of polling.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DeviceBehaviour {
    /// What the user does.
    pub approval: DeviceApproval,
    /// Seconds between polls, judged by the provider's clock; a faster poll is answered `slow_down` and adds 5 s (§3.5).
    pub interval_seconds: u32,
    /// Leave `interval` out of the answer; clients must then assume 5 s.
    pub omit_interval: bool,
    /// How long a device code lives.
    #[serde(with = "seconds")]
    pub lifetime: Duration,
    /// Send `verification_uri_complete`.
    pub complete_uri: bool,
    /// Name of the member with the address to open.
    pub dialect: VerificationDialect,
}

impl Default for DeviceBehaviour {
    fn default() -> Self {
        Self {
            approval: DeviceApproval::After { polls: 1 },
            interval_seconds: 5,
            omit_interval: false,
            lifetime: Duration::from_mins(10),
            complete_uri: true,
            dialect: VerificationDialect::Rfc8628,
        }
    }
}

/// What becomes of a device code. A visit to `/device?user_code=…` approves it in every case but `Deny`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeviceApproval {
    /// Approved once this many polls were answered `authorization_pending`.
    After {
        /// Polls that are still pending.
        polls: u32,
    },
    /// `access_denied`.
    Deny,
    /// `expired_token` at the first poll.
    Expire,
    /// Pending until the code ends, unless somebody visits the page.
    Never,
}

/// The two names of the verification address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VerificationDialect {
    /// `verification_uri`, as RFC 8628 has it.
    Rfc8628,
    /// `verification_url`, as before RFC 8628.
    VerificationUrl,
}

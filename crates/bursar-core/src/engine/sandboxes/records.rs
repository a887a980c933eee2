//! What is recorded of sandboxes, in the system's own space: who exists, who has which host, and what is left of those that
//! have ended.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::name::{HostName, SandboxName};
use crate::engine::issuer::rules::Quotas;
use crate::engine::vault::FIRST_SANDBOX_KEY;
use crate::engine::vault::succession::Succession;
use crate::ports::document::Document;
use crate::ports::store::{Group, Kind, SandboxId, Scope};
use crate::secret::Sealed;

/// A tenant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sandbox {
    /// What people call it; free again when it has ended.
    pub name: SandboxName,
    /// Where its records are. Never used twice, whoever has the name next.
    pub space: SandboxId,
    /// Its data key, sealed under the installation's. Without it nothing of the sandbox opens any more.
    pub data_key: Sealed,
    /// The number of that key.
    #[serde(default = "first_key")]
    pub key_id: u32,
    /// Its other data keys.
    #[serde(flatten)]
    pub succession: Succession,
    /// The host it is reached by; `None`: it is beneath the server's own address.
    pub host: Option<HostName>,
    /// What is different in it.
    #[serde(default)]
    pub settings: SandboxSettings,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it ends by itself; `None`: never. Kept when it is reset.
    pub expires_at: Option<Timestamp>,
}

/// Of sandboxes from when there was no other.
fn first_key() -> u32 {
    FIRST_SANDBOX_KEY
}

/// What is different in a sandbox from the server around it; `None`: nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SandboxSettings {
    /// How much of everything it may have.
    #[serde(default)]
    pub quotas: Quotas,
    /// How long access tokens live.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub access_token: Option<SignedDuration>,
    /// How long refresh tokens live that are not used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refresh_token: Option<SignedDuration>,
    /// Whether programs nobody knows may register themselves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub open_registration: Option<bool>,
}

impl Sandbox {
    /// Whether it is over at `now`.
    pub fn has_ended(&self, now: Timestamp) -> bool {
        self.expires_at.is_some_and(|end| end <= now)
    }
}

/// Who has a host: a record of its own, so that no two have the same.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct SandboxHost {
    pub(super) host: HostName,
    pub(super) sandbox: SandboxName,
}

/// The space of a sandbox that has ended, until nothing is left in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Remains {
    pub(super) space: SandboxId,
    /// What it was called.
    pub(super) name: SandboxName,
    /// When it ended.
    pub(super) since: Timestamp,
    /// When to look at it next.
    pub(super) next_look: Timestamp,
}

impl Document for Sandbox {
    const KIND: &'static Kind = &SANDBOX;

    fn key(&self) -> String {
        self.name.as_str().to_owned()
    }

    // The record must not vanish at its end: somebody has to clear up after it.
    fn due_at(&self) -> Option<Timestamp> {
        self.expires_at
    }
}

impl Document for SandboxHost {
    const KIND: &'static Kind = &SANDBOX_HOST;

    fn key(&self) -> String {
        self.host.as_str().to_owned()
    }
}

impl Document for Remains {
    const KIND: &'static Kind = &REMAINS;

    fn key(&self) -> String {
        self.space.as_str().to_owned()
    }

    fn due_at(&self) -> Option<Timestamp> {
        Some(self.next_look)
    }
}

pub(in crate::engine) static SANDBOX: Kind =
    Kind { name: "sandbox", scope: Scope::System, group: Group::Durable, indexes: &[], watched: true };

pub(in crate::engine) static SANDBOX_HOST: Kind =
    Kind { name: "sandbox_host", scope: Scope::System, group: Group::Durable, indexes: &[], watched: true };

pub(in crate::engine) static REMAINS: Kind = Kind {
    name: "sandbox_remains",
    scope: Scope::System,
    group: Group::Durable,
    indexes: &[],
    watched: false,
};

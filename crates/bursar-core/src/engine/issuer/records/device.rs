//! Devices that wait for a person to let them in (RFC 8628).

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::family::SignIn;
use super::grant::GrantMark;
use crate::identifier::Identifier;
use crate::oauth::scope::Scope;
use crate::oauth::server::resource::ResourceSet;
use crate::ports::document::Document;
use crate::ports::store::{self, Group, Kind};

/// A device that asks, until it has fetched its tokens. Kept a little longer, so that it hears what became of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Device {
    /// Digest of the device code.
    pub digest: String,
    /// Keyed digest of the user code, which is too short for any other.
    pub user_code: String,
    /// The client that runs on it.
    pub client: String,
    /// What it asks for.
    pub scope: Scope,
    /// What it asks for that at; none: this server alone.
    pub resources: ResourceSet,
    /// Where it asked from, for the person who decides (RFC 8628 §5.4).
    pub asked_from: Option<String>,
    /// When its codes end.
    pub expires_at: Timestamp,
    /// How long it must wait between two questions.
    pub interval: SignedDuration,
    /// When it asked last.
    pub polled_at: Option<Timestamp>,
    /// What became of it.
    pub standing: DeviceStanding,
    /// Until then it hears why it gets nothing any more.
    pub remembered_until: Timestamp,
}

/// What became of a device's wish.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeviceStanding {
    /// Nobody has decided yet.
    Waiting,
    /// Somebody lets it act for them.
    Allowed(Box<DeviceConsent>),
    /// Somebody said no.
    Denied,
    /// It has its tokens.
    Redeemed {
        /// The authorization they belong to.
        family: Identifier,
    },
}

/// What somebody has agreed to for a device.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceConsent {
    /// Who.
    pub user: String,
    /// What it was agreed under.
    pub grant: GrantMark,
    /// What the tokens are good for; less than was asked for where this user has less.
    pub scope: Scope,
    /// How they were signed in when they agreed.
    pub sign_in: SignIn,
}

impl Document for Device {
    const KIND: &'static Kind = &DEVICE;

    fn key(&self) -> String {
        self.digest.clone()
    }

    fn indexes(&self) -> Vec<(&'static str, String)> {
        vec![("user_code", self.user_code.clone())]
    }

    fn expires_at(&self) -> Option<Timestamp> {
        Some(self.remembered_until)
    }
}

pub(in crate::engine) static DEVICE: Kind = Kind {
    name: "device",
    scope: store::Scope::Sandbox,
    group: Group::Durable,
    indexes: &["user_code"],
    watched: false,
};

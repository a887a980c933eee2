//! How far a change of data keys is, for whoever goes on with it and for people who watch.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::engine::sandboxes::SandboxName;
use crate::engine::vault::census::SealedKind;
use crate::engine::vault::derivation::MadeLives;
use crate::ports::document::Document;
use crate::ports::store::{Group, Kind, Scope};

/// A data key on its way into the place of another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rekeying {
    /// Whose key it is; `None`: the installation's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sandbox: Option<SandboxName>,
    /// The number of the key that makes way. The next one has the number after it.
    pub from: u32,
    /// When it began.
    pub began_at: Timestamp,
    /// How long the key before stays after all seal with the next one, for those who were held up.
    pub kept_for: SignedDuration,
    /// How long what was made with keys derived from the one that makes way lives at most, as far as anybody has said who
    /// makes such things.
    #[serde(default)]
    pub(super) lives: MadeLives,
    /// Since when all seal with the next key, by the store's clock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sealing_since: Option<Timestamp>,
    /// How many records were sealed again.
    #[serde(default)]
    pub resealed: u64,
    /// The look at all records that is under way, or the last one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pass: Option<Pass>,
    /// Who is at it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) worker: Option<Worker>,
}

/// One look at every record that holds something sealed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pass {
    /// Counted from one.
    pub number: u32,
    /// When it began, by the store's clock.
    pub began_at: Timestamp,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Timestamp>,
    /// What is looked at; `None`: all has been.
    pub(super) kind: Option<SealedKind>,
    /// The last that was looked at.
    pub(super) after: Option<String>,
    /// How many records there were when it began.
    pub records: u64,
    /// How many of them it has looked at.
    pub looked_at: u64,
    /// How many it found that the key before was still needed for, whether they were sealed again or not.
    pub found: u64,
    /// How many of those may yet be needed, because nobody can read what they are or somebody has something under way. As
    /// long as there are any the key before stays.
    pub held_back: u64,
    /// How many open with no key that is known. They did not before either.
    pub broken: u64,
}

/// Who goes on with it, until when nobody else does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Worker {
    pub(super) name: String,
    pub(super) until: Timestamp,
}

/// How far a change is, as it is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Progress {
    /// All processes get to know the next key.
    Announced,
    /// Records are looked at, and sealed again.
    Resealing,
    /// All that was found is sealed with the next key; the one before stays for a while.
    Kept,
}

impl Rekeying {
    /// How far it is.
    pub fn progress(&self) -> Progress {
        match &self.pass {
            None => Progress::Announced,
            Some(pass) if pass.ended_at.is_some() => Progress::Kept,
            Some(_) => Progress::Resealing,
        }
    }

    /// Until when the key before stays at least.
    pub fn kept_until(&self) -> Option<Timestamp> {
        self.sealing_since?.saturating_add(self.kept_for).ok()
    }

    /// The key of the record about the data key of `sandbox`, or of the installation.
    pub(super) fn key_of(sandbox: Option<&SandboxName>) -> String {
        // No sandbox has an empty name.
        sandbox.map_or_else(String::new, |name| name.as_str().to_owned()) + "/data-key"
    }
}

impl Pass {
    pub(super) fn beginning(number: u32, kind: SealedKind, records: u64, now: Timestamp) -> Self {
        Self {
            number,
            began_at: now,
            ended_at: None,
            kind: Some(kind),
            after: None,
            records,
            looked_at: 0,
            found: 0,
            held_back: 0,
            broken: 0,
        }
    }
}

impl Document for Rekeying {
    const KIND: &'static Kind = &REKEYING;

    fn key(&self) -> String {
        Self::key_of(self.sandbox.as_ref())
    }
}

pub(in crate::engine) static REKEYING: Kind =
    Kind { name: "rekeying", scope: Scope::System, group: Group::Durable, indexes: &[], watched: false };

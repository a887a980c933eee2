//! Records, as they are read and written.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::kind::Kind;

/// A stored record, as it was at one version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Identity within kind and space.
    pub key: String,
    /// The commit that wrote it.
    pub version: Version,
    /// Opaque content; secrets inside are sealed before they come here.
    pub body: Vec<u8>,
    /// When somebody should look at it.
    pub due_at: Option<Timestamp>,
    /// When it ceases to exist.
    pub expires_at: Option<Timestamp>,
}

/// A record about to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewRecord {
    /// Its kind.
    pub kind: &'static Kind,
    /// Identity within kind and space.
    pub key: String,
    /// Opaque content.
    pub body: Vec<u8>,
    /// A value for each declared index that applies, as (index, value).
    pub indexes: Vec<(&'static str, String)>,
    /// When somebody should look at it.
    pub due_at: Option<Timestamp>,
    /// When it ceases to exist.
    pub expires_at: Option<Timestamp>,
}

/// Which commit wrote a record. Larger is later; never reused within an incarnation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Version(pub u64);

/// A commit's place in the order of all commits.
pub type Sequence = u64;

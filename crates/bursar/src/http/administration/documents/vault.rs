//! The keys that everything secret is sealed with.

use bursar_core::engine::sandboxes::SandboxName;
use bursar_core::engine::vault::VaultFacts;
use bursar_core::engine::vault::rekeying::{Progress, Rekeying};
use serde::Serialize;
use utoipa::ToSchema;

use crate::account_view::rfc3339;

/// The data key, and what is under way with data keys. Members are only ever added.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct VaultDocument {
    /// Version of this document.
    schema: u32,
    /// The number of the installation's data key.
    data_key: u32,
    /// When the vault was made (RFC 3339).
    #[schema(format = DateTime)]
    made_at: String,
    /// Whether the master key before the one of today opens it too.
    old_key_kept: bool,
    /// Changes of data keys that are under way, of the installation and of sandboxes; none: all is sealed with the keys of
    /// today, and those before are gone.
    changes: Vec<KeyChangeDocument>,
}

/// How far the change of one data key is. Members are only ever added.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct KeyChangeDocument {
    /// Whose key it is; `null`: the installation's.
    sandbox: Option<String>,
    /// The number of the key that makes way.
    from: u32,
    /// The number of the next one.
    to: u32,
    /// `announced` to all that runs, `resealing` while records are looked at, or `kept` when all that was found is sealed
    /// anew and the old key stays for a while.
    state: &'static str,
    /// When it began (RFC 3339).
    #[schema(format = DateTime)]
    began_at: String,
    /// Until when the old key stays at least (RFC 3339); `null`: nobody seals with the next one yet.
    #[schema(format = DateTime)]
    old_key_until: Option<String>,
    /// How many records this look has to go through; `null`: none has begun.
    records: Option<u64>,
    /// How many of them it has looked at.
    looked_at: Option<u64>,
    /// How many records were sealed anew so far.
    resealed: u64,
    /// How many still need the old key, as far as this look knows.
    held_back: Option<u64>,
}

impl VaultDocument {
    pub(crate) fn new(facts: &VaultFacts, changes: &[Rekeying]) -> Self {
        Self {
            schema: 1,
            data_key: facts.data_key,
            made_at: rfc3339(facts.made_at),
            old_key_kept: facts.old_master_key,
            changes: changes.iter().map(KeyChangeDocument::new).collect(),
        }
    }
}

impl KeyChangeDocument {
    pub(crate) fn new(change: &Rekeying) -> Self {
        let pass = change.pass.as_ref();
        Self {
            sandbox: change.sandbox.as_ref().map(SandboxName::to_string),
            from: change.from,
            to: change.from + 1,
            state: match change.progress() {
                Progress::Announced => "announced",
                Progress::Resealing => "resealing",
                Progress::Kept => "kept",
            },
            began_at: rfc3339(change.began_at),
            old_key_until: change.kept_until().map(rfc3339),
            records: pass.map(|pass| pass.records),
            looked_at: pass.map(|pass| pass.looked_at),
            resealed: change.resealed,
            held_back: pass.map(|pass| pass.held_back),
        }
    }
}

//! Declarations of kinds of records, from which backends make their tables.

use super::error::StoreError;
use super::space::Space;

/// The declaration of one kind of record; a backend makes its table from it.
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct Kind {
    /// Table name: `snake_case`, singular.
    pub name: &'static str,
    /// Which spaces may hold it.
    pub scope: Scope,
    /// What a crash may cost.
    pub group: Group,
    /// Names of the secondary keys a record may carry; never unique.
    pub indexes: &'static [&'static str],
    /// Whether changes are announced; never for hot kinds.
    pub watched: bool,
}

impl Kind {
    /// Refuses a space this kind never lives in; backends ask before every operation that names a kind.
    pub fn check_space(&self, space: &Space) -> Result<(), StoreError> {
        let scope = if *space == Space::System { Scope::System } else { Scope::Sandbox };
        if self.scope == scope { Ok(()) } else { Err(StoreError::Misuse("a kind is used outside its scope")) }
    }

    /// Refuses an index this kind does not declare.
    pub fn check_index(&self, index: &str) -> Result<(), StoreError> {
        let declared = self.indexes.contains(&index);
        if declared {
            Ok(())
        } else {
            Err(StoreError::Misuse("a kind is searched by an index it does not declare"))
        }
    }
}

/// Where records of a kind live.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scope {
    /// Only in [`Space::System`].
    System,
    /// Only in a sandbox.
    Sandbox,
}

/// How long records of a kind must live. A batch never spans both groups.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Group {
    /// Survives crashes and power loss.
    Durable,
    /// May be lost with the process: replay caches, counters, pushed requests, logins in progress.
    Ephemeral,
}

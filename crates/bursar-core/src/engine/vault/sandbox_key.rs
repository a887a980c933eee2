//! The data keys of sandboxes: each made once, kept sealed under the installation's data key, and gone with its sandbox.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;

use super::key::{Key, key_bytes};
use super::succession::Succession;
use super::{Place, SealedKind, Vault, VaultError};
use crate::engine::Engine;
use crate::engine::sandboxes::Sandbox;
use crate::engine::sandboxes::records::SANDBOX;
use crate::ports::store::{SandboxId, Space};
use crate::secret::Sealed;

/// The key of the sandbox an engine works in.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::engine) struct SandboxKey {
    space: SandboxId,
    id: u32,
    sealed: Sealed,
    succession: Succession,
}

/// Opened keys of sandboxes. They live within the installation's vault, and go when it is locked.
#[derive(Debug, Default)]
pub(super) struct SandboxVaults(Mutex<HashMap<SandboxId, Opened>>);

/// A key as its record says, and what it opens.
type Opened = (Arc<SandboxKey>, Arc<Vault>);

impl Engine {
    /// The use cases of a sandbox of this installation, sealed under its own key.
    #[must_use]
    pub fn in_sandbox(&self, sandbox: &Sandbox) -> Self {
        let key = SandboxKey::of(sandbox);
        Self {
            space: Space::Sandbox(sandbox.space.clone()),
            noted_uses: Arc::default(),
            shelf: None,
            sandbox_key: Some(Arc::new(key)),
            ..self.clone()
        }
    }

    /// A data key for a new sandbox, sealed for its record.
    pub(in crate::engine) async fn new_sandbox_key(&self, space: &SandboxId) -> Result<Sealed, VaultError> {
        let vault = self.installation_vault().await?;
        let random = &*self.ports.random;
        let key = Key::draw(FIRST_SANDBOX_KEY, random);
        Ok(vault.seal(place(space), key.bytes(), random))
    }

    /// The vault that this engine seals in, opened or created on first use.
    pub(in crate::engine) async fn vault(&self) -> Result<Arc<Vault>, VaultError> {
        let installation = self.installation_vault().await?;
        match &self.sandbox_key {
            None => Ok(installation),
            Some(key) => installation.of_sandbox(key, self.now()),
        }
    }

    /// The same if it is open, and was looked at a moment ago.
    pub(in crate::engine) fn open_vault(&self) -> Option<Arc<Vault>> {
        let installation = self.vault_at_hand()?;
        match &self.sandbox_key {
            None => Some(installation),
            Some(key) => installation.of_sandbox(key, self.now()).ok(),
        }
    }
}

impl SandboxKey {
    fn of(sandbox: &Sandbox) -> Self {
        Self {
            space: sandbox.space.clone(),
            id: sandbox.key_id,
            sealed: sandbox.data_key.clone(),
            succession: sandbox.succession.clone(),
        }
    }
}

impl Vault {
    /// The vault of a sandbox as its record says.
    pub(super) fn of(&self, sandbox: &Sandbox, now: Timestamp) -> Result<Arc<Self>, VaultError> {
        self.of_sandbox(&Arc::new(SandboxKey::of(sandbox)), now)
    }

    fn of_sandbox(&self, key: &Arc<SandboxKey>, now: Timestamp) -> Result<Arc<Self>, VaultError> {
        let mut opened = self.sandboxes.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, vault)) =
            opened.get(&key.space).filter(|(known, _)| Arc::ptr_eq(known, key) || known == key)
        {
            return Ok(Arc::clone(vault));
        }
        let plain = self.open(place(&key.space), &key.sealed)?;
        let not_ours = || VaultError::NotOurs { kind: SANDBOX.name, key: key.space.as_str().to_owned() };
        let data_key = Arc::new(Key::new(key.id, key_bytes(&plain).ok_or_else(not_ours)?));
        let vault = Self::new(data_key, &key.succession, now).ok_or(VaultError::BrokenSuccession)?;
        let vault = Arc::new(vault);
        if opened.len() >= MOST_OPEN {
            opened.clear();
        }
        opened.insert(key.space.clone(), (Arc::clone(key), Arc::clone(&vault)));
        Ok(vault)
    }
}

/// The key belongs to the space and not to the name, which others may have later.
pub(super) fn place(space: &SandboxId) -> Place<'_> {
    Place { space: &Space::System, kind: SealedKind::Sandbox, key: space.as_str() }
}

/// Every sandbox begins with it.
pub(in crate::engine) const FIRST_SANDBOX_KEY: u32 = 1;
/// Some hundred bytes each.
const MOST_OPEN: usize = 10_000;

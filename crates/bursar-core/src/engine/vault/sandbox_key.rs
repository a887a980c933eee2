//! The data keys of sandboxes: each made once, kept sealed under the installation's data key, and gone with its sandbox.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use zeroize::Zeroizing;

use super::{Place, Vault, VaultError};
use crate::engine::Engine;
use crate::engine::sandboxes::Sandbox;
use crate::engine::sandboxes::records::SANDBOX;
use crate::ports::store::{SandboxId, Space};
use crate::secret::Sealed;

/// The key of the sandbox an engine works in.
#[derive(Debug)]
pub(in crate::engine) struct SandboxKey {
    space: SandboxId,
    sealed: Sealed,
}

/// Opened keys of sandboxes. They live within the installation's vault, and go when it is locked.
#[derive(Debug, Default)]
pub(super) struct SandboxVaults(Mutex<HashMap<SandboxId, Arc<Vault>>>);

impl Engine {
    /// The use cases of a sandbox of this installation, sealed under its own key.
    #[must_use]
    pub fn in_sandbox(&self, sandbox: &Sandbox) -> Self {
        let key = SandboxKey { space: sandbox.space.clone(), sealed: sandbox.data_key.clone() };
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
        let mut bytes = Zeroizing::new([0_u8; 32]);
        random.fill(&mut *bytes);
        Ok(vault.seal(place(space), &*bytes, random))
    }

    /// The vault that this engine seals in, opened or created on first use.
    pub(in crate::engine) async fn vault(&self) -> Result<Arc<Vault>, VaultError> {
        let installation = self.installation_vault().await?;
        match &self.sandbox_key {
            None => Ok(installation),
            Some(key) => installation.of_sandbox(key),
        }
    }
}

impl Vault {
    fn of_sandbox(&self, key: &SandboxKey) -> Result<Arc<Self>, VaultError> {
        let mut opened = self.sandboxes.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(vault) = opened.get(&key.space) {
            return Ok(Arc::clone(vault));
        }
        let plain = self.open(place(&key.space), &key.sealed)?;
        let mut bytes = Box::new(Zeroizing::new([0_u8; 32]));
        if plain.len() != bytes.len() {
            return Err(VaultError::NotOurs { kind: SANDBOX.name, key: key.space.as_str().to_owned() });
        }
        bytes.copy_from_slice(&plain);
        let vault = Arc::new(Self::new(ONLY_KEY, &bytes));
        if opened.len() >= MOST_OPEN {
            opened.clear();
        }
        opened.insert(key.space.clone(), Arc::clone(&vault));
        Ok(vault)
    }
}

/// The key belongs to the space and not to the name, which others may have later.
fn place(space: &SandboxId) -> Place<'_> {
    Place { space: &Space::System, kind: &SANDBOX, key: space.as_str() }
}

/// A sandbox that needs another key is a new one.
const ONLY_KEY: u32 = 1;
/// Some hundred bytes each.
const MOST_OPEN: usize = 10_000;

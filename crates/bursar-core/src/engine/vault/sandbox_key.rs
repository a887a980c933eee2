//! The data keys of sandboxes: each made once, kept sealed under the installation's data key, and gone with its sandbox.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;

use super::door::{LONGEST_WITHOUT, LOOK_AGAIN};
use super::key::{Key, key_bytes};
use super::{Place, SealedKind, Vault, VaultError};
use crate::engine::Engine;
use crate::engine::sandboxes::records::SANDBOX;
use crate::engine::sandboxes::{Sandbox, SandboxName};
use crate::ports::document;
use crate::ports::store::{SandboxId, Space};
use crate::secret::Sealed;

/// The sandbox an engine works in, as its record was a moment ago: keys change while an engine lives, and sandboxes end.
#[derive(Debug)]
pub(in crate::engine) struct Tenancy(Mutex<Known>);

#[derive(Clone, Debug)]
struct Known {
    sandbox: Arc<Sandbox>,
    /// By the stopwatch: when the record was last known to be this one.
    confirmed: Duration,
}

/// Opened keys of sandboxes. They live within the installation's vault, and go when it is locked.
#[derive(Debug, Default)]
pub(super) struct SandboxVaults(Mutex<HashMap<SandboxId, Opened>>);

/// A sandbox as its record says, and what its key opens.
type Opened = (Arc<Sandbox>, Arc<Vault>);

impl Engine {
    /// The use cases of a sandbox of this installation, sealed under its own key.
    #[must_use]
    pub fn in_sandbox(&self, sandbox: &Sandbox) -> Self {
        let known = Known { sandbox: Arc::new(sandbox.clone()), confirmed: self.ports.clock.stopwatch() };
        Self {
            space: Space::Sandbox(sandbox.space.clone()),
            noted_uses: Arc::default(),
            shelf: None,
            tenancy: Some(Arc::new(Tenancy(Mutex::new(known)))),
            ..self.clone()
        }
    }

    /// What the sandbox is called that these use cases are of; `None`: they are the installation's own.
    pub fn sandbox(&self) -> Option<SandboxName> {
        self.tenancy.as_ref().map(|tenancy| tenancy.known().sandbox.name.clone())
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
        match self.sandbox_now().await? {
            None => Ok(installation),
            Some(sandbox) => installation.of_sandbox(&sandbox, self.now()),
        }
    }

    /// The same if it is open, and was looked at a moment ago.
    pub(in crate::engine) fn open_vault(&self) -> Option<Arc<Vault>> {
        let installation = self.vault_at_hand()?;
        let Some(tenancy) = &self.tenancy else { return Some(installation) };
        let known = tenancy.known().clone();
        let is_current = known.since(self.ports.clock.stopwatch()) < LOOK_AGAIN;
        is_current.then(|| installation.of_sandbox(&known.sandbox, self.now()).ok())?
    }

    /// The sandbox this engine works in, as its record says now or said a moment ago; `None`: it works in none.
    pub(in crate::engine) async fn sandbox_now(&self) -> Result<Option<Arc<Sandbox>>, VaultError> {
        let Some(tenancy) = &self.tenancy else { return Ok(None) };
        let (known, now) = (tenancy.known().clone(), self.ports.clock.stopwatch());
        if known.since(now) < LOOK_AGAIN {
            return Ok(Some(known.sandbox));
        }
        let name = &known.sandbox.name;
        let found = document::get::<Sandbox>(&*self.ports.store, &Space::System, name.as_str()).await;
        let found = match found {
            Ok(found) => found.value.map(|stored| stored.document),
            // As with the installation's own key.
            Err(error) if known.since(now) < LONGEST_WITHOUT => {
                tracing::debug!(%error, "the sandbox's record cannot be read");
                return Ok(Some(known.sandbox));
            }
            Err(error) => return Err(error.into()),
        };
        // Whoever has the name now has another space.
        let is_ours = |found: &Sandbox| found.space == known.sandbox.space && !found.has_ended(self.now());
        let sandbox = found.filter(is_ours).ok_or_else(|| VaultError::SandboxEnded { name: name.clone() })?;
        let sandbox = if sandbox == *known.sandbox { known.sandbox } else { Arc::new(sandbox) };
        *tenancy.known() = Known { sandbox: Arc::clone(&sandbox), confirmed: now };
        Ok(Some(sandbox))
    }
}

impl Tenancy {
    /// Both fields are written at once.
    fn known(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Known {
    fn since(&self, now: Duration) -> Duration {
        now.saturating_sub(self.confirmed)
    }
}

impl Vault {
    /// The vault of a sandbox as its record says.
    pub(super) fn of(&self, sandbox: &Sandbox, now: Timestamp) -> Result<Arc<Self>, VaultError> {
        self.of_sandbox(&Arc::new(sandbox.clone()), now)
    }

    fn of_sandbox(&self, sandbox: &Arc<Sandbox>, now: Timestamp) -> Result<Arc<Self>, VaultError> {
        let mut opened = self.sandboxes.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, vault)) =
            opened.get(&sandbox.space).filter(|(known, _)| Arc::ptr_eq(known, sandbox) || known == sandbox)
        {
            return Ok(Arc::clone(vault));
        }
        let plain = self.open(place(&sandbox.space), &sandbox.data_key)?;
        let not_ours = || VaultError::NotOurs { kind: SANDBOX.name, key: sandbox.space.as_str().to_owned() };
        let data_key = Arc::new(Key::new(sandbox.key_id, key_bytes(&plain).ok_or_else(not_ours)?));
        let vault = Self::new(data_key, &sandbox.succession, now).ok_or(VaultError::BrokenSuccession)?;
        let vault = Arc::new(vault);
        if opened.len() >= MOST_OPEN {
            opened.clear();
        }
        opened.insert(sandbox.space.clone(), (Arc::clone(sandbox), Arc::clone(&vault)));
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

//! The beginning of a change of data keys: the next key is made, and told to everybody who has the one before.

use jiff::SignedDuration;

use super::super::data_key::wrap;
use super::super::derivation::MadeLives;
use super::super::key::Key;
use super::super::sandbox_key::place;
use super::super::succession::{KeyChange, Stage};
use super::super::{OTHER_KEY, Vault};
use super::ring::Ring;
use super::{RekeyError, Rekeying, SETTLED_AFTER};
use crate::engine::Engine;
use crate::engine::sandboxes::{Sandbox, SandboxName, Sandboxes};
use crate::ports::document;
use crate::ports::store::{Commit, Expected, Space};
use crate::secret::Sealed;

impl Engine {
    /// Announces a new data key for the installation and each sandbox, but for those that are getting one already. How many;
    /// none while a change is under way.
    /// The key before stays for `kept_for`; what was made with keys derived from it lives as long as `lives` says, or whoever
    /// goes on with the change. `actor`: who asks for it, if that is known.
    ///
    /// # Errors
    /// There is no vault, the master key cannot be had, or a change of the master key is not finished.
    pub async fn announce_data_keys(
        &self,
        kept_for: SignedDuration,
        lives: MadeLives,
        actor: Option<&str>,
    ) -> Result<u32, RekeyError> {
        let wish = Wish { kept_for, lives, actor };
        let mut announced = 0;
        // That of the installation comes last and goes last: without it a beginning was interrupted, or there was none.
        if self.rekeyings().await?.iter().any(|rekeying| rekeying.sandbox.is_none()) {
            return Ok(announced);
        }
        // First, because they are sealed under what comes last.
        for sandbox in Sandboxes::new(self.clone()).all().await? {
            announced += u32::from(self.announce_for_sandbox(&sandbox.name, wish).await?);
        }
        announced += u32::from(self.announce_for_installation(wish).await?);
        Ok(announced)
    }

    async fn announce_for_installation(&self, wish: Wish<'_>) -> Result<bool, RekeyError> {
        loop {
            let Some(stored) = self.data_key().await? else { return Err(RekeyError::NoVault) };
            if stored.document.succession.change.is_some() {
                return Ok(false);
            }
            if stored.document.before.is_some() || stored.document.retiring.is_some() {
                return Err(RekeyError::MasterKeyChanging);
            }
            let Some(unwrapped) = self.unwrap_data_key().await? else { return Err(RekeyError::NoVault) };
            if unwrapped.stored.version != stored.version {
                continue;
            }
            let vault = unwrapped.vault(self)?;
            let next = Key::draw(vault.key.id + 1, &*self.ports.random);
            let wrapped = wrap(&unwrapped.master, next.bytes(), self);
            let ring = Ring::Installation(stored);
            if self.announce(ring, &vault, &next, wrapped, wish).await? {
                return Ok(true);
            }
        }
    }

    async fn announce_for_sandbox(&self, name: &SandboxName, wish: Wish<'_>) -> Result<bool, RekeyError> {
        loop {
            let store = &*self.ports.store;
            let found = document::get::<Sandbox>(store, &Space::System, name.as_str()).await?.value;
            // It has ended, or somebody was faster.
            let Some(stored) = found.filter(|stored| stored.document.succession.change.is_none()) else {
                return Ok(false);
            };
            let installation = self.installation_vault().await?;
            let vault = installation.of(&stored.document, self.now())?;
            let random = &*self.ports.random;
            let next = Key::draw(vault.key.id + 1, random);
            let wrapped = installation.seal(place(&stored.document.space), next.bytes(), random);
            if self.announce(Ring::Sandbox(stored), &vault, &next, wrapped, wish).await? {
                return Ok(true);
            }
        }
    }

    async fn announce(
        &self,
        mut ring: Ring,
        vault: &Vault,
        next: &Key,
        wrapped: Sealed,
        wish: Wish<'_>,
    ) -> Result<bool, RekeyError> {
        let store = &*self.ports.store;
        let key = Rekeying::key_of(ring.sandbox());
        // What is left of an end that was interrupted.
        let old = document::get::<Rekeying>(store, &Space::System, &key).await?;
        let (now, from) = (old.time, vault.key.id);
        let handed_on = vault.key.cipher.seal(OTHER_KEY, next.bytes(), &*self.ports.random);
        let stage = Stage::Announced { wrapped };
        ring.succession().change = Some(KeyChange { from, handed_on, stage, since: now });
        let shortest = SignedDuration::try_from(SETTLED_AFTER).unwrap_or(SignedDuration::ZERO);
        let rekeying = Rekeying {
            sandbox: ring.sandbox().cloned(),
            from,
            began_at: now,
            kept_for: wish.kept_for.max(shortest),
            lives: ring.lives(wish.lives),
            sealing_since: None,
            resealed: 0,
            pass: None,
            worker: None,
        };
        let expected = old.value.map_or(Expected::Absent, |old| Expected::Version(old.version));
        let batch = ring.put(self.rekeying_batch("vault.rekeying", &ring, from + 1, wish.actor))?;
        let batch = document::put(batch, &rekeying, expected)?;
        Ok(matches!(store.commit(batch).await?.value, Commit::Done(_)))
    }
}

/// What whoever asks for a change says of it.
#[derive(Clone, Copy, Debug)]
struct Wish<'a> {
    kept_for: SignedDuration,
    lives: MadeLives,
    actor: Option<&'a str>,
}

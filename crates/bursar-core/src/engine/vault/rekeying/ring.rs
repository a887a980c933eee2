//! The records that a data key changes in: that of the installation, and those of sandboxes.

use std::sync::Arc;

use super::super::census::SealedKind;
use super::super::derivation::MadeLives;
use super::super::succession::{KeyChange, Succession};
use super::super::{Vault, VaultError};
use crate::engine::Engine;
use crate::engine::records::DataKey;
use crate::engine::sandboxes::{Sandbox, SandboxName};
use crate::ports::document::{self, Stored};
use crate::ports::store::{Batch, Expected, SandboxId, Space, StoreError};
use crate::secret::Sealed;

/// The record of a data key that can change.
#[derive(Clone, Debug)]
pub(super) enum Ring {
    Installation(Stored<DataKey>),
    Sandbox(Stored<Sandbox>),
}

impl Ring {
    pub(super) async fn read(
        engine: &Engine,
        sandbox: Option<&SandboxName>,
    ) -> Result<Option<Self>, StoreError> {
        match sandbox {
            None => Ok(engine.data_key().await?.map(Self::Installation)),
            Some(name) => {
                let store = &*engine.ports.store;
                let found = document::get::<Sandbox>(store, &Space::System, name.as_str()).await?.value;
                Ok(found.map(Self::Sandbox))
            }
        }
    }

    pub(super) fn sandbox(&self) -> Option<&SandboxName> {
        match self {
            Self::Installation(_) => None,
            Self::Sandbox(stored) => Some(&stored.document.name),
        }
    }

    pub(super) fn succession(&mut self) -> &mut Succession {
        match self {
            Self::Installation(stored) => &mut stored.document.succession,
            Self::Sandbox(stored) => &mut stored.document.succession,
        }
    }

    pub(super) fn change(&self) -> Option<&KeyChange> {
        match self {
            Self::Installation(stored) => stored.document.succession.change.as_ref(),
            Self::Sandbox(stored) => stored.document.succession.change.as_ref(),
        }
    }

    /// Another key is the one that counts.
    pub(super) fn count(&mut self, id: u32, wrapped: Sealed) {
        match self {
            Self::Installation(stored) => {
                stored.document.id = id;
                stored.document.wrapped = wrapped;
            }
            Self::Sandbox(stored) => {
                stored.document.key_id = id;
                stored.document.data_key = wrapped;
            }
        }
    }

    pub(super) fn put(&self, batch: Batch) -> Result<Batch, StoreError> {
        match self {
            Self::Installation(stored) => {
                document::put(batch, &stored.document, Expected::Version(stored.version))
            }
            Self::Sandbox(stored) => {
                document::put(batch, &stored.document, Expected::Version(stored.version))
            }
        }
    }

    /// The vault as this record says.
    pub(super) async fn vault(&self, engine: &Engine) -> Result<Arc<Vault>, VaultError> {
        match self {
            Self::Installation(stored) => {
                let opened = engine.look_at_vault_now().await?;
                let (id, succession) = (stored.document.id, &stored.document.succession);
                let vault = opened.caught_up(id, succession, engine.now());
                Ok(Arc::new(vault.ok_or(VaultError::BrokenSuccession)?))
            }
            Self::Sandbox(stored) => engine.look_at_vault_now().await?.of(&stored.document, engine.now()),
        }
    }

    /// What is sealed with it.
    pub(super) fn kinds(&self) -> impl Iterator<Item = SealedKind> + use<> {
        let of_the_system = matches!(self, Self::Installation(_));
        SealedKind::ALL.into_iter().filter(move |kind| of_the_system || !kind.is_of_the_system())
    }

    pub(super) fn space_of(&self, kind: SealedKind, engine: &Engine) -> Space {
        match self {
            Self::Installation(_) if kind.is_of_the_system() => Space::System,
            Self::Installation(_) => engine.space.clone(),
            Self::Sandbox(stored) => Space::Sandbox(stored.document.space.clone()),
        }
    }

    /// The space whose tokens are made with what is derived from it.
    pub(super) fn own_space(&self, engine: &Engine) -> Result<SandboxId, StoreError> {
        match (self, &engine.space) {
            (Self::Sandbox(stored), _) => Ok(stored.document.space.clone()),
            (Self::Installation(_), Space::Sandbox(space)) => Ok(space.clone()),
            (Self::Installation(_), Space::System) => Err(StoreError::Misuse("use cases work in a sandbox")),
        }
    }

    pub(super) fn lives(&self, lives: MadeLives) -> MadeLives {
        let Self::Sandbox(stored) = self else { return lives };
        let said = &stored.document.settings;
        MadeLives {
            login: said.refresh_token.map_or(lives.login, |said| said.max(lives.login)),
            access_token: said.access_token.map_or(lives.access_token, |said| said.max(lives.access_token)),
            ..lives
        }
    }
}

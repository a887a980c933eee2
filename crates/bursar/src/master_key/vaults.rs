//! The key-source port of the engine: finds the place a vault recorded, or chooses one for a new vault.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use bursar_core::ports::clock::Clock;
use bursar_core::ports::key_source::{CreatedKey, KeyError, KeySources, MasterKey};
use bursar_core::ports::random::Random;
use bursar_core::secret::Secret;
use futures::future::BoxFuture;

use super::failure::unavailable;
use super::{Backend, Interaction, KeyContext, MasterKeyChoice, RecordedBackend, choose, create, succession};
use crate::config::environment::Environment;
use crate::config::meaning::VaultConfig;
use crate::config::paths::Paths;

/// The real [`KeySources`].
#[derive(Debug)]
pub struct MasterKeys {
    environment: Environment,
    config: VaultConfig,
    paths: Paths,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    interaction: Interaction,
    wanted: OnceLock<Backend>,
    notice: Mutex<Option<String>>,
}

impl MasterKeys {
    /// Asks nobody: fit for machine calls.
    pub fn new(
        environment: Environment,
        paths: Paths,
        config: VaultConfig,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
    ) -> Self {
        let (interaction, wanted, notice) = (Interaction::Never, OnceLock::new(), Mutex::default());
        Self { environment, config, paths, clock, random, interaction, wanted, notice }
    }

    /// A person started this command: the terminal and the keychain may ask.
    #[must_use]
    pub fn interactive(self) -> Self {
        Self { interaction: Interaction::Allowed, ..self }
    }

    /// The command names the place for a new vault's key.
    #[must_use]
    pub fn wanting(self, backend: Backend) -> Self {
        self.want(backend);
        self
    }

    /// The same where the keys are in use already. The first word counts.
    pub fn want(&self, backend: Backend) {
        let _first = self.wanted.get_or_init(|| backend);
    }

    /// What the user should be told about the place of a key that was just made; once.
    pub fn take_notice(&self) -> Option<String> {
        self.notice.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// The place that counts for the vault that recorded `recorded`, for `status`; asks it nothing.
    pub fn choice(&self, recorded: &str) -> Result<MasterKeyChoice, KeyError> {
        Ok(choose(&self.context(), Some(&parse(recorded)?))?.choice)
    }

    /// Whether the place that counts is a person at a terminal, who may be asked again.
    pub fn asks_a_person(&self, choice: &MasterKeyChoice) -> bool {
        let by_file = self.environment.path("BURSAR_PASSPHRASE_FILE").or(self.config.passphrase_file.clone());
        choice.backend == Backend::Passphrase && self.interaction == Interaction::Allowed && by_file.is_none()
    }

    fn context(&self) -> KeyContext<'_> {
        KeyContext {
            environment: &self.environment,
            config: &self.config,
            paths: &self.paths,
            interaction: self.interaction,
            clock: Arc::clone(&self.clock),
        }
    }
}

impl KeySources for MasterKeys {
    fn existing<'a>(&'a self, recorded: &'a str) -> BoxFuture<'a, Result<MasterKey, KeyError>> {
        Box::pin(async move { choose(&self.context(), Some(&parse(recorded)?))?.source.master_key().await })
    }

    fn create(&self) -> BoxFuture<'_, Result<CreatedKey, KeyError>> {
        Box::pin(async move {
            let created = create(&self.context(), self.wanted.get().copied(), &*self.random).await?;
            *self.notice.lock().unwrap_or_else(PoisonError::into_inner) = created.notice;
            Ok(CreatedKey { key: created.key, recorded: written(&created.recorded)? })
        })
    }

    fn successor<'a>(
        &'a self,
        recorded: &'a str,
        given: Option<Secret>,
    ) -> BoxFuture<'a, Result<CreatedKey, KeyError>> {
        Box::pin(async move {
            let recorded = parse(recorded)?;
            let next = succession::succeed(&self.context(), &recorded, given, &*self.random).await?;
            *self.notice.lock().unwrap_or_else(PoisonError::into_inner) = next.notice;
            Ok(CreatedKey { key: next.key, recorded: written(&next.recorded)? })
        })
    }

    fn beside<'a>(&'a self, recorded: &'a str) -> BoxFuture<'a, Result<Option<MasterKey>, KeyError>> {
        Box::pin(async move { succession::beside(&self.context(), &parse(recorded)?) })
    }

    fn retire<'a>(&'a self, old: &'a str, new: &'a str) -> BoxFuture<'a, Result<(), KeyError>> {
        Box::pin(async move { succession::retire(&self.context(), &parse(old)?, &parse(new)?).await })
    }
}

fn written(recorded: &RecordedBackend) -> Result<String, KeyError> {
    serde_json::to_string(recorded)
        .map_err(|_| unavailable("vault", "the key's place cannot be recorded", RESTORE))
}

fn parse(recorded: &str) -> Result<RecordedBackend, KeyError> {
    serde_json::from_str(recorded)
        .map_err(|_| unavailable("vault", "what it recorded about its key cannot be read", RESTORE))
}

const RESTORE: &str = "restore the data folder from a backup";

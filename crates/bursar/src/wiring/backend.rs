//! Opens the store that the configuration names: the file of this machine, a server, or one of each group of kinds.

use std::path::Path;
use std::sync::{Arc, LazyLock};

use bursar_core::engine::records;
use bursar_core::ports::clock::Clock;
use bursar_core::ports::random::{Random, unguessable};
use bursar_core::ports::store::{Group, Kind, Store, StoreError};
use bursar_core::secret::Secret;
use bursar_store::mixed::MixedStore;
use bursar_store::postgres::{PostgresOptions, PostgresStore};
use bursar_store::redis::{RedisOptions, RedisStore, StoreTime};
use bursar_store::shared_clock::SharedClock;
use bursar_store::sqlite::{SqliteOptions, SqliteStore};
use tokio::runtime::Handle;

use super::Beside;
use super::error::WiringError;
use crate::config::environment::Environment;
use crate::config::paths::Paths;
use crate::config::store::{StoreAddress, StoreConfig};
use crate::config::store_place::StorePlace;
use crate::config::store_url::StoreServer;

/// What stores are opened with.
pub(super) struct Opening<'a> {
    pub(super) environment: &'a Environment,
    pub(super) paths: &'a Paths,
    pub(super) clock: Arc<dyn Clock>,
    /// The clock is a test's, and judges in place of every server's own.
    pub(super) is_clock_given: bool,
    pub(super) random: &'a dyn Random,
    /// Called inside every commit of the embedded store.
    pub(super) on_commit: Option<Arc<dyn Fn() + Send + Sync>>,
}

/// An open store.
pub(super) struct Opened {
    pub(super) store: Arc<dyn Store>,
    /// The file's, if there is one: it has to be asked whether other processes have changed it. Servers tell.
    pub(super) embedded: Option<Arc<SqliteStore>>,
}

/// Opens what `config` names. Where connections to a server live is the runtime this is awaited in.
pub(super) async fn open(config: &StoreConfig, opening: &Opening<'_>) -> Result<Opened, WiringError> {
    let opened = match &config.database {
        None => {
            let options = SqliteOptions {
                on_commit: opening.on_commit.clone(),
                ..embedded(opening.paths, Arc::clone(&opening.clock), opening.random)
            };
            let file = Arc::new(SqliteStore::open(options)?);
            Opened { store: file.clone(), embedded: Some(file) }
        }
        Some(address) => {
            let url = opening.url("database", address).await?;
            let store: Arc<dyn Store> = match address.url.server() {
                StoreServer::Postgres => Arc::new(opening.postgres(url).await?),
                StoreServer::Redis => {
                    let options = opening.redis_options(url, records::KINDS, config)?;
                    Arc::new(opening.redis("database", options).await?)
                }
            };
            Opened { store, embedded: None }
        }
    };
    let Some(address) = &config.ephemeral else { return Ok(opened) };
    let url = opening.url("ephemeral", address).await?;
    let mut options = opening.redis_options(url, &EPHEMERAL_KINDS, config)?;
    // By a clock of its own it would forget too early what must not be used twice.
    options.clock = Arc::new(SharedClock::new(Arc::clone(&opening.clock), Arc::clone(&opened.store)));
    options.time = StoreTime::Given;
    let ephemeral = Arc::new(opening.redis("ephemeral", options).await?);
    Ok(Opened { store: Arc::new(MixedStore::new(opened.store, ephemeral)), embedded: opened.embedded })
}

/// Opens the store that a command names.
pub(super) async fn open_beside(
    wanted: &Beside<'_>,
    config: &StoreConfig,
    opening: &Opening<'_>,
) -> Result<Arc<dyn Store>, WiringError> {
    let url = match wanted.place {
        StorePlace::File(path) => {
            let clock = Arc::clone(&opening.clock);
            let options = SqliteOptions::new(path.clone(), records::KINDS, clock, opening.incarnation());
            return Ok(Arc::new(SqliteStore::open(options)?));
        }
        StorePlace::Server(url) => url,
    };
    let whole =
        wanted.password.as_ref().map_or_else(|| url.expose().clone(), |password| url.with_password(password));
    Ok(match url.server() {
        StoreServer::Postgres => Arc::new(opening.postgres(whole).await?),
        StoreServer::Redis => {
            let mut options = opening.redis_options(whole, records::KINDS, config)?;
            options.discard_half_restored = wanted.discards_half_restored;
            let opened = RedisStore::open(options).await;
            Arc::new(opened.map_err(|source| WiringError::Redis { key: "database", source })?)
        }
    })
}

impl Opening<'_> {
    /// The whole URL, with the password that is kept elsewhere.
    async fn url(&self, key: &'static str, address: &StoreAddress) -> Result<Secret, WiringError> {
        let Some(source) = &address.password else { return Ok(address.url.expose().clone()) };
        let password = source.read(self.environment, &*self.clock).await;
        let password = password.map_err(|source| WiringError::Password { key, source })?;
        Ok(address.url.with_password(&password))
    }

    async fn postgres(&self, url: Secret) -> Result<PostgresStore, WiringError> {
        let mut options = PostgresOptions::new(url, records::KINDS, self.incarnation());
        options.clock = self.is_clock_given.then(|| Arc::clone(&self.clock));
        let opened = PostgresStore::open(options).await;
        opened.map_err(|source| WiringError::Postgres { key: "database", source })
    }

    async fn redis(&self, key: &'static str, options: RedisOptions) -> Result<RedisStore, WiringError> {
        RedisStore::open(options).await.map_err(|source| WiringError::Redis { key, source })
    }

    fn redis_options(
        &self,
        url: Secret,
        kinds: &'static [&'static Kind],
        config: &StoreConfig,
    ) -> Result<RedisOptions, WiringError> {
        let clock = Arc::clone(&self.clock);
        let mut options = RedisOptions::new(url, kinds, clock, self.incarnation(), Handle::current());
        if self.is_clock_given {
            options.time = StoreTime::Given;
        }
        if let Some(prefix) = &config.redis_prefix {
            options.prefix.clone_from(prefix);
        }
        options.authorities = config.ca_file.as_deref().map(authorities).transpose()?;
        options.trusted_settings = config.trust_settings;
        options.accept_replicas = config.accept_replicas;
        Ok(options)
    }

    fn incarnation(&self) -> String {
        unguessable(self.random).expose().to_owned()
    }
}

fn authorities(path: &Path) -> Result<Vec<u8>, WiringError> {
    std::fs::read(path).map_err(|source| WiringError::Authorities { path: path.to_owned(), source })
}

/// How the file of this machine is opened.
pub(super) fn embedded(paths: &Paths, clock: Arc<dyn Clock>, random: &dyn Random) -> SqliteOptions {
    let incarnation = unguessable(random).expose().to_owned();
    SqliteOptions::new(paths.database(), records::KINDS, clock, incarnation)
}

impl From<StoreError> for WiringError {
    fn from(error: StoreError) -> Self {
        Self::Embedded(error)
    }
}

/// A server that is only trusted with these need not keep anything.
static EPHEMERAL_KINDS: LazyLock<Vec<&'static Kind>> =
    LazyLock::new(|| records::KINDS.iter().copied().filter(|kind| kind.group == Group::Ephemeral).collect());

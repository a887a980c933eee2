//! Second step: what was written, as values the rest of the program can use.

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;

use bursar_core::engine::sandboxes::SandboxName;
use bursar_core::provider::Catalogue;
use ipnet::IpNet;
use jiff::SignedDuration;

use super::environment::Environment;
use super::error::ConfigError;
use super::groups::{PROVIDERS, ROUTES, RULES};
use super::issuing::IssuingConfig;
use super::keys::every_key;
use super::paths::Paths;
use super::secret_source::SecretSource;
use super::settings::{Misfit, Reader, Settings};
use super::store::{Adopted, StoreConfig};
use super::value::{Origin, Value};
use super::written::Written;
use super::{catalogue, provider_table, route_table, rule_table};
use crate::master_key::Backend;
use crate::server::PublicUrl;

/// The whole configuration: defaults, file, environment.
#[derive(Clone, Debug)]
pub struct Config {
    /// Providers: the embedded entries and your own.
    pub catalogue: Catalogue,
    /// Section `[vault]`.
    pub vault: VaultConfig,
    /// Section `[store]`.
    pub store: StoreConfig,
    /// Section `[network]`.
    pub network: NetworkConfig,
    /// Section `[refresh]`.
    pub refresh: RefreshConfig,
    /// Section `[status]`.
    pub status: StatusConfig,
    /// Section `[login]`.
    pub login: LoginConfig,
    /// Section `[cleanup]`.
    pub cleanup: CleanupConfig,
    /// Section `[agent]`.
    pub agent: AgentConfig,
    /// Section `[gateway]` and its routes.
    pub gateway: GatewayConfig,
    /// Section `[server]`.
    pub server: ServerConfig,
    /// The sections from `[lifetimes]` to `[brand]`.
    pub(super) issuing: IssuingConfig,
    pub(super) misfit: Option<Misfit>,
    /// The list `[[rules]]`; the first one that holds counts.
    pub rules: Vec<RuleConfig>,
    /// Sections `[providers.NAME]`, by name.
    pub providers: BTreeMap<String, ProviderConfig>,
    /// Every value with its origin, for `config show`.
    pub(super) shown: Vec<(String, Option<Value>, Origin)>,
}

/// Where the master key is kept.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct VaultConfig {
    /// The kind of place; `None`: as the vault recorded it.
    pub key: Option<Backend>,
    /// The key file.
    pub key_file: Option<PathBuf>,
    /// A file with the passphrase.
    pub passphrase_file: Option<PathBuf>,
}

/// How providers are reached.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NetworkConfig {
    /// The proxy for everything; the empty text for none at all; `None`: as the environment says.
    pub proxy: Option<String>,
    /// The longest one call may take.
    pub timeout: SignedDuration,
    /// Certificates trusted besides the system's.
    pub ca_file: Option<PathBuf>,
}

/// When tokens are refreshed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefreshConfig {
    /// How long before its end a token is refreshed; `None`: the provider's lead, else the general one.
    pub before: Option<SignedDuration>,
    /// How long a command waits while somebody else refreshes.
    pub wait: SignedDuration,
}

/// When `status` and `check` warn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatusConfig {
    /// Before the end of an access token that nobody can refresh.
    pub warn: SignedDuration,
    /// Before the end of the login itself.
    pub warn_grant: SignedDuration,
    /// How often `status --watch` looks again.
    pub interval: SignedDuration,
}

/// How people log in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoginConfig {
    /// How long a login waits for the browser.
    pub timeout: SignedDuration,
    /// The port the browser comes back to; `None`: any free one.
    pub callback_port: Option<u16>,
    /// Where the client's metadata is, for servers that take that for its id.
    pub client_metadata_url: Option<String>,
    /// Print the address instead of opening a browser.
    pub no_browser: bool,
}

/// What `cleanup` removes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CleanupConfig {
    /// How long an account that needs a new login is kept.
    pub keep: SignedDuration,
}

/// How the agent behaves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AgentConfig {
    /// Whether commands start it when it is not running.
    pub on_demand: bool,
    /// When, by the clock on the wall, everything that ends soon is refreshed; `None`: never at a fixed time.
    pub nightly: Option<jiff::civil::Time>,
    /// What the nightly refresh takes in: access tokens that end within this time.
    pub nightly_ahead: SignedDuration,
}

/// What the gateway passes on, and to whom.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GatewayConfig {
    /// Whether the agent runs it too.
    pub in_agent: bool,
    /// Where it listens; `None`: 127.0.0.1:8791.
    pub listen: Option<std::net::SocketAddr>,
    /// `Host` values accepted besides loopback literals, as `name` or `name:port`.
    pub hosts: Vec<String>,
    /// `Origin` values accepted; a request without one needs none.
    pub origins: Vec<String>,
    /// Where the request log goes; `None`: there is none.
    pub log: Option<PathBuf>,
    /// A log larger than this many bytes is put aside.
    pub log_size: u64,
    /// How many logs put aside are kept.
    pub log_keep: u32,
    /// The routes by name.
    pub routes: BTreeMap<String, RouteConfig>,
}

/// Where the server listens, and what it is known by.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ServerConfig {
    /// Where it listens.
    pub listen: Vec<std::net::SocketAddr>,
    /// Its issuer; `None`: `localhost` with the port it got.
    pub public_url: Option<PublicUrl>,
    /// Its certificate; `None`: plain HTTP.
    pub tls_certificate: Option<PathBuf>,
    /// The certificate's key.
    pub tls_key: Option<PathBuf>,
    /// Proxies whose word on callers counts.
    pub trusted_proxies: Vec<IpNet>,
    /// Connections of one address at a time; zero: as many as there are. `None`: a quarter of them.
    pub connections_per_address: Option<u32>,
    /// The sandbox that commands are about which name none; `None`: the server itself.
    pub sandbox: Option<SandboxName>,
}

/// One route of the gateway; what is not said comes from the provider's entry.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RouteConfig {
    /// The account, as one would type it.
    pub account: String,
    /// Where requests go: scheme, host and a path prefix; `None`: the provider's first API base.
    pub upstream: Option<String>,
    /// How the token is carried: `header`, `query` or `basic`; `None`: as a header.
    pub inject: Option<String>,
    /// The header's or the query parameter's name, or the user name of `basic`.
    pub name: Option<String>,
    /// The header's value; `{token}` stands for the token.
    pub template: Option<String>,
    /// Hosts the route may reach besides the provider's.
    pub hosts: Vec<String>,
}

/// A rule that chooses an account by where a command runs. Every condition it names must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RuleConfig {
    /// The account, as a full reference.
    pub account: String,
    /// The working folder is this folder or below it; `*` and `**` as in `.gitignore`.
    pub directory: Option<String>,
    /// A remote of the Git work tree fits this, such as `github.com/acme/*`.
    pub git_remote: Option<String>,
    /// `NAME` is set, or `NAME=VALUE`.
    pub environment: Option<String>,
}

/// What the user says about one provider.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProviderConfig {
    /// The registered client.
    pub client_id: Option<String>,
    /// Where its secret is.
    pub client_secret: Option<SecretSource>,
    /// The scopes to ask for instead of the entry's.
    pub scopes: Option<Vec<String>>,
    /// The proxy for this provider; the empty text for none at all.
    pub proxy: Option<String>,
    /// Values for the entry's variables.
    pub vars: BTreeMap<String, String>,
}

impl Config {
    /// What the authorization server is told.
    ///
    /// # Errors
    /// A variable that other authorization servers know too says something this one cannot do. Only whoever runs a server
    /// asks, and nobody else is kept from anything by it.
    pub fn issuing(&self) -> Result<&IssuingConfig, ConfigError> {
        match &self.misfit {
            Some(misfit) => Err(misfit.error()),
            None => Ok(&self.issuing),
        }
    }

    /// Whether a server keeps everything in its memory.
    ///
    /// # Errors
    /// As [`StoreConfig::of_server`].
    pub fn is_in_memory(&self) -> Result<bool, ConfigError> {
        Ok(self.store.of_server()?.is_none())
    }

    /// From now on the store is the one a server opens.
    ///
    /// # Errors
    /// As [`StoreConfig::of_server`], or there is none that others could open.
    pub fn keep_as_server(&mut self) -> Result<(), ConfigError> {
        self.store = self.store.of_server()?.ok_or_else(StoreConfig::out_of_reach)?;
        Ok(())
    }

    /// Reads the file, if there is one, and the environment. The first mistake is an error.
    pub fn load(environment: &Environment, paths: &Paths) -> Result<Self, ConfigError> {
        let mut written = Written::default();
        let path = paths.config_file();
        match std::fs::read_to_string(&path) {
            Ok(text) => written.add_file(&path, &text)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(source) => return Err(ConfigError::Unreadable { path, source }),
        }
        written.add_environment(environment)?;
        let home = environment.path("HOME");
        let reader = Reader { base: Some(paths.config_folder()), home: home.as_deref() };
        let mut settings = Settings::default();
        for key in every_key() {
            settings.add(&reader, key, &key.path(), written.settings.remove(&key.path()))?;
        }
        let configured = settings.path("providers_dir");
        let catalogue = catalogue::read(configured, paths.config_folder())?;
        let mut providers = BTreeMap::new();
        for table in reader.tables(&PROVIDERS, &mut written, &mut settings.shown)? {
            providers.insert(table.name.clone(), provider_table::read(table)?);
        }
        let mut routes = BTreeMap::new();
        for table in reader.tables(&ROUTES, &mut written, &mut settings.shown)? {
            routes.insert(table.name.clone(), route_table::read(table)?);
        }
        let mut rules = Vec::new();
        for table in reader.tables(&RULES, &mut written, &mut settings.shown)? {
            rules.push(rule_table::read(table, &catalogue)?);
        }
        Ok(Self { catalogue, rules, providers, ..settings.config(routes, Adopted::of(environment))? })
    }
}

//! The values of every key, from which the configuration is made: written ones, else defaults.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use bursar_core::engine::sandboxes::SandboxName;
use bursar_core::provider::Catalogue;
use jiff::SignedDuration;

use super::error::ConfigError;
use super::groups::Group;
use super::keys::{ADOPTED_VARIABLES, Key};
use super::meaning::{
    AgentConfig, CleanupConfig, Config, GatewayConfig, LoginConfig, NetworkConfig, RefreshConfig,
    RouteConfig, ServerConfig, StatusConfig, VaultConfig,
};
use super::store::Adopted;
use super::value::{Origin, Raw, Value};
use super::written::{Entry, Written};
use super::{issuing, store};
use crate::master_key::Backend;

/// Knows what relative paths and `~` mean.
pub(super) struct Reader<'a> {
    pub(super) base: Option<&'a Path>,
    pub(super) home: Option<&'a Path>,
}

/// The values of one table of a group.
pub(super) struct TableValues {
    pub(super) name: String,
    /// Its path, such as `providers.google` or `rules[2]`.
    pub(super) path: String,
    pub(super) origin: Origin,
    pub(super) values: BTreeMap<&'static str, (Value, Origin)>,
}

impl TableValues {
    /// The text of a key, taken out.
    pub(super) fn text(&mut self, name: &str) -> Option<String> {
        match self.values.remove(name)?.0 {
            Value::Text(text) | Value::Proxy(text) => Some(text),
            _ => None,
        }
    }

    /// The words of a key, taken out.
    pub(super) fn words(&mut self, name: &str) -> Option<Vec<String>> {
        match self.values.remove(name)?.0 {
            Value::Words(words) => Some(words),
            _ => None,
        }
    }

    /// Where a key was written; the table's own place if it was not.
    pub(super) fn place(&self, name: &str) -> Origin {
        self.values.get(name).map_or(&self.origin, |(_, origin)| origin).clone()
    }

    /// What is wrong with a key of this table.
    pub(super) fn wrong(&self, name: &str, place: Origin, detail: &str) -> ConfigError {
        ConfigError::BadValue { place, key: format!("{}.{name}", self.path), detail: detail.to_owned() }
    }
}

impl Reader<'_> {
    /// Every table of a group with its values, in the order they were written.
    pub(super) fn tables(
        &self,
        group: &Group,
        written: &mut Written,
        shown: &mut Vec<(String, Option<Value>, Origin)>,
    ) -> Result<Vec<TableValues>, ConfigError> {
        let mut tables = Vec::new();
        for mut table in written.tables.remove(group.path).unwrap_or_default() {
            let path = group.table(&table.name);
            let mut values = BTreeMap::new();
            for key in group.keys {
                let Some(entry) = table.entries.remove(key.name) else {
                    continue;
                };
                let key_path = format!("{path}.{}", key.name);
                let value = self.read(key, &key_path, &entry)?;
                shown.push((key_path, Some(value.clone()), entry.origin.clone()));
                values.insert(key.name, (value, entry.origin));
            }
            tables.push(TableValues { name: table.name, path, origin: table.origin, values });
        }
        Ok(tables)
    }

    fn read(&self, key: &Key, path: &str, entry: &Entry) -> Result<Value, ConfigError> {
        // Paths in the environment are meant from where the command runs, as everywhere.
        let base = self.base.filter(|_| matches!(entry.origin, Origin::File { .. }));
        Value::read(key, &entry.raw, base, self.home).map_err(|detail| ConfigError::BadValue {
            place: entry.origin.clone(),
            key: path.to_owned(),
            detail,
        })
    }
}

/// The values of all keys outside groups.
#[derive(Default)]
pub(super) struct Settings {
    values: BTreeMap<String, Value>,
    /// Every value with its origin, in the order of the manual.
    pub(super) shown: Vec<(String, Option<Value>, Origin)>,
    misfit: Option<Misfit>,
}

/// A variable that may be meant for another program, and means nothing to a server of ours.
#[derive(Clone, Debug)]
pub(super) struct Misfit {
    place: Origin,
    key: String,
    detail: String,
}

impl Misfit {
    pub(super) fn error(&self) -> ConfigError {
        let Self { place, key, detail } = self.clone();
        ConfigError::BadValue { place, key, detail }
    }
}

impl Settings {
    /// Reads what was written for a key, or its default.
    pub(super) fn add(
        &mut self,
        reader: &Reader<'_>,
        key: &Key,
        path: &str,
        written: Option<Entry>,
    ) -> Result<(), ConfigError> {
        let default =
            || key.default.map(|text| Entry { raw: Raw::Text(text.to_owned()), origin: Origin::Default });
        let Some(entry) = written.or_else(default) else {
            self.shown.push((path.to_owned(), None, Origin::Default));
            return Ok(());
        };
        let (value, origin) = match (reader.read(key, path, &entry), default()) {
            (Ok(value), _) => (value, entry.origin),
            (Err(error), Some(default)) if is_adopted(&entry.origin) => {
                self.note(error);
                (reader.read(key, path, &default)?, default.origin)
            }
            (Err(error), _) => return Err(error),
        };
        self.values.insert(path.to_owned(), value.clone());
        self.shown.push((path.to_owned(), Some(value), origin));
        Ok(())
    }

    /// Refuses what a key says: at once, or as soon as a server is meant where somebody else may be meant.
    pub(super) fn refuse(&mut self, path: &str, detail: &str) -> Result<(), ConfigError> {
        let place = self.place(path);
        let is_adopted = is_adopted(&place);
        let error = ConfigError::BadValue { place, key: path.to_owned(), detail: detail.to_owned() };
        if is_adopted {
            self.note(error);
            return Ok(());
        }
        Err(error)
    }

    /// Whether somebody has said a key.
    pub(super) fn is_written(&self, path: &str) -> bool {
        self.place(path) != Origin::Default
    }

    /// Where a value comes from.
    pub(super) fn place(&self, path: &str) -> Origin {
        let shown = self.shown.iter().find(|(shown, _, _)| shown == path);
        shown.map_or(Origin::Default, |(_, _, origin)| origin.clone())
    }

    fn note(&mut self, error: ConfigError) {
        if let ConfigError::BadValue { place, key, detail } = error {
            self.misfit.get_or_insert(Misfit { place, key, detail });
        }
    }

    /// The configuration without catalogue, providers and rules.
    pub(super) fn config(
        mut self,
        routes: BTreeMap<String, RouteConfig>,
        adopted: Option<Adopted>,
    ) -> Result<Config, ConfigError> {
        Ok(Config {
            store: store::read(&mut self, adopted)?,
            issuing: issuing::read(&mut self)?,
            catalogue: Catalogue::embedded(),
            vault: VaultConfig {
                key: self.text("vault.key").and_then(|name| backend(&name)),
                key_file: self.path("vault.key_file"),
                passphrase_file: self.path("vault.passphrase_file"),
            },
            network: NetworkConfig {
                proxy: self.text("network.proxy"),
                timeout: self.duration("network.timeout").unwrap_or_default(),
                ca_file: self.path("network.ca_file"),
            },
            refresh: RefreshConfig {
                before: self.duration("refresh.before"),
                wait: self.duration("refresh.wait").unwrap_or_default(),
            },
            status: StatusConfig {
                warn: self.duration("status.warn").unwrap_or_default(),
                warn_grant: self.duration("status.warn_grant").unwrap_or_default(),
                interval: self.duration("status.interval").unwrap_or_default(),
            },
            login: LoginConfig {
                timeout: self.duration("login.timeout").unwrap_or_default(),
                callback_port: self.port("login.callback_port").filter(|port| *port != 0),
                client_metadata_url: self.text("login.client_metadata_url").filter(|url| !url.is_empty()),
                no_browser: self.flag("login.no_browser"),
            },
            cleanup: CleanupConfig { keep: self.duration("cleanup.keep").unwrap_or_default() },
            agent: AgentConfig {
                on_demand: self.flag("agent.on_demand"),
                nightly: match self.values.remove("agent.nightly") {
                    Some(Value::TimeOfDay(time)) => time,
                    _ => None,
                },
                nightly_ahead: self.duration("agent.nightly_ahead").unwrap_or_default(),
            },
            gateway: GatewayConfig {
                in_agent: self.flag("gateway.in_agent"),
                listen: match self.values.remove("gateway.listen") {
                    Some(Value::Address(address)) => Some(address),
                    _ => None,
                },
                hosts: self.words("gateway.hosts"),
                origins: self.words("gateway.origins"),
                log: self.path("gateway.log"),
                log_size: match self.values.remove("gateway.log_size") {
                    Some(Value::Size(size)) => size,
                    _ => 0,
                },
                log_keep: self.number("gateway.log_keep"),
                routes,
            },
            server: ServerConfig {
                listen: match self.values.remove("server.listen") {
                    Some(Value::Addresses(addresses)) => addresses,
                    _ => Vec::new(),
                },
                public_url: match self.values.remove("server.public_url") {
                    Some(Value::PublicUrl(url)) => Some(url),
                    _ => None,
                },
                sandbox: self.text("server.sandbox").and_then(|name| SandboxName::parse(&name).ok()),
                tls_certificate: self.path("server.tls_certificate"),
                tls_key: self.path("server.tls_key"),
                trusted_proxies: match self.values.remove("server.trusted_proxies") {
                    Some(Value::Networks(networks)) => networks,
                    _ => Vec::new(),
                },
                connections_per_address: match self.values.remove("server.connections_per_address") {
                    Some(Value::Number(number)) => Some(number),
                    _ => None,
                },
            },
            rules: Vec::new(),
            providers: BTreeMap::new(),
            misfit: self.misfit,
            shown: self.shown,
        })
    }

    /// The value of a key, taken out.
    pub(super) fn take(&mut self, path: &str) -> Option<Value> {
        self.values.remove(path)
    }

    pub(super) fn text(&mut self, path: &str) -> Option<String> {
        match self.values.remove(path) {
            Some(Value::Text(text) | Value::Proxy(text)) => Some(text),
            _ => None,
        }
    }

    pub(super) fn words(&mut self, path: &str) -> Vec<String> {
        match self.values.remove(path) {
            Some(Value::Words(words)) => words,
            _ => Vec::new(),
        }
    }

    /// The path a key says, taken out.
    pub(super) fn path(&mut self, path: &str) -> Option<PathBuf> {
        match self.values.remove(path) {
            Some(Value::Path(path)) => Some(path),
            _ => None,
        }
    }

    pub(super) fn duration(&mut self, path: &str) -> Option<SignedDuration> {
        match self.values.remove(path) {
            Some(Value::Duration(duration)) => Some(duration),
            _ => None,
        }
    }

    pub(super) fn number(&mut self, path: &str) -> u32 {
        match self.values.remove(path) {
            Some(Value::Number(number)) => number,
            _ => 0,
        }
    }

    pub(super) fn variables(&mut self, path: &str) -> BTreeMap<String, String> {
        match self.values.remove(path) {
            Some(Value::Variables(variables)) => variables,
            _ => BTreeMap::new(),
        }
    }

    fn port(&mut self, path: &str) -> Option<u16> {
        match self.values.remove(path) {
            Some(Value::Port(port)) => Some(port),
            _ => None,
        }
    }

    pub(super) fn flag(&mut self, path: &str) -> bool {
        matches!(self.values.remove(path), Some(Value::Flag(true)))
    }
}

fn is_adopted(origin: &Origin) -> bool {
    matches!(origin, Origin::Environment(variable) if ADOPTED_VARIABLES.iter().any(|(adopted, _)| adopted == variable))
}

fn backend(name: &str) -> Option<Backend> {
    match name {
        "keychain" => Some(Backend::Keychain),
        "passphrase" => Some(Backend::Passphrase),
        "key_file" => Some(Backend::KeyFile),
        _ => None,
    }
}

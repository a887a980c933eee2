//! Where everything is kept, as the section `[store]` has it, and as other servers' variables have it for a server.

use std::path::PathBuf;

use super::environment::Environment;
use super::error::ConfigError;
use super::secret_keys;
use super::secret_source::SecretSource;
use super::settings::Settings;
use super::store_url::{StoreServer, StoreUrl};
use super::value::{Origin, Value};

/// Section `[store]`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StoreConfig {
    /// Where everything is kept; `None`: in the file of this machine.
    pub database: Option<StoreAddress>,
    /// Where ephemeral kinds are kept instead.
    pub ephemeral: Option<StoreAddress>,
    /// Whom to believe at a Redis server instead of the authorities the system trusts.
    pub ca_file: Option<PathBuf>,
    /// What names in Redis begin with, unless it is the usual.
    pub redis_prefix: Option<String>,
    /// A Redis server that hides its settings is believed.
    pub trust_settings: bool,
    /// Redis may have replicas.
    pub accept_replicas: bool,
    /// What other servers' variables say.
    pub(super) adopted: Option<Adopted>,
}

/// A server, and how to get in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreAddress {
    /// Its URL.
    pub url: StoreUrl,
    /// Where its password is, unless the URL has it or none is needed.
    pub password: Option<SecretSource>,
}

/// What `SESSION_PROVIDER` and `SESSION_REDIS_URL` say. They may be meant for another program, so they count for a
/// server only, and are judged only then.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Adopted {
    provider: String,
    redis_url: Option<String>,
}

impl Adopted {
    pub(super) fn of(environment: &Environment) -> Option<Self> {
        let provider = environment.text(PROVIDER)?.to_owned();
        Some(Self { provider, redis_url: environment.text(REDIS_URL).map(str::to_owned) })
    }
}

impl StoreConfig {
    /// Where a server keeps everything: as configured, else as the variables say that other servers know too. `None`: in
    /// its own memory, and nowhere else.
    ///
    /// # Errors
    /// A variable says something this server cannot do.
    pub fn of_server(&self) -> Result<Option<Self>, ConfigError> {
        let kept = || Ok(Some(self.clone()));
        let Some(adopted) = self.adopted.as_ref().filter(|_| self.database.is_none()) else { return kept() };
        match adopted.provider.to_ascii_lowercase().as_str() {
            "database" | "sqlite" => kept(),
            "memory" => Ok(None),
            "redis" => {
                let written = adopted.redis_url.as_deref();
                let url = written
                    .and_then(StoreUrl::parse)
                    .filter(|url| url.server() == StoreServer::Redis)
                    .ok_or_else(|| {
                        wrong(REDIS_URL, "must be the URL of the Redis server that SESSION_PROVIDER asks for")
                    })?;
                let database = Some(StoreAddress { url, password: None });
                Ok(Some(Self { database, ..self.clone() }))
            }
            "postgres" | "postgresql" => Err(wrong(
                PROVIDER,
                "says PostgreSQL, but not where: set `store.database` or BURSAR_STORE_DATABASE",
            )),
            _ => Err(wrong(PROVIDER, "must be one of `database`, `sqlite`, `postgres`, `redis`, `memory`")),
        }
    }

    /// What a command is told that cannot look into a server's memory.
    pub(super) fn out_of_reach() -> ConfigError {
        wrong(PROVIDER, "says `memory`: what a server keeps there, no other process can reach")
    }
}

fn wrong(variable: &str, detail: &str) -> ConfigError {
    let place = Origin::Environment(variable.to_owned());
    ConfigError::BadValue { place, key: variable.to_owned(), detail: detail.to_owned() }
}

/// Takes the store's values out of all that were read.
pub(super) fn read(settings: &mut Settings, adopted: Option<Adopted>) -> Result<StoreConfig, ConfigError> {
    Ok(StoreConfig {
        database: address(settings, "database", &DATABASE_PASSWORD)?,
        ephemeral: address(settings, "ephemeral", &EPHEMERAL_PASSWORD)?,
        ca_file: settings.path("store.ca_file"),
        redis_prefix: settings.text("store.redis_prefix"),
        trust_settings: settings.flag("store.trust_settings"),
        accept_replicas: settings.flag("store.accept_replicas"),
        adopted,
    })
}

/// The server that one key names, with the password that one of three others says.
fn address(
    settings: &mut Settings,
    name: &str,
    passwords: &[&'static str; 3],
) -> Result<Option<StoreAddress>, ConfigError> {
    let place = settings.place(&format!("store.{name}"));
    let found = passwords.map(|name| {
        let path = format!("store.{name}");
        settings.take(&path).map(|value| (name, value, settings.place(&path)))
    });
    let found: Vec<_> = found.into_iter().flatten().collect();
    let said = found.first().map(|(name, _, place)| (*name, place.clone()));
    let bad = |place: Origin, name: &str, detail: &str| ConfigError::BadValue {
        place,
        key: format!("store.{name}"),
        detail: detail.to_owned(),
    };
    let password = secret_keys::chosen(found).map_err(|twice| bad(twice.place, twice.name, &twice.detail))?;
    let Some(Value::StoreUrl(url)) = settings.take(&format!("store.{name}")) else { return Ok(None) };
    if url.has_password() {
        if matches!(place, Origin::File { .. }) {
            let detail = format!(
                "holds a password, which does not belong in this file; use store.{name}_password_file, \
                 store.{name}_password_command or the environment"
            );
            return Err(bad(place, name, &detail));
        }
        if let Some((said, place)) = said {
            return Err(bad(place, said, &format!("says a password, but `store.{name}` has one already")));
        }
    }
    Ok(Some(StoreAddress { url, password }))
}

const PROVIDER: &str = "SESSION_PROVIDER";
const REDIS_URL: &str = "SESSION_REDIS_URL";
const DATABASE_PASSWORD: [&str; 3] =
    ["database_password", "database_password_file", "database_password_command"];
const EPHEMERAL_PASSWORD: [&str; 3] =
    ["ephemeral_password", "ephemeral_password_file", "ephemeral_password_command"];

#[cfg(test)]
mod tests {
    use super::*;

    fn adopted(provider: &str, redis_url: Option<&str>) -> StoreConfig {
        let adopted = Adopted { provider: provider.to_owned(), redis_url: redis_url.map(str::to_owned) };
        StoreConfig { adopted: Some(adopted), ..StoreConfig::default() }
    }

    fn database(store: Result<Option<StoreConfig>, ConfigError>) -> Option<String> {
        match store.unwrap() {
            Some(kept) => kept.database.map(|address| address.url.to_string()),
            None => Some("memory".to_owned()),
        }
    }

    #[test]
    fn other_servers_variables_say_where_a_server_keeps_everything() {
        assert_eq!(database(StoreConfig::default().of_server()), None);
        let redis = Some("redis://localhost:6379/0");
        for (provider, expected) in [
            ("database", None),
            ("sqlite", None),
            ("memory", Some("memory")),
            ("redis", redis),
            ("Redis", redis),
        ] {
            assert_eq!(database(adopted(provider, redis).of_server()).as_deref(), expected, "{provider}");
        }
        let url = StoreUrl::parse("postgres://localhost/bursar").unwrap();
        let ours =
            StoreConfig { database: Some(StoreAddress { url, password: None }), ..adopted("memory", redis) };
        assert_eq!(database(ours.of_server()).as_deref(), Some("postgres://localhost/bursar"));
    }

    #[test]
    fn variables_that_mean_nothing_to_us_are_refused_with_what_would() {
        for (provider, redis_url, words) in [
            ("etcd", None, "must be one of"),
            ("postgres", None, "BURSAR_STORE_DATABASE"),
            ("redis", None, "must be the URL"),
            ("redis", Some("http://geheim@host"), "must be the URL"),
            ("redis", Some("postgres://u:geheim@host"), "must be the URL"),
        ] {
            let error = adopted(provider, redis_url).of_server().unwrap_err().to_string();
            assert!(error.contains(words) && !error.contains("geheim"), "{error}");
        }
    }
}

//! `[providers.NAME]`: what the user says about one provider.

use super::error::ConfigError;
use super::meaning::ProviderConfig;
use super::secret_keys;
use super::secret_source::SecretSource;
use super::settings::TableValues;
use super::value::Value;

pub(super) fn read(mut table: TableValues) -> Result<ProviderConfig, ConfigError> {
    Ok(ProviderConfig {
        client_id: table.text("client_id"),
        scopes: table.words("scopes"),
        proxy: table.text("proxy"),
        vars: match table.values.remove("vars") {
            Some((Value::Variables(variables), _)) => variables,
            _ => std::collections::BTreeMap::new(),
        },
        client_secret: client_secret(&mut table)?,
    })
}

fn client_secret(table: &mut TableValues) -> Result<Option<SecretSource>, ConfigError> {
    let names = ["client_secret", "client_secret_file", "client_secret_command"];
    let found = names.map(|name| table.values.remove(name).map(|(value, origin)| (name, value, origin)));
    secret_keys::chosen(found.into_iter().flatten())
        .map_err(|twice| table.wrong(twice.name, twice.place, &twice.detail))
}

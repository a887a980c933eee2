//! `[providers.NAME]`: what the user says about one provider.

use super::client_secret::ClientSecret;
use super::error::ConfigError;
use super::meaning::ProviderConfig;
use super::settings::TableValues;
use super::value::{Origin, Value};

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

/// The secret, wherever it is; two places in one source are a mistake.
fn client_secret(table: &mut TableValues) -> Result<Option<ClientSecret>, ConfigError> {
    let mut chosen: Option<(ClientSecret, Origin)> = None;
    for name in ["client_secret", "client_secret_file", "client_secret_command"] {
        let Some((value, origin)) = table.values.remove(name) else {
            continue;
        };
        let secret = match value {
            Value::Secret(secret) => ClientSecret::Given(secret),
            Value::Path(path) => ClientSecret::File(path),
            Value::Command(command) => ClientSecret::Command(command),
            _ => continue,
        };
        let is_file = |origin: &Origin| matches!(origin, Origin::File { .. });
        match &chosen {
            // The environment overrides the file, whichever of the three keys each of them uses.
            Some((_, before)) if !is_file(before) && is_file(&origin) => {}
            Some((_, before)) if is_file(before) == is_file(&origin) => {
                let detail = format!("says a second time where the client secret is; the first is {before}");
                return Err(table.wrong(name, origin, &detail));
            }
            _ => chosen = Some((secret, origin)),
        }
    }
    Ok(chosen.map(|(secret, _)| secret))
}

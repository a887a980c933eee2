//! `bursar config`: is it right, what is in force, what could be written.

use serde_json::json;

use super::arguments::{ConfigAction, ConfigCommand};
use super::printer::Printer;
use crate::config::environment::Environment;
use crate::config::paths::Paths;
use crate::config::{self, Config, ShownKey};
use crate::exit::{Exit, Failure};
use crate::issuing;

/// Needs no store, and makes no file or folder.
pub(super) fn run(
    command: &ConfigCommand,
    environment: &Environment,
    printer: &Printer,
) -> Result<Exit, Failure> {
    match command.action {
        ConfigAction::Check => {
            let (config, paths) = load(environment)?;
            issuing::look(&config.issuing()?.brand)?;
            let from = if paths.config_file().exists() {
                paths.config_file().display().to_string()
            } else {
                format!("no file at {}, so defaults and environment count", paths.config_file().display())
            };
            printer.say(&format!("configuration is fine ({from})"));
        }
        ConfigAction::Show => {
            let (config, _) = load(environment)?;
            let keys = config::show(&config);
            if printer.json {
                printer.document(&keys.iter().map(document).collect());
            } else {
                printer.data(&table(&keys));
            }
        }
        ConfigAction::Reference => printer.data(&config::reference_markdown()),
        ConfigAction::Openapi => printer.data(&crate::http::openapi()),
    }
    Ok(Exit::Ok)
}

fn load(environment: &Environment) -> Result<(Config, Paths), Failure> {
    let paths = Paths::resolve(environment)?;
    let config = Config::load(environment, &paths)
        .map_err(|error| Failure::of(Exit::Usage, &error).hint(error.hint()))?;
    Ok((config, paths))
}

fn document(key: &ShownKey) -> serde_json::Value {
    json!({"schema": 1, "key": key.key, "value": key.value, "origin": key.origin.to_string()})
}

/// Aligned columns. Values are never cut: somebody wants to copy them.
fn table(keys: &[ShownKey]) -> String {
    let rows = keys.iter().map(|key| {
        [key.key.clone(), key.value.clone().unwrap_or_else(|| "-".to_owned()), key.origin.to_string()]
    });
    let rows: Vec<[String; 3]> =
        [["KEY", "VALUE", "ORIGIN"].map(str::to_owned)].into_iter().chain(rows).collect();
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let (key_width, value_width) = (width(0), width(1));
    let line =
        |[key, value, origin]: &[String; 3]| format!("{key:key_width$}  {value:value_width$}  {origin}\n");
    rows.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Origin;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let key = |key: &str, value: Option<&str>, origin| ShownKey {
            key: key.to_owned(),
            value: value.map(str::to_owned),
            origin,
        };
        let variable = Origin::Environment("BURSAR_NETWORK_TIMEOUT".to_owned());
        let keys = [key("network.timeout", Some("10s"), variable), key("vault.key", None, Origin::Default)];
        insta::assert_snapshot!(table(&keys), @r"
        KEY              VALUE  ORIGIN
        network.timeout  10s    environment variable BURSAR_NETWORK_TIMEOUT
        vault.key        -      default
        ");
    }
}

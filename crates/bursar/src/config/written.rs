//! First step: which keys were written, where, and as what. Unknown ones end here.

use std::collections::BTreeMap;
use std::path::Path;

use bursar_core::provider::nearest::nearest;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::environment::Environment;
use super::error::ConfigError;
use super::keys::{KEYS, Key, PROVIDER_KEYS, SECTIONS};
use super::value::{Origin, Raw};

/// Everything that was written.
#[derive(Default)]
pub(super) struct Written {
    /// By key path.
    pub(super) settings: BTreeMap<String, Entry>,
    /// By provider, then by key name.
    pub(super) providers: BTreeMap<String, BTreeMap<&'static str, Entry>>,
}

/// A value and its place.
pub(super) struct Entry {
    pub(super) raw: Raw,
    pub(super) origin: Origin,
}

impl Written {
    /// Adds what the file says.
    pub(super) fn add_file(&mut self, path: &Path, text: &str) -> Result<(), ConfigError> {
        let source = Source { path, text };
        let table = DeTable::parse(text).map_err(|error| ConfigError::Syntax {
            place: source.place(error.span().map_or(0, |span| span.start)),
            detail: error.message().to_owned(),
        })?;
        for (name, value) in table.get_ref() {
            let section = name.get_ref().as_ref();
            match value.get_ref() {
                DeValue::Table(table) if section == "providers" => self.add_providers(&source, table)?,
                DeValue::Table(table) if SECTIONS.iter().any(|(known, _)| *known == section) => {
                    self.add_section(&source, section, table)?;
                }
                _ => {
                    let key = KEYS.iter().find(|key| key.section.is_empty() && key.name == section);
                    let Some(key) = key else {
                        let top = KEYS.iter().filter(|key| key.section.is_empty()).map(|key| key.name);
                        let known = SECTIONS.iter().map(|(section, _)| *section).chain(top);
                        return Err(source.unknown(name, section, known.chain(["providers"])));
                    };
                    self.settings.insert(key.path(), source.entry(value));
                }
            }
        }
        Ok(())
    }

    fn add_section(
        &mut self,
        source: &Source<'_>,
        section: &str,
        table: &DeTable<'_>,
    ) -> Result<(), ConfigError> {
        for (name, value) in table {
            let keys = KEYS.iter().filter(|key| key.section == section);
            let Some(key) = keys.clone().find(|key| key.name == name.get_ref().as_ref()) else {
                let written = format!("{section}.{}", name.get_ref());
                return Err(source.unknown(name, &written, keys.map(|key| key.name)));
            };
            self.settings.insert(key.path(), source.entry(value));
        }
        Ok(())
    }

    fn add_providers(&mut self, source: &Source<'_>, table: &DeTable<'_>) -> Result<(), ConfigError> {
        for (provider, value) in table {
            let DeValue::Table(table) = value.get_ref() else {
                return Err(ConfigError::BadValue {
                    place: source.place(value.span().start),
                    key: format!("providers.{}", provider.get_ref()),
                    detail: "must be a table of keys".to_owned(),
                });
            };
            let entries = self.providers.entry(provider.get_ref().to_string()).or_default();
            for (name, value) in table {
                let Some(key) = PROVIDER_KEYS.iter().find(|key| key.name == name.get_ref().as_ref()) else {
                    let written = format!("providers.{}.{}", provider.get_ref(), name.get_ref());
                    return Err(source.unknown(name, &written, PROVIDER_KEYS.iter().map(|key| key.name)));
                };
                entries.insert(key.name, source.entry(value));
            }
        }
        Ok(())
    }

    /// Adds what the environment says; it wins over the file.
    pub(super) fn add_environment(&mut self, environment: &Environment) -> Result<(), ConfigError> {
        for name in environment.names() {
            let Some(rest) = name.strip_prefix("BURSAR_") else {
                continue;
            };
            let Some(text) = environment.written(name) else {
                continue;
            };
            let entry =
                Entry { raw: Raw::Text(text.to_owned()), origin: Origin::Environment(name.to_owned()) };
            if let Some(key) = KEYS.iter().find(|key| key.variable() == name) {
                self.settings.insert(key.path(), entry);
            } else if let Some(rest) = rest.strip_prefix("PROVIDERS_") {
                let Some((provider, key)) = provider_variable(rest) else {
                    return Err(unknown_variable(name, PROVIDER_KEYS));
                };
                self.providers.entry(self.provider_named(provider)).or_default().insert(key.name, entry);
            } else if SECTIONS.iter().any(|(section, _)| is_of_section(rest, section)) {
                return Err(unknown_variable(name, KEYS));
            }
        }
        Ok(())
    }

    /// Variables cannot tell `-` and `.` from `_`: a provider of the file is meant if it looks the same, else one
    /// with `-`.
    fn provider_named(&self, written: &str) -> String {
        let known = self.providers.keys().find(|known| capitals(known) == written);
        known.cloned().unwrap_or_else(|| written.to_ascii_lowercase().replace('_', "-"))
    }
}

fn capitals(name: &str) -> String {
    name.to_ascii_uppercase().replace(['-', '.'], "_")
}

/// `GITHUB_APP_CLIENT_ID` is the key `client_id` of the provider `GITHUB_APP`.
fn provider_variable(rest: &str) -> Option<(&str, &'static Key)> {
    PROVIDER_KEYS.iter().find_map(|key| {
        let provider = rest.strip_suffix(&key.name.to_ascii_uppercase())?.strip_suffix('_')?;
        (!provider.is_empty()).then_some((provider, key))
    })
}

fn is_of_section(rest: &str, section: &str) -> bool {
    let rest = rest.strip_prefix(&section.to_ascii_uppercase()).unwrap_or_default();
    !section.is_empty() && rest.starts_with('_')
}

fn unknown_variable(name: &str, keys: &[Key]) -> ConfigError {
    let variables: Vec<String> = keys.iter().map(Key::variable).collect();
    ConfigError::UnknownKey {
        place: Origin::Environment(name.to_owned()),
        key: name.to_owned(),
        nearest: nearest(name, variables.iter().map(String::as_str)).map(str::to_owned),
    }
}

/// The file, to tell places in it.
struct Source<'a> {
    path: &'a Path,
    text: &'a str,
}

impl Source<'_> {
    fn place(&self, offset: usize) -> Origin {
        let before = self.text.get(..offset).unwrap_or(self.text);
        let line_start = before.rfind('\n').map_or(0, |end| end + 1);
        Origin::File {
            path: self.path.to_owned(),
            line: before.matches('\n').count() + 1,
            column: before[line_start..].chars().count() + 1,
        }
    }

    fn entry(&self, value: &Spanned<DeValue<'_>>) -> Entry {
        Entry { raw: raw(value.get_ref()), origin: self.place(value.span().start) }
    }

    fn unknown<'k>(
        &self,
        name: &Spanned<std::borrow::Cow<'_, str>>,
        written: &str,
        known: impl Iterator<Item = &'k str>,
    ) -> ConfigError {
        ConfigError::UnknownKey {
            place: self.place(name.span().start),
            key: written.to_owned(),
            nearest: nearest(name.get_ref(), known.filter(|known| !known.is_empty())).map(str::to_owned),
        }
    }
}

fn raw(value: &DeValue<'_>) -> Raw {
    let text = |value: &DeValue<'_>| value.as_str().map(str::to_owned);
    match value {
        DeValue::String(text) => Raw::Text(text.to_string()),
        DeValue::Boolean(flag) => Raw::Flag(*flag),
        DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix())
            .map_or(Raw::Other("a number so large"), Raw::Number),
        DeValue::Array(values) => {
            let words = values.iter().map(|value| text(value.get_ref()));
            words.collect::<Option<_>>().map_or(Raw::Other("a list of other things than texts"), Raw::Words)
        }
        DeValue::Table(values) => {
            let pairs =
                values.iter().map(|(name, value)| Some((name.get_ref().to_string(), text(value.get_ref())?)));
            pairs
                .collect::<Option<_>>()
                .map_or(Raw::Other("a table of other things than texts"), Raw::Variables)
        }
        DeValue::Float(_) => Raw::Other("a number with a fraction"),
        DeValue::Datetime(_) => Raw::Other("a date or time"),
    }
}

//! First step: which keys were written, where, and as what. Unknown ones end here.

use std::collections::BTreeMap;
use std::path::Path;

use bursar_core::provider::nearest::nearest;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::environment::Environment;
use super::error::ConfigError;
use super::groups::{GROUPS, Group, Shape};
use super::keys::{ADOPTED_VARIABLES, Form, Key, SECTIONS, every_key};
use super::value::{Origin, Raw};

/// Everything that was written.
#[derive(Default)]
pub(super) struct Written {
    /// By key path.
    pub(super) settings: BTreeMap<String, Entry>,
    /// The tables of each group, by its path, in the order they were written.
    pub(super) tables: BTreeMap<&'static str, Vec<Table>>,
}

/// A table that the user named, or counted.
pub(super) struct Table {
    /// Of a list, its number from 1.
    pub(super) name: String,
    pub(super) origin: Origin,
    /// By key name.
    pub(super) entries: BTreeMap<&'static str, Entry>,
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
            if let Some(group) = group_at("", section) {
                self.add_group(&source, group, value)?;
                continue;
            }
            match value.get_ref() {
                DeValue::Table(table) if SECTIONS.iter().any(|(known, _)| *known == section) => {
                    self.add_section(&source, section, table)?;
                }
                _ => {
                    let key = every_key().find(|key| key.section.is_empty() && key.name == section);
                    let Some(key) = key else {
                        let top = every_key().filter(|key| key.section.is_empty()).map(|key| key.name);
                        let known = SECTIONS.iter().map(|(section, _)| *section).chain(top);
                        return Err(source.unknown(name, section, known.chain(groups_of(""))));
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
            if let Some(group) = group_at(section, name.get_ref()) {
                self.add_group(source, group, value)?;
                continue;
            }
            let keys = every_key().filter(|key| key.section == section);
            let Some(key) = keys.clone().find(|key| key.name == name.get_ref().as_ref()) else {
                let written = format!("{section}.{}", name.get_ref());
                let known = keys.map(|key| key.name).chain(groups_of(section));
                return Err(source.unknown(name, &written, known));
            };
            self.settings.insert(key.path(), source.entry(value));
        }
        Ok(())
    }

    fn add_group(
        &mut self,
        source: &Source<'_>,
        group: &'static Group,
        value: &Spanned<DeValue<'_>>,
    ) -> Result<(), ConfigError> {
        let wrong = |place: usize, key: String| ConfigError::BadValue {
            place: source.place(place),
            key,
            detail: format!("must be a table of keys, `{}`", group.heading()),
        };
        // Name, place and value of each table.
        let tables: Vec<(String, usize, &DeValue<'_>)> = match (group.shape, value.get_ref()) {
            (Shape::Named, DeValue::Table(tables)) => {
                let named = tables.iter();
                named
                    .map(|(name, value)| (name.get_ref().to_string(), name.span().start, value.get_ref()))
                    .collect()
            }
            (Shape::List, DeValue::Array(tables)) => {
                let numbered = (1..).zip(tables.iter());
                numbered
                    .map(|(number, value): (usize, _)| {
                        (number.to_string(), value.span().start, value.get_ref())
                    })
                    .collect()
            }
            _ => return Err(wrong(value.span().start, group.path.to_owned())),
        };
        for (name, place, value) in tables {
            let DeValue::Table(table) = value else {
                return Err(wrong(place, group.table(&name)));
            };
            let written = self.table(group, &name, source.place(place));
            for (key_name, value) in table {
                let Some(key) = group.keys.iter().find(|key| key.name == key_name.get_ref().as_ref()) else {
                    let key = format!("{}.{}", group.table(&name), key_name.get_ref());
                    return Err(source.unknown(key_name, &key, group.keys.iter().map(|key| key.name)));
                };
                written.entries.insert(key.name, source.entry(value));
            }
        }
        Ok(())
    }

    /// The table of that name, a new one if there is none.
    fn table(&mut self, group: &Group, name: &str, origin: Origin) -> &mut Table {
        let tables = self.tables.entry(group.path).or_default();
        let place = tables.iter().position(|table| table.name == name).unwrap_or_else(|| {
            tables.push(Table { name: name.to_owned(), origin, entries: BTreeMap::new() });
            tables.len() - 1
        });
        &mut tables[place]
    }

    /// Adds what the environment says; it wins over the file.
    pub(super) fn add_environment(&mut self, environment: &Environment) -> Result<(), ConfigError> {
        for (variable, path) in ADOPTED_VARIABLES {
            let Some(text) = environment.text(variable) else {
                continue;
            };
            let is_number = text.bytes().all(|byte| byte.is_ascii_digit());
            let text = if is_number { format!("{text}s") } else { text.to_owned() };
            let origin = Origin::Environment((*variable).to_owned());
            self.settings.insert((*path).to_owned(), Entry { raw: Raw::Text(text), origin });
        }
        for name in environment.names() {
            let Some(rest) = name.strip_prefix("BURSAR_") else {
                continue;
            };
            let Some(text) = environment.written(name) else {
                continue;
            };
            let entry =
                Entry { raw: Raw::Text(text.to_owned()), origin: Origin::Environment(name.to_owned()) };
            if let Some(key) = every_key().find(|key| key.variable() == name) {
                // What starts servers sets variables of secrets to nothing where there is none.
                if key.form == Form::Secret && text.is_empty() {
                    continue;
                }
                self.settings.insert(key.path(), entry);
            } else if SET_FOR_CHILDREN.contains(&name) {
                // Ours, but no key: a command that runs inside `bursar exec` has them.
            } else if let Some((group, rest)) = group_of_variable(rest) {
                if !group.in_environment {
                    let detail = "can only be written in the file".to_owned();
                    return Err(ConfigError::BadValue {
                        place: entry.origin,
                        key: group.path.to_owned(),
                        detail,
                    });
                }
                let Some((table, key)) = table_variable(group, rest) else {
                    return Err(unknown_variable(name, group.keys.iter()));
                };
                let table = self.table_named(group, table);
                let written = self.table(group, &table, entry.origin.clone());
                written.entries.insert(key.name, entry);
            } else if SECTIONS.iter().any(|(section, _)| is_of_section(rest, section)) {
                return Err(unknown_variable(name, every_key()));
            }
        }
        Ok(())
    }

    /// Variables cannot tell `-` and `.` from `_`: a table of the file is meant if its name looks the same, else one
    /// with `-`.
    fn table_named(&self, group: &Group, written: &str) -> String {
        let mut known = self.tables.get(group.path).into_iter().flatten().map(|table| &table.name);
        let known = known.find(|known| capitals(known) == written);
        known.cloned().unwrap_or_else(|| written.to_ascii_lowercase().replace('_', "-"))
    }
}

/// Variables that bursar sets for the commands it runs. None is a key, whatever its name looks like.
const SET_FOR_CHILDREN: &[&str] =
    &["BURSAR_SESSION", "BURSAR_SESSION_TOKEN", "BURSAR_SOCKET", "BURSAR_GATEWAY", "BURSAR_GATEWAY_TOKEN"];

fn group_at(section: &str, name: &str) -> Option<&'static Group> {
    GROUPS.iter().find(|group| group.place() == (section, name)).copied()
}

fn groups_of(section: &str) -> impl Iterator<Item = &'static str> {
    GROUPS.iter().map(|group| group.place()).filter(move |place| place.0 == section).map(|place| place.1)
}

fn capitals(name: &str) -> String {
    name.to_ascii_uppercase().replace(['-', '.'], "_")
}

/// The group whose keys a variable (without `BURSAR_`) looks like, and what follows.
fn group_of_variable(rest: &str) -> Option<(&'static Group, &str)> {
    GROUPS.iter().find_map(|group| Some((*group, rest.strip_prefix(&group.variable_prefix())?)))
}

/// `GITHUB_APP_CLIENT_ID` is the key `client_id` of the table `GITHUB_APP`.
fn table_variable<'a>(group: &Group, rest: &'a str) -> Option<(&'a str, &'static Key)> {
    group.keys.iter().find_map(|key| {
        let table = rest.strip_suffix(&key.name.to_ascii_uppercase())?.strip_suffix('_')?;
        (!table.is_empty()).then_some((table, key))
    })
}

fn is_of_section(rest: &str, section: &str) -> bool {
    let rest = rest.strip_prefix(&section.to_ascii_uppercase()).unwrap_or_default();
    !section.is_empty() && rest.starts_with('_')
}

fn unknown_variable(name: &str, keys: impl Iterator<Item = &'static Key>) -> ConfigError {
    let variables: Vec<String> = keys.map(Key::variable).collect();
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

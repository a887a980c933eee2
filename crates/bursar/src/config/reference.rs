//! The manual of the configuration, and the values in force.

use std::fmt::Write as _;

use super::keys::{Form, KEYS, Key, PROVIDER_KEYS, SECTIONS};
use super::meaning::Config;
use super::value::Origin;

/// One key as it is in force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShownKey {
    /// Its path, such as `network.proxy`.
    pub key: String,
    /// Its value for people; `None` if there is none. Secrets are never shown.
    pub value: Option<String>,
    /// Where the value comes from.
    pub origin: Origin,
}

/// Every key in force.
pub fn show(config: &Config) -> Vec<ShownKey> {
    let shown = config.shown.iter().map(|(key, value, origin)| ShownKey {
        key: key.clone(),
        value: value.as_ref().map(super::value::Value::shown),
        origin: origin.clone(),
    });
    shown.collect()
}

/// The manual, as Markdown.
pub fn reference_markdown() -> String {
    let mut text = String::from(
        "# Configuration\n\n\
         One file, `config.toml`, in `$BURSAR_HOME` or `$XDG_CONFIG_HOME/bursar`. Every key can also be set by its \
         environment variable, which wins over the file. Unknown keys are refused. A relative path in the file starts \
         at the file's folder. `bursar config show` prints what is in force and where it comes from.\n",
    );
    for (section, sentence) in SECTIONS {
        let title = if section.is_empty() { "Top of the file".to_owned() } else { format!("`[{section}]`") };
        let keys: Vec<&Key> = KEYS.iter().filter(|key| key.section == *section).collect();
        table(&mut text, &title, sentence, &keys);
    }
    let keys: Vec<&Key> = PROVIDER_KEYS.iter().collect();
    let sentence = "What you say about one provider. In variables, NAME is the provider's name in capitals, with `_` \
                    for `-` and `.`.";
    table(&mut text, "`[providers.NAME]`", sentence, &keys);
    text
}

fn table(text: &mut String, title: &str, sentence: &str, keys: &[&Key]) {
    // Writing to a String cannot fail.
    let _ =
        write!(text, "\n## {title}\n\n{sentence}\n\n| key | form | default | meaning |\n|---|---|---|---|\n");
    for key in keys {
        let default = key.default.map_or_else(String::new, |default| format!("`{default}`"));
        let form = match key.form {
            Form::Secret => "a secret, never in the file".to_owned(),
            form => form.description(),
        };
        let name = if key.form == Form::Secret { String::new() } else { format!("`{}`, ", key.name) };
        let _ = writeln!(text, "| {name}`{}` | {form} | {default} | {} |", key.variable(), key.doc);
    }
}

//! The manual of the configuration, and the values in force.

use std::fmt::Write as _;

use super::groups::GROUPS;
use super::keys::{ADOPTED_VARIABLES, Form, Key, SECTIONS, every_key};
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
         One file, `config.toml`, in `$BURSAR_HOME` or `$XDG_CONFIG_HOME/bursar`. A key can also be set by the \
         environment variable beside it, which wins over the file. Unknown keys are refused. A relative path in the file starts \
         at the file's folder. `bursar config show` prints what is in force and where it comes from.\n",
    );
    for (section, sentence) in SECTIONS {
        let title = if section.is_empty() { "Top of the file".to_owned() } else { format!("`[{section}]`") };
        let keys: Vec<&Key> = every_key().filter(|key| key.section == *section).collect();
        table(&mut text, &title, sentence, &keys, true);
    }
    for group in GROUPS {
        let keys: Vec<&Key> = group.keys.iter().collect();
        table(&mut text, &format!("`{}`", group.heading()), group.doc, &keys, group.in_environment);
    }
    text
}

fn table(text: &mut String, title: &str, sentence: &str, keys: &[&Key], in_environment: bool) {
    // Writing to a String cannot fail.
    let _ =
        write!(text, "\n## {title}\n\n{sentence}\n\n| key | form | default | meaning |\n|---|---|---|---|\n");
    for key in keys {
        let default = key.default.map_or_else(String::new, |default| format!("`{default}`"));
        let form = match key.form {
            Form::Secret => "a secret, never in the file".to_owned(),
            form => form.description(),
        };
        let name = Some(format!("`{}`", key.name)).filter(|_| key.form != Form::Secret);
        let variable = Some(format!("`{}`", key.variable())).filter(|_| in_environment);
        let adopted = ADOPTED_VARIABLES.iter().filter(|(_, path)| *path == key.path());
        let adopted = adopted.map(|(variable, _)| format!("`{variable}` (in seconds)"));
        let names: Vec<String> = name.into_iter().chain(variable).chain(adopted).collect();
        let _ = writeln!(text, "| {} | {form} | {default} | {} |", names.join(", "), key.doc);
    }
}

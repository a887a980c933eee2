//! The file of a seed: TOML or JSON, with passwords only in files of their own.

use std::path::Path;

use serde_json::Value;

use crate::cli::app::App;
use crate::cli::login::plan::read_private;
use crate::exit::{Exit, Failure};
use crate::http::administration::seed::SeedBody;

/// What the file says. `password_file` of a user is read, from beside the seed if it is no whole path.
///
/// # Errors
/// A file cannot be read, or does not say what a seed says.
pub(super) async fn read(app: &App, path: &Path) -> Result<SeedBody, Failure> {
    let text = std::fs::read_to_string(path).map_err(|error| {
        let mut failure = Failure::new(Exit::Usage, format!("`{}` cannot be read", path.display()));
        failure.causes.push(error.to_string());
        failure.hint("name a file of TOML or JSON; see docs/sandboxes.md")
    })?;
    let unreadable = |detail: String| {
        let mut failure = Failure::new(Exit::Usage, format!("`{}` is no seed", path.display()));
        failure.causes.push(detail);
        failure.hint("see docs/sandboxes.md for what may be in it")
    };
    let is_json = text.trim_start().starts_with('{');
    let mut seed: Value = if is_json {
        serde_json::from_str(&text).map_err(|error| unreadable(error.to_string()))?
    } else {
        toml::from_str(&text).map_err(|error| unreadable(error.message().to_owned()))?
    };
    let users = seed.get_mut("users").and_then(Value::as_array_mut);
    for user in users.into_iter().flatten().filter_map(Value::as_object_mut) {
        if user.contains_key("password") {
            return Err(unreadable("a password stands in it".to_owned())
                .hint("write it into a file of its own and name that in `password_file`, or have one made"));
        }
        if let Some(file) = user.remove("password_file") {
            let Some(file) = file.as_str() else {
                return Err(unreadable("`password_file` is no text".to_owned()));
            };
            let beside = path.parent().unwrap_or(Path::new("")).join(file);
            let password = read_private(app, &beside).await?;
            user.insert("password".to_owned(), Value::from(password.expose()));
        }
    }
    // The reader's words tell members and places, and values only of what has no secrets in it.
    SeedBody::read(&seed).map_err(unreadable)
}

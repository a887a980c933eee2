//! The environment, read once.
//!
//! The only reader of `std::env`. Everybody else is given an [`Environment`], so that tests need not change the
//! process they run in.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::path::PathBuf;

use bursar_core::secret::Secret;

/// The environment variables as they were when the program started.
#[derive(Clone, Default)]
pub struct Environment {
    variables: BTreeMap<String, OsString>,
}

impl Environment {
    /// The variables of this process. Names that are not Unicode are left out: none of ours is.
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the environment")]
    pub fn from_process() -> Self {
        let variables = std::env::vars_os();
        Self {
            variables: variables
                .filter_map(|(name, value)| Some((name.into_string().ok()?, value)))
                .collect(),
        }
    }

    /// Made-up variables.
    pub fn from_pairs<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let pairs = pairs.into_iter();
        Self { variables: pairs.map(|(name, value)| (name.to_owned(), value.into())).collect() }
    }

    /// The variable's text exactly as written, the empty one too; `None` if it is not set or not Unicode.
    pub fn written(&self, name: &str) -> Option<&str> {
        self.variables.get(name)?.to_str()
    }

    /// The variable's text; an empty variable counts as not set, as shells and tools have it.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.written(name).filter(|text| !text.is_empty())
    }

    /// The variable as a path; an empty one counts as not set. It need not be Unicode.
    pub fn path(&self, name: &str) -> Option<PathBuf> {
        self.variables.get(name).filter(|value| !value.is_empty()).map(PathBuf::from)
    }

    /// The variable as a secret; an empty one counts as not set.
    pub fn secret(&self, name: &str) -> Option<Secret> {
        self.text(name).map(Secret::new)
    }

    /// Whether the variable is set to something that is not `0`, `false`, `no` or nothing.
    pub fn flag(&self, name: &str) -> bool {
        self.text(name).is_some_and(|text| !matches!(text, "0" | "false" | "no"))
    }

    /// Every name, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.variables.keys().map(String::as_str)
    }

    /// Every variable, for a child that gets the same environment.
    pub fn pairs(&self) -> impl Iterator<Item = (&str, &OsStr)> {
        self.variables.iter().map(|(name, value)| (name.as_str(), value.as_os_str()))
    }
}

impl fmt::Debug for Environment {
    /// Names only: values may be secrets of anybody.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_set().entries(self.variables.keys()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_variable_counts_as_not_set_unless_asked_as_written() {
        let environment = Environment::from_pairs([("EMPTY", ""), ("FULL", "text")]);
        assert_eq!(environment.text("EMPTY"), None);
        assert_eq!(environment.path("EMPTY"), None);
        assert_eq!(environment.written("EMPTY"), Some(""));
        assert_eq!(environment.text("FULL"), Some("text"));
        assert_eq!(environment.written("ABSENT"), None);
    }

    #[test]
    fn debug_output_never_shows_values() {
        let environment = Environment::from_pairs([("BURSAR_MASTER_KEY", "hunter2")]);
        assert_eq!(format!("{environment:?}"), r#"{"BURSAR_MASTER_KEY"}"#);
    }

    #[test]
    fn flags_are_off_when_they_say_so() {
        let environment = Environment::from_pairs([("A", "1"), ("B", "0"), ("C", "false"), ("D", "")]);
        let on: Vec<_> =
            ["A", "B", "C", "D", "E"].into_iter().filter(|name| environment.flag(name)).collect();
        assert_eq!(on, ["A"]);
    }
}

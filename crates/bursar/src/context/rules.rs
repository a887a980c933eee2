//! The first rule for a provider whose conditions all hold. Pure.

use std::path::PathBuf;
use std::sync::Arc;

use super::pattern::{fits_folder, fits_remote};
use super::remote;
use super::surroundings::{Surroundings, Unreadable};
use crate::config::meaning::RuleConfig;

/// The account that the rules mean by a provider's id, and the rule's number from 1; `None` if no rule speaks of it here.
///
/// # Errors
/// A rule may hold, but it depends on something nobody knows. To go on with another account then would be a guess.
pub fn prefer(
    rules: &[RuleConfig],
    surroundings: &Surroundings,
    provider: &str,
) -> Result<Option<(String, usize)>, Undecided> {
    let of_provider = (1..).zip(rules).filter(|(_, rule)| {
        rule.account.split_once(':').is_some_and(|(of_provider, _)| of_provider == provider)
    });
    for (number, rule) in of_provider {
        match holds(rule, surroundings) {
            Ok(false) => {}
            Ok(true) => return Ok(Some((rule.account.clone(), number))),
            Err(doubt) => return Err(Undecided { number, doubt }),
        }
    }
    Ok(None)
}

/// Nobody knows whether a rule holds.
#[derive(Debug, thiserror::Error)]
#[error("whether rule {number} of the configuration holds is not known")]
pub struct Undecided {
    /// Which one, from 1.
    pub number: usize,
    /// What it depends on.
    #[source]
    pub doubt: Doubt,
}

/// What nobody knows of the surroundings.
#[derive(Debug, thiserror::Error)]
pub enum Doubt {
    /// A place could not be read.
    #[error(transparent)]
    Unreadable(#[from] Arc<Unreadable>),
    /// The caller did not tell its folder.
    #[error("the caller did not tell its folder")]
    Folder,
    /// The caller did not tell a variable.
    #[error("the caller did not tell the variable {name}")]
    Variable {
        /// Its name.
        name: String,
    },
}

/// Whether every condition holds. One that does not settles it, whatever is not known of the others.
fn holds(rule: &RuleConfig, surroundings: &Surroundings) -> Result<bool, Doubt> {
    let conditions = [
        rule.directory.as_deref().map(|pattern| in_directory(pattern, surroundings)),
        rule.git_remote.as_deref().map(|pattern| has_remote(pattern, surroundings)),
        rule.environment.as_deref().map(|condition| has_variable(condition, surroundings)),
    ];
    let mut doubt = None;
    for condition in conditions.into_iter().flatten() {
        match condition {
            Ok(true) => {}
            Ok(false) => return Ok(false),
            Err(found) => doubt = Some(found),
        }
    }
    doubt.map_or(Ok(true), Err)
}

fn in_directory(pattern: &str, surroundings: &Surroundings) -> Result<bool, Doubt> {
    if pattern.starts_with('~') && !surroundings.knows("HOME") {
        return Err(Doubt::Variable { name: "HOME".to_owned() });
    }
    let folders = surroundings.directories.iter().map(PathBuf::as_path);
    if surroundings.directories.is_empty() {
        Err(unknown_place(surroundings))
    } else {
        Ok(fits_folder(pattern, &surroundings.environment, folders))
    }
}

fn has_remote(pattern: &str, surroundings: &Surroundings) -> Result<bool, Doubt> {
    if surroundings.directories.is_empty() || surroundings.unreadable.is_some() {
        return Err(unknown_place(surroundings));
    }
    let pattern = remote::pattern(pattern);
    Ok(pattern.is_some_and(|pattern| surroundings.remotes.iter().any(|remote| fits_remote(&pattern, remote))))
}

fn unknown_place(surroundings: &Surroundings) -> Doubt {
    surroundings.unreadable.clone().map_or(Doubt::Folder, Doubt::Unreadable)
}

fn has_variable(condition: &str, surroundings: &Surroundings) -> Result<bool, Doubt> {
    let (name, value) =
        condition.split_once('=').map_or((condition, None), |(name, value)| (name, Some(value)));
    if !surroundings.knows(name) {
        return Err(Doubt::Variable { name: name.to_owned() });
    }
    let found = surroundings.environment.text(name);
    Ok(value.map_or(found.is_some(), |value| found == Some(value)))
}

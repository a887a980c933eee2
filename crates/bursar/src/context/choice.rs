//! The one account a name means somewhere: what is written, then environment and rules, then defaults.

use std::sync::OnceLock;

use bursar_core::engine::Engine;
use bursar_core::engine::accounts::ResolveError;
use bursar_core::engine::selection::{Choice, Preferred, SelectionError};
use bursar_core::lifecycle::account::Account;

use super::preference::{from_environment, preference};
use super::rules::Undecided;
use super::surroundings::Surroundings;
use crate::config::meaning::RuleConfig;
use crate::exit::{Exit, Failure};

/// The account `wanted` means in these surroundings, and why.
///
/// # Errors
/// None or several fit; what is preferred does not exist; whether a rule holds is not known.
pub async fn choose(
    engine: &Engine,
    rules: &[RuleConfig],
    surroundings: &Surroundings,
    wanted: &str,
) -> Result<(Account, Choice), ChoiceError> {
    let catalogue = &engine.ports().catalogue;
    let (undecided, asked) = (OnceLock::new(), OnceLock::new());
    let preferred = |provider: &str| -> Option<Preferred> {
        match preference(catalogue, rules, surroundings, provider) {
            Ok(preferred) => {
                let preferred = preferred?;
                let _again = asked.set(origin(engine, surroundings, provider, preferred.choice));
                Some(preferred)
            }
            Err(error) => {
                let _again = undecided.set(error);
                None
            }
        }
    };
    let chosen = engine.resolve(wanted, &preferred).await;
    if let Some(undecided) = undecided.into_inner() {
        return Err(undecided.into());
    }
    match (chosen, asked.into_inner()) {
        (Err(ResolveError::Selection(source)), Some(origin)) => {
            Err(ChoiceError::Preferred { origin, source })
        }
        (chosen, _) => Ok(chosen?),
    }
}

/// Who prefers an account, in the words a person would look for.
fn origin(engine: &Engine, surroundings: &Surroundings, provider: &str, choice: Choice) -> String {
    match choice {
        Choice::Rule { number } => format!("rule {number} of the configuration"),
        _ => from_environment(&surroundings.environment, &engine.ports().catalogue, provider)
            .map_or_else(|| "the environment".to_owned(), |(name, _)| name),
    }
}

/// Why no account could be chosen.
#[derive(Debug, thiserror::Error)]
pub enum ChoiceError {
    /// Whether a rule holds is not known.
    #[error(transparent)]
    Undecided(#[from] Undecided),
    /// What environment or rules prefer does not exist, or fits several. There is no falling back from that.
    #[error("{origin} chooses an account that cannot be had")]
    Preferred {
        /// The variable, or the rule.
        origin: String,
        /// None or several.
        source: SelectionError,
    },
    /// None or several fit, or they cannot be read.
    #[error(transparent)]
    Resolve(#[from] ResolveError),
}

impl From<ChoiceError> for Failure {
    fn from(error: ChoiceError) -> Self {
        match error {
            ChoiceError::Resolve(error) => error.into(),
            ChoiceError::Undecided(error) => Self::of(Exit::Usage, &error)
                .hint("name the account, such as `google:work`, instead of its provider"),
            ChoiceError::Preferred { origin, source } => {
                let mut failure = Self::from(source);
                failure.causes.push(format!("{origin} chooses it"));
                failure
            }
        }
    }
}

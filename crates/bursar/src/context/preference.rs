//! What comes between an account that is written out and a provider's default: the environment, then rules. Pure.

use bursar_core::engine::selection::{Choice, Preferred};
use bursar_core::provider::Catalogue;

use super::rules::{Undecided, prefer};
use super::surroundings::Surroundings;
use crate::config::environment::Environment;
use crate::config::meaning::RuleConfig;

/// The account that environment and rules mean by a provider's id.
///
/// # Errors
/// Whether a rule holds is not known.
pub fn preference(
    catalogue: &Catalogue,
    rules: &[RuleConfig],
    surroundings: &Surroundings,
    provider: &str,
) -> Result<Option<Preferred>, Undecided> {
    if let Some((_, account)) = from_environment(&surroundings.environment, catalogue, provider) {
        return Ok(Some(Preferred { account, choice: Choice::Environment }));
    }
    let by_rule = prefer(rules, surroundings, provider)?;
    Ok(by_rule.map(|(account, number)| Preferred { account, choice: Choice::Rule { number } }))
}

/// The variable `BURSAR_ACCOUNT_<PROVIDER>` and what it says. A variable with the provider's alias counts too: whoever set
/// it did not mean the default.
pub fn from_environment(
    environment: &Environment,
    catalogue: &Catalogue,
    provider: &str,
) -> Option<(String, String)> {
    let own = format!("{PREFIX}{}", capitals(provider));
    let with_alias = || {
        let mut names = environment.names().filter(|name| environment.text(name).is_some());
        names.find(|name| {
            let alias = name.strip_prefix(PREFIX).map(|rest| rest.to_ascii_lowercase().replace('_', "-"));
            alias.is_some_and(|alias| is_alias(catalogue, &alias, provider))
        })
    };
    let name = environment.text(&own).map(|_| own.as_str()).or_else(with_alias)?;
    let text = environment.text(name)?;
    let account = match text.split_once(':') {
        Some((alias, rest)) if is_alias(catalogue, alias, provider) => format!("{provider}:{rest}"),
        _ => text.to_owned(),
    };
    Some((name.to_owned(), account))
}

fn is_alias(catalogue: &Catalogue, name: &str, provider: &str) -> bool {
    // Reading an entry costs more than looking at a list of names.
    name != provider
        && !catalogue.names().contains(&name)
        && catalogue.find(name).ok().flatten().is_some_and(|found| found.id.as_str() == provider)
}

fn capitals(provider: &str) -> String {
    let letters = provider.chars();
    letters
        .map(|letter| if letter.is_ascii_alphanumeric() { letter.to_ascii_uppercase() } else { '_' })
        .collect()
}

const PREFIX: &str = "BURSAR_ACCOUNT_";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_variable_counts_by_the_provider_s_name_and_by_its_alias() {
        let catalogue = Catalogue::embedded();
        let found = |variables: &[(&'static str, &'static str)], provider: &str| {
            from_environment(&Environment::from_pairs(variables.iter().copied()), &catalogue, provider)
        };
        let named = |name: &str, account: &str| Some((name.to_owned(), account.to_owned()));
        let app = "BURSAR_ACCOUNT_GITHUB_APP";
        assert_eq!(found(&[(app, "work")], "github-app"), named(app, "work"));
        assert_eq!(found(&[(app, "github:work")], "github-app"), named(app, "github-app:work"));
        assert_eq!(found(&[(app, "google:work")], "github-app"), named(app, "google:work"), "refused later");
        let alias = "BURSAR_ACCOUNT_GITHUB";
        assert_eq!(found(&[(alias, "work")], "github-app"), named(alias, "work"));
        assert_eq!(found(&[(alias, "play"), (app, "work")], "github-app"), named(app, "work"));
        assert_eq!(found(&[(alias, "work")], "google"), None);
        assert_eq!(found(&[(app, ""), (alias, "")], "github-app"), None, "empty is not set");
        let own = "BURSAR_ACCOUNT_FORGE_EXAMPLE_COM_8443";
        assert_eq!(found(&[(own, "work")], "forge.example.com-8443"), named(own, "work"));
    }
}

//! What decides which account is meant (defaults, variables, rules), where it names an account nobody could use.

use bursar_core::engine::accounts::Overview;
use bursar_core::lifecycle::account::Account;
use bursar_core::lifecycle::shown::{ShownState, Warn, shown};
use jiff::Timestamp;

use super::finding::Finding;
use crate::config::Config;
use crate::config::environment::Environment;

/// Looks at every choice there is; nothing if all are good.
pub(super) fn check(
    environment: &Environment,
    config: &Config,
    overview: &Overview,
    warn: Warn,
    now: Timestamp,
) -> Vec<Finding> {
    let mut findings = defaults(overview, warn, now);
    findings.extend(variables(environment, overview));
    for (number, rule) in (1..).zip(&config.rules) {
        if overview.select_all(&rule.account).is_err() {
            findings.push(Finding::warn(
                NAME,
                format!(
                    "rule {number} of config.toml names the account {}, which is not there",
                    rule.account
                ),
                format!("correct the rule, or log in with `bursar login {}`", with_nickname(&rule.account)),
            ));
        }
    }
    findings
}

fn defaults(overview: &Overview, warn: Warn, now: Timestamp) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (provider, default) in &overview.defaults {
        let of_provider =
            || overview.accounts.iter().filter(|account| account.reference.provider == *provider);
        let Some(account) = of_provider().find(|account| account.reference.key() == default.key()) else {
            findings.push(Finding::warn(
                NAME,
                format!("{provider} alone means {default}, which is not there any more"),
                "choose another with `bursar use`",
            ));
            continue;
        };
        let usable = |account: &&Account| {
            !matches!(
                shown(account, warn, now),
                ShownState::LoginRequired | ShownState::Revoked | ShownState::Paused
            )
        };
        if !usable(&account)
            && let Some(other) = of_provider().find(usable)
        {
            findings.push(Finding::warn(
                NAME,
                format!(
                    "{provider} alone means {default}, which cannot be handed out, while {} can",
                    other.reference
                ),
                format!("run `bursar use {}`, or mend {default}", other.reference),
            ));
        }
    }
    findings
}

/// `BURSAR_ACCOUNT_<PROVIDER>` that names nobody.
fn variables(environment: &Environment, overview: &Overview) -> Vec<Finding> {
    let mut findings = Vec::new();
    for name in environment.names().filter(|name| name.starts_with(PREFIX)) {
        let Some(wanted) = environment.text(name) else { continue };
        let of_provider: Vec<&Account> = overview
            .accounts
            .iter()
            .filter(|account| variable(account.reference.provider.as_str()) == name)
            .collect();
        let Some(first) = of_provider.first() else {
            findings.push(Finding::warn(
                NAME,
                format!("{name} is set, but there is no account of such a provider"),
                format!("`unset {name}`, or log in with `bursar login`"),
            ));
            continue;
        };
        let provider = &first.reference.provider;
        let reference = if wanted.contains(':') { wanted.to_owned() } else { format!("{provider}:{wanted}") };
        if overview.select_all(&reference).is_err() {
            let there: Vec<String> =
                of_provider.iter().map(|account| account.reference.nickname.to_string()).collect();
            findings.push(Finding::warn(
                NAME,
                format!("{name} names {wanted}, which is not there"),
                format!("set it to one of {}, or `unset {name}`", there.join(", ")),
            ));
        }
    }
    findings
}

/// The variable of a provider.
fn variable(provider: &str) -> String {
    let letters = provider.chars();
    let letters =
        letters.map(|letter| if letter.is_ascii_alphanumeric() { letter.to_ascii_uppercase() } else { '_' });
    PREFIX.chars().chain(letters).collect()
}

/// `google:work` as arguments of `login`.
fn with_nickname(reference: &str) -> String {
    match reference.split_once(':') {
        Some((provider, nickname)) => format!("{provider} --as {nickname}"),
        None => reference.to_owned(),
    }
}

const NAME: &str = "choice";
const PREFIX: &str = "BURSAR_ACCOUNT_";

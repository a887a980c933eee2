//! `bursar use` and `bursar which`: the account a name stands for, and why.

use std::collections::BTreeSet;

use bursar_core::engine::selection::Choice;
use bursar_core::lifecycle::account::Account;
use serde_json::{Value, json};

use super::app::App;
use super::arguments::{UseCommand, WhichCommand};
use super::expect::expect;
use super::screen::plain::plain;
use super::shown_accounts::say_that_there_are_none;
use crate::config::meaning::RuleConfig;
use crate::config::paths::Paths;
use crate::context::{Surroundings, choose, from_environment};
use crate::exit::{Exit, Failure};

pub(super) async fn make_default(app: &App, command: &UseCommand) -> Result<Exit, Failure> {
    let account = app.resolve(&command.account).await?;
    let reference = &account.reference;
    app.engine.set_default(reference).await?;
    app.printer.say(&format!("{} now means {reference}", reference.provider));
    // What somebody set for this terminal or folder stays; without a word that would look like a default that does nothing.
    if let Ok((here, choice)) = app.choose(reference.provider.as_str()).await
        && here.reference.key() != reference.key()
    {
        let why = explain(app, choice, &here)?;
        app.printer.say(&format!("but not here: {} is {why}", here.reference));
    }
    Ok(Exit::Ok)
}

pub(super) async fn which(app: &App, command: &WhichCommand) -> Result<Exit, Failure> {
    let Some(wanted) = &command.account else {
        return which_of_all(app).await;
    };
    let (account, choice) = app.choose(wanted).await?;
    expect(&account.reference, account.identity.as_ref(), &command.expect)?;
    let why = explain(app, choice, &account)?;
    if app.printer.json {
        app.printer.document(&document(app, &account, choice, &why));
    } else {
        app.printer.data(&line(&account, &why));
    }
    Ok(Exit::Ok)
}

/// What each provider's name means here. Those that mean nothing are told on stderr, and the first decides the exit code.
async fn which_of_all(app: &App) -> Result<Exit, Failure> {
    let overview = app.engine.overview().await?;
    let providers: BTreeSet<&str> =
        overview.accounts.iter().map(|account| account.reference.provider.as_str()).collect();
    let surroundings = Surroundings::of_process(&app.environment);
    let (mut documents, mut lines, mut failures) = (Vec::new(), String::new(), Vec::new());
    for provider in providers {
        match choose(&app.engine, &app.config.rules, &surroundings, provider).await {
            Ok((account, choice)) => {
                let why = explain(app, choice, &account)?;
                documents.push(document(app, &account, choice, &why));
                lines.push_str(&line(&account, &why));
            }
            Err(error) => {
                let failure = Failure::from(error);
                documents.push(json!({
                    "schema": 1, "ref": null, "provider": provider, "account": null, "identity": null,
                    "reason": failure.message, "rule": null,
                }));
                failures.push(failure);
            }
        }
    }
    if app.printer.json {
        app.printer.document(&Value::Array(documents));
    } else if overview.accounts.is_empty() {
        say_that_there_are_none(app);
    } else {
        app.printer.data(&lines);
    }
    for failure in &failures {
        app.printer.failure(failure);
    }
    Ok(failures.first().map_or(Exit::Ok, |failure| failure.exit))
}

fn line(account: &Account, why: &str) -> String {
    let identity = account.identity.as_ref().map(|identity| format!(" ({})", plain(&identity.label)));
    format!("{}{}: {why}\n", account.reference, identity.unwrap_or_default())
}

fn document(app: &App, account: &Account, choice: Choice, why: &str) -> Value {
    let rule = rule_of(app, choice).map(|(number, rule)| {
        json!({
            "number": number,
            "directory": rule.directory,
            "git_remote": rule.git_remote,
            "environment": rule.environment,
        })
    });
    json!({
        "schema": 1,
        "ref": account.reference.to_string(),
        "provider": account.reference.provider.as_str(),
        "account": account.reference.nickname.as_str(),
        "identity": account.identity.as_ref().map(|identity| &identity.label),
        "reason": why,
        "rule": rule,
    })
}

/// Why the account was chosen, so that whoever reads it knows what to change.
fn explain(app: &App, choice: Choice, account: &Account) -> Result<String, Failure> {
    if let Some((number, rule)) = rule_of(app, choice) {
        let file = Paths::resolve(&app.environment)?.config_file();
        return Ok(format!("named by rule {number} of {}: {}", file.display(), conditions(rule)));
    }
    let provider = account.reference.provider.as_str();
    let variable = || from_environment(&app.environment, &app.config.catalogue, provider);
    Ok(match choice {
        Choice::Environment => {
            variable().map_or_else(|| choice.describe(), |(name, _)| format!("named by {name}"))
        }
        choice => choice.describe(),
    })
}

fn rule_of(app: &App, choice: Choice) -> Option<(usize, &RuleConfig)> {
    let Choice::Rule { number } = choice else { return None };
    Some((number, app.config.rules.get(number.checked_sub(1)?)?))
}

/// A rule's conditions in words.
fn conditions(rule: &RuleConfig) -> String {
    let environment = rule.environment.as_ref().map(|condition| match condition.split_once('=') {
        Some((name, value)) => format!("{name} is `{value}`"),
        None => format!("{condition} is set"),
    });
    let conditions = [
        rule.directory.as_ref().map(|folder| format!("the folder is in `{folder}`")),
        rule.git_remote.as_ref().map(|remote| format!("a Git remote is in `{remote}`")),
        environment,
    ];
    conditions.into_iter().flatten().collect::<Vec<_>>().join(", and ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conditions_are_told_in_words() {
        let text = |text: &str| Some(text.to_owned());
        let all = RuleConfig {
            account: "google:work".to_owned(),
            directory: text("~/work"),
            git_remote: text("github.com/acme/*"),
            environment: text("CI=true"),
        };
        assert_eq!(
            conditions(&all),
            "the folder is in `~/work`, and a Git remote is in `github.com/acme/*`, and CI is `true`"
        );
        let one = RuleConfig { environment: text("CI"), ..RuleConfig::default() };
        assert_eq!(conditions(&one), "CI is set");
    }
}

//! `bursar env`: the variables `exec` would set, as code of a shell; and the short commands for one.
//!
//! Nothing printed here renews itself: until when the variables serve is told on stderr.

mod terminal;

use std::collections::BTreeMap;
use std::io::IsTerminal as _;
use std::sync::Arc;

use bursar_core::engine::broker::HandOut;
use bursar_core::lifecycle::reference::AccountReference;
use bursar_core::secret::Secret;
use jiff::tz::TimeZone;
use serde_json::{Map, Value, json};

use super::app::App;
use super::arguments::shell::{EnvCommand, Shell};
use super::expect::expect_all;
use super::printer::Printer;
use super::screen::serving::{Serving, serving};
use super::shell::code::{Setting, code};
use super::shell::{claude_hook, functions, guess};
use super::variables::{Assignment, decide, hand_out};
use crate::account_view::rfc3339;
use crate::config::environment::Environment;
use crate::exit::{Exit, Failure};

/// Prints what is the same for everybody: short commands, a hook. Needs no store, so that no shell's start fails by one.
pub(super) fn snippet(
    command: &EnvCommand,
    environment: &Environment,
    printer: &Printer,
) -> Result<Exit, Failure> {
    if command.claude_hook {
        let account = match command.accounts.as_slice() {
            [] => None,
            [account] => Some(account.as_str()),
            _ => {
                return Err(Failure::new(Exit::Usage, "a hook checks one account, one provider, or all")
                    .hint("name one, or none for all"));
            }
        };
        printer.document(&claude_hook::settings(account));
        return Ok(Exit::Ok);
    }
    let shell = command.shell.unwrap_or_else(|| guess::shell(environment));
    let functions = functions::functions(shell)?;
    if printer.json {
        printer.document(&json!({"schema": 1, "code": functions}));
    } else {
        printer.data(functions);
    }
    Ok(Exit::Ok)
}

pub(super) async fn run(app: &App, command: &EnvCommand) -> Result<Exit, Failure> {
    if let Some(wanted) = &command.reference {
        return terminal::reference(app, wanted).await;
    }
    let shell = command.shell.unwrap_or_else(|| guess::shell(&app.environment));
    if let Some(wanted) = &command.switch {
        let (account, settings) = terminal::switch(app, wanted).await?;
        print(app, shell, &settings, json!({"ref": account.to_string()}))?;
        return Ok(Exit::Ok);
    }
    let assignments = decide(app, &command.accounts, &command.variables).await?;
    if command.unset {
        let settings: Vec<Setting> =
            assignments.iter().map(|assignment| Setting::exported(&assignment.name, None)).collect();
        print(app, shell, &settings, json!({}))?;
        return Ok(Exit::Ok);
    }
    let handed = hand_out(app, &assignments, command.min_valid).await?;
    expect_all(&handed, &command.expect)?;
    let (settings, servings) = filled(assignments, &handed);
    print(app, shell, &settings, json!({"accounts": accounts(app, &servings)}))?;
    for line in serving(&servings, app.now(), &TimeZone::system()) {
        app.printer.say(&line);
    }
    Ok(Exit::Ok)
}

/// The settings, and per account which of them it fills and until when.
fn filled(assignments: Vec<Assignment>, handed: &[Arc<HandOut>]) -> (Vec<Setting>, Vec<Serving>) {
    let mut settings = Vec::new();
    let mut names: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for assignment in assignments {
        let account = assignment.account.key();
        let (name, value) = assignment.value(handed);
        settings.push(Setting::exported(&name, value.as_ref().map(Secret::expose)));
        if value.is_some() {
            names.entry(account).or_default().push(name);
        }
    }
    let servings = handed
        .iter()
        .map(|handed| Serving {
            account: handed.reference.clone(),
            names: names.remove(&handed.reference.key()).unwrap_or_default(),
            expires_at: handed.expires_at,
        })
        .collect();
    (settings, servings)
}

fn accounts(app: &App, servings: &[Serving]) -> Value {
    let now = app.now();
    servings
        .iter()
        .map(|serving| {
            json!({
                "ref": serving.account.to_string(),
                "variables": serving.names,
                "expires_at": serving.expires_at.map(rfc3339),
                "seconds_left": serving.expires_at.map(|end| end.duration_since(now).as_secs().max(0)),
            })
        })
        .collect()
}

fn print(app: &App, shell: Shell, settings: &[Setting], facts: Value) -> Result<(), Failure> {
    if app.printer.json {
        app.printer.document(&document(settings, facts));
        return Ok(());
    }
    app.printer.data(&code(shell, settings)?);
    if std::io::stdout().is_terminal() {
        app.printer.say(&format!("this is code for your shell; it takes effect with `{}`", evaluated(shell)));
    }
    Ok(())
}

/// What programs see, with `facts` beside it.
fn document(settings: &[Setting], facts: Value) -> Value {
    let value = |setting: &Setting| setting.value.as_ref().map(|value| json!(value.as_str()));
    let exported = settings.iter().filter(|setting| setting.exported);
    let set: Map<String, Value> =
        exported.filter_map(|setting| Some((setting.name.clone(), value(setting)?))).collect();
    let gone = settings.iter().filter(|setting| setting.value.is_none());
    let unset: Vec<&str> = gone.map(|setting| setting.name.as_str()).collect();
    let mut document = json!({"schema": 1, "set": set, "unset": unset});
    if let (Value::Object(document), Value::Object(facts)) = (&mut document, facts) {
        document.extend(facts);
    }
    document
}

/// How a shell runs what a program prints.
fn evaluated(shell: Shell) -> &'static str {
    match shell {
        Shell::Bash | Shell::Zsh | Shell::Sh => "eval \"$(bursar env …)\"",
        Shell::Fish => "bursar env … | source",
        Shell::PowerShell => "bursar env … | Out-String | Invoke-Expression",
        Shell::Nushell => "load-env (bursar env … | from json)",
    }
}

/// `BURSAR_ACCOUNT_<PROVIDER>`: what makes a bare provider name mean one account.
fn choice_variable(reference: &AccountReference) -> String {
    let capitals = reference.provider.as_str().to_ascii_uppercase();
    let name: String =
        capitals.chars().map(|letter| if letter.is_ascii_alphanumeric() { letter } else { '_' }).collect();
    format!("BURSAR_ACCOUNT_{name}")
}

#[cfg(test)]
mod tests {
    use bursar_core::lifecycle::reference::Nickname;
    use bursar_core::provider::{Catalogue, ProviderId};

    use super::*;
    use crate::context::from_environment;

    #[test]
    fn what_switching_sets_is_what_a_choice_reads() {
        for provider in ["google", "github-app", "127.0.0.1-8080"] {
            let reference = AccountReference {
                provider: ProviderId::parse(provider).unwrap(),
                nickname: Nickname::parse("work").unwrap(),
            };
            let name = choice_variable(&reference);
            let environment = Environment::from_pairs([(name.as_str(), "work")]);
            let found = from_environment(&environment, &Catalogue::default(), provider);
            assert_eq!(found, Some((name, "work".to_owned())));
        }
    }
}

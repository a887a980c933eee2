//! `bursar refresh`: renew one account, one provider's, all, or all that end soon; then, on request, the status.

use std::collections::BTreeMap;

use bursar_core::lifecycle::account::{Account, Renewal, Standing};
use bursar_core::lifecycle::deadlines::access_expires_at;
use bursar_core::lifecycle::reference::AccountReference;
use jiff::SignedDuration;
use serde_json::{Value, json};

use super::app::App;
use super::arguments::RefreshCommand;
use super::shown_accounts;
use super::status;
use crate::exit::{Exit, Failure};

pub(super) async fn run(app: &App, command: &RefreshCommand) -> Result<Exit, Failure> {
    let overview = app.engine.overview().await?;
    let chosen: Vec<&Account> = match &command.account {
        Some(wanted) => {
            let wanted = app.engine.alias(wanted).unwrap_or_else(|| wanted.clone());
            overview.select_all(&wanted)?
        }
        None => overview.accounts.iter().collect(),
    };
    let (now, window) = (app.now(), window(command));
    let due = |account: &&Account| match window {
        Some(window) => access_expires_at(account).is_some_and(|end| end.duration_since(now) <= window),
        None => true,
    };
    let mut worst = Exit::Ok;
    let mut reports = Vec::new();
    for account in chosen.into_iter().filter(due) {
        // Only a person who names it wants to hear that a key cannot be refreshed; the status tells it better.
        let named = command.account.is_some() && !command.status;
        if account.renewal() == Renewal::None && !named {
            continue;
        }
        if command.status && is_over(account) {
            continue;
        }
        let report = refresh(app, &account.reference).await;
        worst = worse(worst, report.failure.as_ref().map_or(Exit::Ok, |failure| failure.exit));
        reports.push(report);
    }
    if command.status {
        return show_status(app, command, worst, &reports).await;
    }
    if app.printer.json {
        app.printer.document(&reports.iter().map(Report::to_json).collect());
    } else if reports.is_empty() {
        app.printer.say("nothing to refresh");
    }
    Ok(worst)
}

/// What came of one account.
#[derive(Debug)]
struct Report {
    reference: AccountReference,
    expires_at: Option<String>,
    failure: Option<Failure>,
}

impl Report {
    fn to_json(&self) -> Value {
        let reference = self.reference.to_string();
        match &self.failure {
            None => json!({"schema": 1, "ref": reference, "refreshed": true, "expires_at": self.expires_at}),
            Some(failure) => {
                json!({"schema": 1, "ref": reference, "refreshed": false, "error": failure.message})
            }
        }
    }
}

/// Refreshes one account, and tells a person at once: the next one may take a while.
async fn refresh(app: &App, reference: &AccountReference) -> Report {
    let mut report = Report { reference: reference.clone(), expires_at: None, failure: None };
    match app.desk.refresh(reference, app.config.refresh.wait.unsigned_abs()).await {
        Ok(account) => {
            report.expires_at = access_expires_at(&account).map(|end| format!("{end:.0}"));
            if !app.printer.json {
                let until = report.expires_at.as_deref().unwrap_or("no known end");
                app.printer.data(&format!("{reference}: refreshed, expires {until}\n"));
            }
        }
        Err(failure) => {
            app.printer.failure(&failure);
            report.failure = Some(failure);
        }
    }
    report
}

/// Whether no refresh can help any more; the status says so, with the command that does.
fn is_over(account: &Account) -> bool {
    matches!(account.standing, Standing::NeedsLogin { .. } | Standing::Revoked { .. })
}

/// Only what ends within this time; `None`: everything.
fn window(command: &RefreshCommand) -> Option<SignedDuration> {
    let alone = command.status && !command.all && command.account.is_none();
    command.expiring.or(alone.then_some(WORKING_DAY))
}

/// The status of the same accounts, and in JSON what came of refreshing each.
async fn show_status(
    app: &App,
    command: &RefreshCommand,
    worst: Exit,
    reports: &[Report],
) -> Result<Exit, Failure> {
    let shown = shown_accounts::read(app, command.account.as_deref(), app.warn(window(command))).await?;
    if app.printer.json {
        let reports: BTreeMap<String, &Report> =
            reports.iter().map(|report| (report.reference.key(), report)).collect();
        let elements = shown.views.iter().map(|view| {
            let mut element = view.to_json();
            let report = reports.get(&view.reference.key());
            element["refreshed"] = json!(report.map(|report| report.failure.is_none()));
            let error = report.and_then(|report| report.failure.as_ref());
            element["error"] = json!(error.map(|failure| &failure.message));
            element
        });
        app.printer.document(&elements.collect());
    } else {
        if !reports.is_empty() {
            app.printer.data("\n");
        }
        status::print(app, &shown).await?;
    }
    // What no state tells, such as a locked vault, must not look like success.
    let told = matches!(worst, Exit::Ok | Exit::LoginRequired | Exit::Unavailable);
    Ok(if told { shown.exit() } else { worst })
}

/// The one a person should hear about: a login first, then an outage, then the rest.
fn worse(one: Exit, other: Exit) -> Exit {
    let rank = |exit: Exit| match exit {
        Exit::LoginRequired => 3,
        Exit::Unavailable => 2,
        Exit::Ok => 0,
        _ => 1,
    };
    if rank(other) > rank(one) { other } else { one }
}

/// From the first coffee to the way home.
const WORKING_DAY: SignedDuration = SignedDuration::from_hours(10);

//! `bursar refresh`: renew one account, one provider's, all, or all that end soon.

use bursar_core::lifecycle::account::{Account, Renewal};
use bursar_core::lifecycle::deadlines::access_expires_at;
use serde_json::json;

use super::app::App;
use super::arguments::RefreshCommand;
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
    let now = app.now();
    let due = |account: &&Account| match command.expiring {
        Some(window) => access_expires_at(account).is_some_and(|end| end.duration_since(now) <= window),
        None => true,
    };
    let mut worst = Exit::Ok;
    let mut reports = Vec::new();
    for account in chosen.into_iter().filter(due) {
        // A key cannot be refreshed; only a person who names it wants to hear that.
        if account.renewal() == Renewal::None && command.account.is_none() {
            continue;
        }
        let outcome = app.desk.refresh(&account.reference, app.config.refresh.wait.unsigned_abs()).await;
        let reference = account.reference.to_string();
        match outcome {
            Ok(account) => {
                let end = access_expires_at(&account).map(|end| format!("{end:.0}"));
                if !app.printer.json {
                    let until = end.as_deref().unwrap_or("no known end");
                    app.printer.data(&format!("{reference}: refreshed, expires {until}\n"));
                }
                reports.push(json!({"schema": 1, "ref": reference, "refreshed": true, "expires_at": end}));
            }
            Err(failure) => {
                app.printer.failure(&failure);
                worst = worse(worst, failure.exit);
                reports.push(json!({
                    "schema": 1, "ref": reference, "refreshed": false, "error": failure.message,
                }));
            }
        }
    }
    if app.printer.json {
        app.printer.document(&json!(reports));
    } else if reports.is_empty() {
        app.printer.say("nothing to refresh");
    }
    Ok(worst)
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

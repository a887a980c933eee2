//! `bursar use` and `bursar which`: the account a name stands for.

use serde_json::json;

use super::app::App;
use super::arguments::{UseCommand, WhichCommand};
use crate::exit::{Exit, Failure};

pub(super) async fn make_default(app: &App, command: &UseCommand) -> Result<Exit, Failure> {
    let account = app.resolve(&command.account).await?;
    app.engine.set_default(&account.reference).await?;
    app.printer.say(&format!("{} now means {}", account.reference.provider, account.reference));
    Ok(Exit::Ok)
}

pub(super) async fn which(app: &App, command: &WhichCommand) -> Result<Exit, Failure> {
    let from_environment = |provider: &str| app.account_from_environment(provider);
    let (account, choice) = app.engine.resolve(&command.account, &from_environment).await?;
    let identity = account.identity.as_ref().map(|identity| identity.label.as_str());
    if app.printer.json {
        app.printer.document(&json!({
            "schema": 1,
            "ref": account.reference.to_string(),
            "provider": account.reference.provider.as_str(),
            "account": account.reference.nickname.as_str(),
            "identity": identity,
            "reason": choice.describe(),
        }));
    } else {
        let who = identity.map_or_else(String::new, |label| format!(" ({label})"));
        app.printer.data(&format!("{}{who}: {}\n", account.reference, choice.describe()));
    }
    Ok(Exit::Ok)
}

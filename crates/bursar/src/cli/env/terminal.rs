//! The account of one terminal: chosen by name or number, remembered in the shell and nowhere else.

use std::collections::BTreeSet;

use bursar_core::engine::selection::SelectionError;
use bursar_core::lifecycle::account::Account;
use bursar_core::lifecycle::reference::AccountReference;

use super::choice_variable;
use crate::cli::app::App;
use crate::cli::shell::code::Setting;
use crate::cli::shell::functions::CURRENT;
use crate::context::from_environment;
use crate::exit::{Exit, Failure};

/// What makes `wanted` the account of a terminal. Other terminals and the provider's default stay as they are.
pub(super) async fn switch(app: &App, wanted: &str) -> Result<(AccountReference, Vec<Setting>), Failure> {
    let reference = meant(app, wanted).await?.reference;
    let settings = vec![
        Setting::exported(&choice_variable(&reference), Some(reference.nickname.as_str())),
        Setting::internal(CURRENT, &reference.to_string()),
    ];
    Ok((reference, settings))
}

/// Prints the reference of the account `wanted` means; nothing means the one of this terminal.
pub(super) async fn reference(app: &App, wanted: &str) -> Result<Exit, Failure> {
    let account = if wanted.is_empty() { current(app).await? } else { meant(app, wanted).await? };
    if app.printer.json {
        app.printer.document(&serde_json::json!({"schema": 1, "ref": account.reference.to_string()}));
    } else {
        app.printer.data(&format!("{}\n", account.reference));
    }
    Ok(Exit::Ok)
}

/// The account with this name, or with this number of `bursar list`. A nickname that is a number is a name, and a number
/// is never the beginning of a name: `1` must not mean `12`.
async fn meant(app: &App, wanted: &str) -> Result<Account, Failure> {
    let Some(number) = number(wanted) else { return app.resolve(wanted).await };
    let mut accounts = app.engine.overview().await?.accounts;
    let named: Vec<usize> =
        (0..accounts.len()).filter(|index| accounts[*index].reference.nickname.as_str() == wanted).collect();
    let index = match named.as_slice() {
        [] => number.checked_sub(1).filter(|index| *index < accounts.len()),
        [index] => Some(*index),
        several => {
            let candidates = several.iter().map(|index| accounts[*index].reference.clone()).collect();
            return Err(SelectionError::Ambiguous { wanted: wanted.to_owned(), candidates }.into());
        }
    };
    match index {
        Some(index) => Ok(accounts.swap_remove(index)),
        None => Err(Failure::new(Exit::NoSuchAccount, format!("there is no account {wanted}"))
            .hint("see names and numbers with `bursar list`")),
    }
}

/// The account of this terminal, where the shell does not remember one: the one its environment chooses, or the only
/// one there is.
async fn current(app: &App) -> Result<Account, Failure> {
    let mut accounts = app.engine.overview().await?.accounts;
    let chosen: BTreeSet<&str> = accounts
        .iter()
        .map(|account| account.reference.provider.as_str())
        .filter(|provider| from_environment(&app.environment, &app.config.catalogue, provider).is_some())
        .collect();
    let chosen: Vec<&str> = chosen.into_iter().collect();
    match (chosen.as_slice(), accounts.len()) {
        ([provider], _) => app.resolve(provider).await,
        ([], 1) => Ok(accounts.swap_remove(0)),
        _ => Err(Failure::new(Exit::Usage, "no account is chosen in this terminal")
            .hint("name one, or choose one with `c ACCOUNT`; see them with `bursar list`")),
    }
}

fn number(text: &str) -> Option<usize> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

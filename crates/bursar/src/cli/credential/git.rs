//! `bursar credential git`: a helper as gitcredentials(7) describes it.
//!
//! `get` answers with a fresh token, `erase` has a refused one replaced, and `store` keeps nothing: the tokens are here
//! already. A host that is nobody's is answered with nothing, so that git asks its next helper.

use bursar_core::engine::broker::HandOut;
use bursar_core::lifecycle::account::Account;
use bursar_core::lifecycle::refresh::Ask;
use bursar_core::secret::Secret;
use std::sync::Arc;

use super::choice::account_for;
use super::git_attributes::{Answer, CAPABILITIES, Form, QUIT, Request};
use super::hosts::Place;
use super::standard_input::read_all;
use super::user_name::user_name;
use crate::cli::app::App;
use crate::cli::arguments::credential::GitCredential;
use crate::exit::{Exit, Failure};

pub(super) async fn run(app: &App, command: &GitCredential) -> Result<Exit, Failure> {
    match command.action.as_str() {
        "get" => get(app, command).await?,
        "erase" => erase(app, command).await?,
        "capability" => app.printer.data(CAPABILITIES),
        // What other helpers got is none of our business, and words of the future are to be ignored.
        _ => drop(read_all()?),
    }
    Ok(Exit::Ok)
}

async fn get(app: &App, command: &GitCredential) -> Result<(), Failure> {
    let request = read()?;
    let Some((place, account)) = found(app, command, &request).await? else { return Ok(()) };
    let handed = match hand_out(app, &account, Ask::default()).await {
        Ok(handed) => handed,
        Err(failure) => {
            // Whoever names the account has no other in mind, and a question for a password helps nobody. An account
            // found by its host leaves the way to the next helper open.
            if command.choice.account.is_some() {
                app.printer.data(QUIT);
            }
            return Err(failure);
        }
    };
    let username = command.choice.username.as_deref().unwrap_or_else(|| user_name(&place));
    let form = if command.bearer && request.knows_authtype { Form::Bearer } else { Form::Basic { username } };
    let answer = Answer { token: &handed.token, form, expires_at: handed.expires_at };
    let text = answer.text().map_err(|error| Failure::of(Exit::Error, &error))?;
    app.printer.data(&text);
    Ok(())
}

/// A token that a server has refused is replaced at once, so that the next `get` has another one. Any other password is
/// not ours, and nothing happens.
async fn erase(app: &App, command: &GitCredential) -> Result<(), Failure> {
    let request = read()?;
    let Some(rejected) = request.tried().map(Secret::fingerprint) else { return Ok(()) };
    let Some((_, account)) = found(app, command, &request).await? else { return Ok(()) };
    if account.access.as_ref().is_none_or(|access| access.fingerprint != rejected) {
        return Ok(());
    }
    hand_out(app, &account, Ask { rejected: Some(rejected), ..Ask::default() }).await.map(drop)
}

fn read() -> Result<Request, Failure> {
    Request::read(&read_all()?).map_err(|error| Failure::of(Exit::Usage, &error))
}

async fn found(
    app: &App,
    command: &GitCredential,
    request: &Request,
) -> Result<Option<(Place, Account)>, Failure> {
    let Some(place) = Place::new(&request.protocol, &request.host) else {
        tracing::debug!(protocol = request.protocol, host = request.host, "no place for a token");
        return Ok(None);
    };
    let account = account_for(app, &command.choice, &place, request.username.as_deref()).await?;
    Ok(account.map(|account| (place, account)))
}

async fn hand_out(app: &App, account: &Account, ask: Ask) -> Result<Arc<HandOut>, Failure> {
    app.desk.hand_out(&account.reference, &ask, app.config.refresh.wait.unsigned_abs()).await
}

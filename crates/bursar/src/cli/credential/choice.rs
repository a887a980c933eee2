//! Which account a host belongs to, and whether its token may go there.

use bursar_core::engine::broker::HandOutError;
use bursar_core::engine::selection::SelectionError;
use bursar_core::lifecycle::account::Account;
use bursar_core::provider::Provider;

use super::hosts::{Place, hosts_of};
use super::user_name::says_nothing;
use crate::cli::app::App;
use crate::cli::arguments::credential::HostChoice;
use crate::exit::{Exit, Failure};

/// The account for `place`: the named one, if its token may go there, else the one whose provider has the host.
///
/// `user` is the name in the caller's URL; it chooses among several accounts. `None`: the place is nobody's.
pub(super) async fn account_for(
    app: &App,
    choice: &HostChoice,
    place: &Place,
    user: Option<&str>,
) -> Result<Option<Account>, Failure> {
    match &choice.account {
        Some(wanted) => named(app, wanted, &choice.hosts, place).await.map(Some),
        None => by_host(app, place, user).await,
    }
}

/// A helper is asked for every host, also for those a stranger wrote into a submodule or a Dockerfile: naming the account
/// does not open it to all of them.
async fn named(app: &App, wanted: &str, hosts: &[String], place: &Place) -> Result<Account, Failure> {
    let account = app.resolve(wanted).await?;
    let provider = provider_of(app, &account).await.map_err(Failure::from)?;
    let own = hosts_of(&provider);
    if place.is_one_of(own.iter().chain(hosts).map(String::as_str)) {
        return Ok(account);
    }
    Err(Failure::new(Exit::Denied, format!("the token of {} does not belong to {place}", account.reference))
        .hint(format!("if it does, say so with `--host {place}`, or in the provider's entry")))
}

async fn by_host(app: &App, place: &Place, user: Option<&str>) -> Result<Option<Account>, Failure> {
    let mut candidates = Vec::new();
    for account in app.engine.overview().await?.accounts {
        match provider_of(app, &account).await {
            Ok(provider) if place.is_one_of(hosts_of(&provider).iter().map(String::as_str)) => {
                candidates.push(account);
            }
            Ok(_) => {}
            Err(error) => tracing::debug!(%error, account = %account.reference, "passed over"),
        }
    }
    let user = user.filter(|user| !user.is_empty() && !says_nothing(user));
    if let Some(user) = user
        && !candidates.is_empty()
    {
        candidates.retain(|account| is_called(account, user));
        if candidates.is_empty() {
            app.printer.say(&format!("bursar: no account at {place} is called {}", shown(user)));
        }
    }
    let Some(first) = candidates.first() else { return Ok(None) };
    if candidates.len() == 1 {
        return Ok(Some(candidates.swap_remove(0)));
    }
    let provider = first.reference.provider.clone();
    if candidates.iter().all(|account| account.reference.provider == provider) {
        let chosen = app.resolve(provider.as_str()).await?;
        if candidates.iter().any(|account| account.reference == chosen.reference) {
            return Ok(Some(chosen));
        }
    }
    let candidates = candidates.into_iter().map(|account| account.reference).collect();
    Err(SelectionError::Ambiguous { wanted: place.to_string(), candidates }.into())
}

async fn provider_of(app: &App, account: &Account) -> Result<Provider, HandOutError> {
    let provider = app.engine.provider(&account.reference.provider).await?;
    provider.resolve(&account.variables).map_err(|error| HandOutError::Provider(error.into()))
}

fn is_called(account: &Account, user: &str) -> bool {
    account.reference.nickname.as_str().eq_ignore_ascii_case(user)
        || account.identity.as_ref().is_some_and(|identity| identity.label.eq_ignore_ascii_case(user))
}

/// A name from a URL, fit for a terminal.
fn shown(user: &str) -> String {
    user.chars().filter(|letter| !letter.is_control()).take(LONGEST_NAME).collect()
}

/// Of a line on a terminal.
const LONGEST_NAME: usize = 60;

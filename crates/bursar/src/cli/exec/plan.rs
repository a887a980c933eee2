//! What a command line of `bursar exec` asks for: which account fills which variable, and how.

use bursar_core::engine::broker::HandOutError;
use bursar_core::lifecycle::reference::AccountReference;

use super::super::app::App;
use super::super::arguments::handing_out::ExecCommand;
use super::super::subject::SANDBOX;
use super::super::variables::{Assignment, Wish, assignments, check_name};
use crate::exit::{Exit, Failure};

/// Every variable with its account, nothing handed out yet.
#[derive(Debug)]
pub(super) struct Plan {
    /// Variables with a value.
    pub(super) variables: Vec<Assignment>,
    /// Variables with the path of a file, which is kept fresh.
    pub(super) files: Vec<(String, AccountReference)>,
    /// Variables with the number of a descriptor.
    pub(super) descriptors: Vec<(String, AccountReference)>,
    /// Every account of the session, once.
    pub(super) accounts: Vec<AccountReference>,
}

impl Plan {
    /// Checks names, resolves accounts and settles who sets what.
    pub(super) async fn of(app: &App, command: &ExecCommand) -> Result<Self, Failure> {
        check_names(command)?;
        let mut accounts = Vec::new();
        for wanted in &command.accounts {
            accounts.push(app.resolve(wanted).await?.reference);
        }
        let mut wishes = Vec::new();
        for account in &accounts {
            let provider = app.engine.provider(&account.provider).await.map_err(HandOutError::from)?;
            wishes.push(Wish { account: account.clone(), environment: provider.environment });
        }
        let mut variables = assignments(&wishes, &resolved(app, &command.variables).await?)?;
        let files = resolved(app, &command.token_files).await?;
        let descriptors = resolved(app, &command.token_descriptors).await?;
        // What is asked for by name goes before what a provider's tools read.
        let named = || files.iter().chain(&descriptors);
        variables.retain(|variable| !named().any(|(name, _)| *name == variable.name));
        accounts.extend(variables.iter().map(|variable| variable.account.clone()));
        accounts.extend(named().map(|(_, account)| account.clone()));
        accounts.sort_by_key(AccountReference::key);
        accounts.dedup_by_key(|account| account.key());
        Ok(Self { variables, files, descriptors, accounts })
    }
}

async fn resolved(
    app: &App,
    wanted: &[(String, String)],
) -> Result<Vec<(String, AccountReference)>, Failure> {
    let mut resolved = Vec::new();
    for (name, account) in wanted {
        resolved.push((name.clone(), app.resolve(account).await?.reference));
    }
    Ok(resolved)
}

/// Refuses names that are never set, and names that two options set.
fn check_names(command: &ExecCommand) -> Result<(), Failure> {
    let kinds = [
        ("--token-file", &command.token_files),
        ("--token-fd", &command.token_descriptors),
        ("--env", &command.variables),
    ];
    let mut taken: Vec<(&str, &str)> = Vec::new();
    for (option, pairs) in kinds {
        for (name, _) in pairs {
            check_name(name)?;
            if OWN_VARIABLES.iter().any(|own| name.eq_ignore_ascii_case(own)) {
                return Err(Failure::new(Exit::Usage, format!("{name} is set by bursar itself"))
                    .hint(format!("choose another name for `{option}`")));
            }
            // Files are named after their variables, and some systems do not tell `a` from `A`.
            let other = taken.iter().find(|(taken, _)| taken.eq_ignore_ascii_case(name));
            // Twice the same variable by --env is judged by the accounts it is given to.
            if let Some((_, other)) = other.filter(|(_, other)| (option, *other) != ("--env", "--env")) {
                let message = if *other == option {
                    format!("{option} sets {name} twice")
                } else {
                    format!("{other} and {option} both set {name}")
                };
                return Err(Failure::new(Exit::Usage, message).hint("give each of them a name of its own"));
            }
            taken.push((name, option));
        }
    }
    Ok(())
}

/// What a session's command finds the session by.
const OWN_VARIABLES: [&str; 5] = [SOCKET, SESSION_TOKEN, SESSION, GATEWAY, SANDBOX];
/// The session's socket.
pub(super) const SOCKET: &str = "BURSAR_SOCKET";
/// What must be shown there.
pub(super) const SESSION_TOKEN: &str = "BURSAR_SESSION_TOKEN";
/// The session's name.
pub(super) const SESSION: &str = "BURSAR_SESSION";
/// Where the gateway listens, which takes the session's token too.
pub(super) const GATEWAY: &str = "BURSAR_GATEWAY";

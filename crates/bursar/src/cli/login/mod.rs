//! `bursar login`: from a name or an issuer's URL to a stored account.
//!
//! `target` finds the provider, `plan` settles everything that must be known before anything is sent (both by
//! [`crate::login_plan`], which the API uses too), `way` decides how the person takes part, one file for each way carries it out, `report` tells the end,
//! `verification` whether a resource takes the token. What may be stored is the
//! engine's decision alone: a login that fails leaves everything as it was.

mod assertion;
mod browser;
mod device;
mod machine;
mod paste;
pub(super) mod plan;
mod quick_response;
mod report;
mod target;
mod verification;
mod way;

use std::future::Future;
use std::time::Duration;

use bursar_core::engine::login::{Known, LoginPlan};
use bursar_core::provider::duration::write_duration;
use futures::FutureExt as _;
use jiff::SignedDuration;

use self::way::Way;
use super::app::App;
use super::arguments::LoginCommand;
use super::printer::{WARN, paint};
use crate::exit::{Exit, Failure};
use crate::login_plan::refused;

pub(super) async fn run(app: &App, command: &LoginCommand) -> Result<Exit, Failure> {
    let (issuer, challenge) = (target::issuer(command)?, plan::challenge(app, command).await?);
    let has_pkce = command.assume_pkce;
    let known = Known { issuer: issuer.as_ref(), challenge: challenge.as_ref(), has_pkce };
    let target = target::find(app, &command.target, known).await?;
    let needed = challenge.as_ref().and_then(|hint| hint.scope.clone());
    let plan = plan::settle(app, command, target, challenge).await?;
    let had_vault = app.engine.recorded_key_source().await?.is_some();
    if let Some(policy) = &plan.provider.policy {
        app.printer.say(&format!("{}: {policy}", paint("note", WARN)));
    }
    let logged_in = match way::choose(app, command, &plan.provider)? {
        Way::Browser => browser::log_in(app, command, &plan).await?,
        Way::Device => device::log_in(app, command, &plan).await?,
        Way::Paste => paste::log_in(app, command, &plan).await?,
        Way::ClientCredentials => app.engine.login_as_client(&plan).await.map_err(refused)?,
        Way::JwtBearer => assertion::log_in(app, command, &plan).await?,
        Way::Key => machine::keep_key(app, command, &plan).await?,
    };
    let exit = report::tell(app, &plan, &logged_in, had_vault).await?;
    verification::verify(app, &plan, &logged_in, needed.as_ref()).await?;
    Ok(exit)
}

/// How long a person may take.
fn patience(app: &App, command: &LoginCommand) -> Duration {
    command.timeout.unwrap_or(app.config.login.timeout).unsigned_abs()
}

/// `work`, or a failure that says what did not happen within `limit`.
async fn within<T>(
    app: &App,
    limit: Duration,
    missing: &str,
    hint: &str,
    work: impl Future<Output = Result<T, Failure>>,
) -> Result<T, Failure> {
    let mut work = std::pin::pin!(work.fuse());
    futures::select_biased! {
        done = work => done,
        () = app.engine.ports().clock.sleep(limit).fuse() => Err(out_of_time(limit, missing, hint)),
    }
}

/// Nobody did anything: the login is cancelled, not refused (exit code 2).
fn out_of_time(limit: Duration, missing: &str, hint: &str) -> Failure {
    let limit = write_duration(SignedDuration::try_from(limit).unwrap_or(SignedDuration::MAX));
    Failure::new(Exit::Usage, format!("{missing} within {limit}; nothing was stored")).hint(hint)
}

/// The command line that logs in to the same place in another way.
fn same_login(plan: &LoginPlan, command: &LoginCommand, option: &str) -> String {
    let nickname = plan.nickname.as_ref().map_or_else(String::new, |nickname| format!(" --as {nickname}"));
    format!("`bursar login {}{nickname} {option}`", command.target)
}

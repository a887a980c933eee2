//! `bursar exec`: runs a command with tokens, and keeps them fresh as long as it runs.
//!
//! Every token is handed out before the command starts, so it starts with all of them or not at all. Which variables are
//! set is decided in [`super::variables`] and `plan`; starting, signals and the exit code are in `child`, files and
//! socket in `session`, freshness in `upkeep`, the output in `relay`. Tokens never become arguments: those are visible to
//! every user of the machine.

mod child;
mod descriptor;
mod door;
pub(crate) mod folder;
mod known_tokens;
mod mask;
mod plan;
mod relay;
mod session;
mod signals;
mod upkeep;

use std::process::Command;
use std::sync::Arc;

use bursar_core::engine::broker::HandOut;
use bursar_core::lifecycle::reference::AccountReference;
use bursar_core::lifecycle::refresh::Ask;
use futures::future::{join_all, join3};
use jiff::SignedDuration;

use self::child::Foreground;
use self::descriptor::TokenDescriptor;
use self::known_tokens::KnownTokens;
use self::plan::Plan;
use self::relay::Relay;
use self::session::Session;
use self::upkeep::Upkeep;
use super::app::App;
use super::arguments::handing_out::ExecCommand;
use super::expect::expect_all;
use super::subject::SANDBOX;
use crate::child_environment::scrub;
use crate::exit::{Exit, Failure};
use crate::http::Told;

/// Not a future: from the start of the command on, signals are the command's business, and nothing of bursar may end
/// because of one.
pub(super) fn run(app: &App, command: &ExecCommand) -> Result<Exit, Failure> {
    let mut foreground = Foreground::new()?;
    let exit = foreground.before(Plan::of(app, command)).and_then(|plan| {
        let mut session = foreground.before(Session::open(app, command, &plan))?;
        let exit = foreground.before(hand_out(app, &plan.accounts, command.min_valid)).and_then(|handed| {
            expect_all(&handed, &command.expect)?;
            session.furnish(&plan, &handed)?;
            start(app, command, &mut foreground, &plan, &session, &handed)
        });
        foreground.after(session.end(app));
        exit
    });
    // A refresh under way saves its answer first.
    app.block_on(async |_| exit)
}

/// The tokens of all accounts, or the first reason why not.
async fn hand_out(
    app: &App,
    accounts: &[AccountReference],
    min_valid: Option<SignedDuration>,
) -> Result<Vec<Arc<HandOut>>, Failure> {
    let ask = Ask { min_valid, ..Ask::default() };
    let mut handed = Vec::new();
    for account in accounts {
        handed.push(app.desk.hand_out(account, &ask, app.config.refresh.wait.unsigned_abs()).await?);
    }
    Ok(handed)
}

/// Starts the command with everything it was promised, and stays with it.
fn start(
    app: &App,
    command: &ExecCommand,
    foreground: &mut Foreground,
    plan: &Plan,
    session: &Session,
    handed: &[Arc<HandOut>],
) -> Result<Exit, Failure> {
    let mut line = Command::new(&command.command[0]);
    line.args(&command.command[1..]);
    scrub(&mut line, &app.environment);
    for variable in plan.variables.clone() {
        match variable.value(handed) {
            (name, Some(value)) => line.env(name, value.expose()),
            // What the shell happened to have there may be somebody else's.
            (name, None) => line.env_remove(name),
        };
    }
    line.envs(session.variables(plan));
    if let Some(sandbox) = &app.sandbox {
        // What the command asks bursar for is there too.
        line.env(SANDBOX, sandbox.name.as_str());
    }
    let mut inherited = Vec::new();
    for (name, descriptor) in descriptors(plan, handed)? {
        line.env(name, descriptor.number());
        inherited.push(descriptor);
    }
    let known = command.mask.then(|| KnownTokens::new(app, handed));
    let clock = &*app.engine.ports().clock;
    let put_around = |known| foreground.inside(|| Relay::put_around(&mut line, known, clock)).flatten();
    let relay = known.as_ref().map(put_around).transpose()?;
    let output = async |ended| {
        if let Some(relay) = relay {
            relay.run(ended).await;
        }
    };
    let beside = async {
        let kept = join_all(upkeeps(command, plan, handed).map(|upkeep| upkeep.run(app, session.folder())));
        let masked = async {
            if let Some(known) = &known {
                known.keep_up().await;
            }
        };
        let told: Told =
            known.as_ref().map_or_else(|| Arc::new(|_: &Arc<HandOut>| {}) as Told, KnownTokens::told);
        join3(kept, masked, session.serve(app, &plan.accounts, told)).await;
    };
    foreground.run(line, inherited, output, beside)
}

/// Pipes with tokens, and the variables that say which.
fn descriptors(plan: &Plan, handed: &[Arc<HandOut>]) -> Result<Vec<(String, TokenDescriptor)>, Failure> {
    let mut descriptors = Vec::new();
    for (name, account) in &plan.descriptors {
        let token = handed.iter().find(|handed| handed.reference.key() == account.key());
        let Some(token) = token.map(|handed| &handed.token) else { continue };
        descriptors.push((name.clone(), TokenDescriptor::holding(token)?));
    }
    Ok(descriptors)
}

/// The accounts that must stay fresh: those with files, and all that the socket may be asked for.
fn upkeeps<'a>(
    command: &'a ExecCommand,
    plan: &'a Plan,
    handed: &'a [Arc<HandOut>],
) -> impl Iterator<Item = Upkeep> + 'a {
    handed.iter().filter_map(move |handed| {
        let is_of = |account: &AccountReference| account.key() == handed.reference.key();
        let files = plan.files.iter().filter(|(_, account)| is_of(account));
        let files: Vec<String> = files.map(|(name, _)| name.clone()).collect();
        let wanted = command.socket || !files.is_empty();
        wanted.then(|| {
            Upkeep::new(handed.reference.clone(), command.min_valid, files, handed.token.fingerprint())
        })
    })
}

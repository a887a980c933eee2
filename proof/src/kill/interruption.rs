//! Refreshes whose process is asked to end or stopped, or whose caller goes away: all of them finish.
//!
//! Played at the strictest policy, where a lost answer would cost the login.

use std::time::Duration;

use bursar_core::lifecycle::refresh::Ask;
use misbehaving_provider::When as HoldAt;
use rustix::process::Signal;

use super::error::Broken;
use super::outcome::Given;
use super::policy::Policy;
use super::process::Program;
use super::world::{ACCOUNT, World};
use crate::halting::Place;

/// SIGINT or SIGTERM while the provider has acted and not answered.
pub(super) async fn signalled(program: &Program, signal: Signal) -> Result<(), Broken> {
    let world = World::log_in(program, Policy::RevokeFamily).await?;
    let (mut refresher, hold) =
        world.start_and_hold(&REFRESH, Some(Place::CallerGone), HoldAt::AfterProcessing).await?;
    refresher.signal(signal)?;
    // The command has heard the signal and given up; what is left is the refresh alone.
    refresher.reached().await?;
    hold.release();
    let ended = refresher.finish().await?;
    let promise = "an interrupted command prints nothing and ends with exit code 2";
    Broken::unless(ended.code == Some(2) && ended.stdout.is_empty(), promise, &ended)?;
    is_saved(&world).await
}

/// SIGSTOP while the provider has acted and not answered; the answer arrives while nobody can read it.
pub(super) async fn stopped(program: &Program) -> Result<(), Broken> {
    let world = World::log_in(program, Policy::RevokeFamily).await?;
    let (refresher, hold) = world.start_and_hold(&REFRESH, None, HoldAt::AfterProcessing).await?;
    refresher.stop()?;
    hold.release();
    world.provider_is_idle().await?;
    let bystander = world.token_without_waiting().await?;
    let given = world.given(&bystander)?;
    let promise = "while the refresher is stopped, others get the token at hand";
    Broken::unless(given == Some(Given::OldToken), promise, bystander)?;
    refresher.signal(Signal::CONT)?;
    let ended = refresher.finish().await?;
    let given = world.given(&ended)?;
    Broken::unless(given == Some(Given::NewToken), "a refresh goes on where it was stopped", ended)?;
    is_saved(&world).await
}

/// The disk hangs in the middle of the commit, and with it the database's write lock.
pub(super) async fn stuck(program: &Program) -> Result<(), Broken> {
    let world = World::log_in(program, Policy::RevokeFamily).await?;
    let mut refresher = world.start(&REFRESH, Some(Place::DuringCommit))?;
    refresher.reached().await?;
    let bystander = world.token_without_waiting().await?;
    let given = world.given(&bystander)?;
    let promise = "while the database is locked, others get the token at hand";
    Broken::unless(given == Some(Given::OldToken), promise, bystander)?;
    refresher.kill().await
}

/// The future that asked for the token is dropped; its process lives on.
pub(super) async fn dropped(program: &Program) -> Result<(), Broken> {
    let world = World::log_in(program, Policy::RevokeFamily).await?;
    let hold = world.provider.hold(World::ENDPOINT, HoldAt::AfterProcessing);
    let reference = world.account().await?.reference;
    let wired = world.wired().await?;
    let (ask, wait) = (Ask::default(), Duration::from_secs(30));
    tokio::select! {
        handed = wired.engine.hand_out(&reference, &ask, wait) => {
            let promise = "whoever can wait is not answered while the provider is silent";
            return Broken::unless(false, promise, handed.map(|handed| handed.generation));
        }
        () = hold.arrived() => {}
    }
    hold.release();
    let ended = wired.tasks.drained(Duration::from_secs(30)).await;
    Broken::unless(ended, "a detached refresh ends by itself", "a task that runs for 30 s")?;
    is_saved(&world).await
}

/// The new tokens are stored, the journal is closed, and the one call was enough.
async fn is_saved(world: &World) -> Result<(), Broken> {
    let account = world.account().await?;
    Broken::unless(account.journal.is_none(), "a finished refresh closes its journal", &account.journal)?;
    let ended = world.token().await?;
    let given = world.given(&ended)?;
    Broken::unless(given == Some(Given::NewToken), "the answer of a refresh under way is saved", ended)?;
    Broken::unless(world.refreshes() == 1, "one refresh is one call", world.refreshes())
}

const REFRESH: [&str; 2] = ["token", ACCOUNT];

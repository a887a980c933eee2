//! Plays one scenario: log in, stop a refresh at its step, kill it, and see what the next processes get.

use std::time::Duration;

use bursar_core::lifecycle::account::{Account, Standing};
use bursar_core::lifecycle::shown::{ShownState, Warn, shown};
use misbehaving_provider::{Fault, Times, When as HoldAt};

use super::error::Broken;
use super::outcome::{Fate, Given, Outcome, When};
use super::policy::{ACCESS_LIFE, Policy};
use super::process::{Program, Running, in_time};
use super::step::{Step, Way};
use super::world::{ACCOUNT, LEFT, World};
use crate::halting::Place;

/// One kill.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scenario {
    /// What the provider does with spent tokens.
    pub policy: Policy,
    /// Where the process dies.
    pub step: Step,
    /// Whether a second process waits for the same refresh.
    pub sibling: bool,
    /// Who refreshes, and is killed.
    pub refresher: Refresher,
}

/// Who refreshes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refresher {
    /// A command that wants a token.
    Command,
    /// The agent, before anybody wants one.
    Agent,
}

impl Refresher {
    fn line(self) -> [&'static str; 2] {
        match self {
            Self::Command => ["token", ACCOUNT],
            Self::Agent => ["agent", "run"],
        }
    }
}

/// Plays `scenario` and tells what became of the login. A promise that holds for every scenario and was not kept here
/// is an error.
pub async fn run(program: &Program, scenario: Scenario) -> Result<Outcome, Broken> {
    let Scenario { policy, step, sibling, refresher } = scenario;
    let line = refresher.line();
    let mut world = World::log_in(program, policy).await?;
    let sibling = match step.way() {
        Way::Before(place) => kill_before_call(&world, &line, place, sibling).await?,
        Way::During(at) => kill_in_call(&world, &line, at, sibling).await?,
        Way::After(place) => kill_after_call(&world, &line, place, sibling).await?,
    };
    let sibling = match sibling {
        Some(sibling) => Some(given_to_sibling(&world, sibling).await?),
        None => None,
    };
    let fate = follow(&mut world, policy).await?;
    let outcome = Outcome {
        fate,
        calls: world.refreshes(),
        reuse_detected: world.provider.reuse_detected() > 0,
        sibling,
    };
    match &outcome.fate {
        Fate::Kept(_) => still_refreshes(&mut world).await?,
        Fate::LoginRequired(_) => tokens_are_kept(&world).await?,
    }
    Ok(outcome)
}

async fn kill_before_call(
    world: &World,
    line: &[&str],
    place: Place,
    sibling: bool,
) -> Result<Option<Running>, Broken> {
    let mut refresher = world.start(line, Some(place))?;
    refresher.reached().await?;
    let sibling = if sibling { Some(waiting(world, Place::LockAwaited).await?) } else { None };
    refresher.kill().await?;
    Ok(sibling)
}

async fn kill_in_call(
    world: &World,
    line: &[&str],
    at: HoldAt,
    sibling: bool,
) -> Result<Option<Running>, Broken> {
    if at == HoldAt::BeforeProcessing {
        // Once let go, the call ends as if the provider had died before it could act.
        world.provider.inject(World::ENDPOINT, Fault::CloseBeforeAnswer, Times::Once);
    }
    let (refresher, hold) = world.start_and_hold(line, None, at).await?;
    let sibling = if sibling { Some(waiting(world, Place::LockAwaited).await?) } else { None };
    // The provider's side ends while its caller can no longer hear of it, and before anybody else can call.
    refresher.stop()?;
    hold.release();
    world.provider_is_idle().await?;
    refresher.kill().await?;
    Ok(sibling)
}

async fn kill_after_call(
    world: &World,
    line: &[&str],
    place: Place,
    sibling: bool,
) -> Result<Option<Running>, Broken> {
    let (mut refresher, hold) = world.start_and_hold(line, Some(place), HoldAt::AfterProcessing).await?;
    let sibling = if sibling { Some(waiting(world, Place::LockAwaited).await?) } else { None };
    hold.release();
    refresher.reached().await?;
    refresher.kill().await?;
    Ok(sibling)
}

/// A second process, certain to be waiting for the first.
async fn waiting(world: &World, place: Place) -> Result<Running, Broken> {
    if place == Place::LockAwaited {
        let bystander = world.token_without_waiting().await?;
        let given = world.given(&bystander)?;
        let promise = "while somebody refreshes, whoever cannot wait gets the token at hand";
        Broken::unless(given == Some(Given::OldToken), promise, bystander)?;
    }
    let mut sibling = world.start(&["token", ACCOUNT, "--wait", "30s"], Some(place))?;
    sibling.reached().await?;
    Ok(sibling)
}

async fn given_to_sibling(world: &World, sibling: Running) -> Result<Given, Broken> {
    let ended = sibling.finish().await?;
    let given = world.given(&ended)?;
    given.ok_or_else(|| Broken::Promise {
        promise: "a process that waited gets a token while one is good",
        found: format!("{ended:?}"),
    })
}

/// Asks for a token at later and later times until the fate of the login shows.
async fn follow(world: &mut World, policy: Policy) -> Result<Fate, Broken> {
    let mut waits = vec![policy.comes_back_after()];
    // Past the end of the access token; then past the spacing of further attempts.
    waits.extend([LEFT, Duration::from_mins(6), Duration::from_mins(6)]);
    for (round, wait) in waits.into_iter().enumerate() {
        world.advance(wait);
        let was_live = world.first_is_live();
        let ended = world.token().await?;
        match world.given(&ended)? {
            Some(Given::NewToken) => {
                return Ok(Fate::Kept(if round == 0 { When::AtOnce } else { When::AfterAccessToken }));
            }
            Some(Given::OldToken) => {
                let risked = policy.is_dangerous() && world.provider.reuse_detected() > 0;
                Broken::unless(!risked, "a token at hand is never risked for a new one", &ended)?;
            }
            None => {
                let promise = "an access token that still serves is always handed out";
                Broken::unless(!was_live, promise, &ended)?;
                if let Some(cause) = login_required(&world.account().await?) {
                    let promise = "a command that needs a person first says so by its exit code";
                    Broken::unless(ended.code == Some(4), promise, &ended)?;
                    return Ok(Fate::LoginRequired(cause));
                }
                let promise = "whoever cannot be given a token is told to try later";
                Broken::unless(ended.code == Some(5), promise, &ended)?;
            }
        }
    }
    Err(Broken::Promise {
        promise: "every login settles within minutes",
        found: "neither tokens nor a cause".into(),
    })
}

/// The word of the cause, if the account needs a person.
fn login_required(account: &Account) -> Option<String> {
    match &account.standing {
        Standing::NeedsLogin { cause, .. } => {
            serde_json::to_value(cause.kind).ok()?.as_str().map(str::to_owned)
        }
        _ => None,
    }
}

/// A kept login is more than one token: it refreshes again, an hour later.
async fn still_refreshes(world: &mut World) -> Result<(), Broken> {
    let account = world.account().await?;
    let promise = "a settled refresh leaves no open journal";
    Broken::unless(account.journal.is_none(), promise, &account.journal)?;
    let before = world.refreshes();
    world.advance(ACCESS_LIFE);
    let ended = world.token().await?;
    let promise = "a kept login refreshes again, with one call";
    let refreshed = world.given(&ended)? == Some(Given::NewToken) && world.refreshes() == before + 1;
    Broken::unless(refreshed, promise, ended)
}

/// A lost login keeps its tokens, sealed, and says `login_required`.
async fn tokens_are_kept(world: &World) -> Result<(), Broken> {
    let account = world.account().await?;
    let state = shown(&account, Warn::default(), world.provider.now());
    Broken::unless(state == ShownState::LoginRequired, "the shown state is `login_required`", state)?;
    let promise = "an account that needs a login keeps its tokens, sealed";
    Broken::unless(account.refresh.is_some() && account.access.is_some(), promise, &account)?;
    let engine = world.wired().await?.engine;
    let handed = engine.hand_out_unchecked(&account.reference).await;
    let opened = handed.is_ok_and(|handed| handed.token.expose() == world.first());
    Broken::unless(opened, promise, "other tokens")
}

/// Kills an agent at `step` of a refresh at a provider where that is harmless, and lets the next agent find what is left.
pub async fn the_next_agent_recovers(program: &Program, step: Step) -> Result<(), Broken> {
    let world = World::log_in(program, Policy::Harmless).await?;
    let line = Refresher::Agent.line();
    match step.way() {
        Way::Before(place) => kill_before_call(&world, &line, place, false).await?,
        Way::During(at) => kill_in_call(&world, &line, at, false).await?,
        Way::After(place) => kill_after_call(&world, &line, place, false).await?,
    };
    let mut next = world.start(&line, None)?;
    let settled = in_time("the next agent's refresh", async {
        loop {
            let account = world.account().await?;
            if account.journal.is_none() && account.generation.0 > 1 {
                return Ok::<_, Broken>(());
            }
            tokio::task::yield_now().await;
        }
    });
    Box::pin(next.until("the account in order", async { settled.await? })).await?;
    let ended = world.token().await?;
    let promise = "after the next agent a command finds a new token";
    Broken::unless(world.given(&ended)? == Some(Given::NewToken), promise, ended)?;
    next.kill().await
}

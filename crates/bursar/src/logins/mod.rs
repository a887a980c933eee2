//! Logins that a program leads: begun over the API, finished by a person somewhere else.
//!
//! They live in this process alone, a bounded number at a time, each with an end. What is stored in the end, and
//! whether, is the engine's decision; here is only who is being waited for. No browser is opened.

mod attempt;
mod error;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bursar_core::engine::Engine;
use bursar_core::engine::login::{Known, LoginPlan, PendingAuthorization};
use bursar_core::ports::random::unguessable;
use bursar_core::ports::tasks::Tasks;
use bursar_core::secret::Secret;
use futures::FutureExt as _;
use futures::future::BoxFuture;
use jiff::{SignedDuration, Timestamp};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use self::attempt::Arrived;
pub(crate) use self::attempt::{Attempt, Stage, ToPerson, Way};
pub(crate) use self::error::{AnswerError, BeginError};
use crate::config::Config;
use crate::config::environment::Environment;
use crate::exit::{Exit, Failure};
use crate::login_plan::{
    Draft, Target, Wish, comes_back_by_itself, listen, pasted_redirect, refuse_scopes_of_other_flows, refused,
};

/// The logins under way, and for a while those that have ended. Clones share them.
#[derive(Clone, Debug)]
pub struct Logins(Arc<Within>);

#[derive(Debug)]
struct Within {
    /// Runs what waits for people: nobody waits for that when the process ends.
    tasks: Arc<dyn Tasks>,
    places: Arc<Semaphore>,
    attempts: Mutex<BTreeMap<String, Arc<Attempt>>>,
}

/// What a program wants of a login.
#[derive(Debug)]
pub(crate) struct NewLogin {
    pub(crate) wish: Wish,
    /// Goes before the configured one.
    pub(crate) client_secret: Option<Secret>,
    pub(crate) way: Way,
    /// How long to wait for the person; `None`: as configured.
    pub(crate) limit: Option<Duration>,
}

/// A login that has begun at the provider, before anybody knows of it.
struct Begun {
    to_person: ToPerson,
    /// What an answer is redeemed with.
    pending: Option<(LoginPlan, PendingAuthorization)>,
    /// Completes when the person has come back without help.
    person: BoxFuture<'static, Result<Arrived, Failure>>,
    ends_at: Timestamp,
}

impl Logins {
    /// No logins yet.
    pub fn new(tasks: Arc<dyn Tasks>) -> Self {
        let places = Arc::new(Semaphore::new(MOST_WAITING));
        Self(Arc::new(Within { tasks, places, attempts: Mutex::default() }))
    }

    /// Settles everything, asks the provider to begin, and waits for the person from then on.
    pub(crate) async fn begin(
        &self,
        engine: &Engine,
        config: &Config,
        environment: &Environment,
        new: NewLogin,
    ) -> Result<Arc<Attempt>, BeginError> {
        let place = Arc::clone(&self.0.places).try_acquire_owned().map_err(|_| BeginError::TooMany)?;
        let way = new.way;
        let limit = new.limit.unwrap_or(config.login.timeout.unsigned_abs()).clamp(SHORTEST, LONGEST);
        let ends_at = SignedDuration::try_from(limit).ok();
        let ends_at = ends_at.and_then(|limit| engine.ports().clock.now().checked_add(limit).ok());
        let ends_at = ends_at.unwrap_or(Timestamp::MAX);
        let plan = plan(engine, config, environment, new).await?;
        let provider = plan.provider.id.to_string();
        let begun = match way {
            Way::Browser => by_browser(engine, config, plan, limit, ends_at).await?,
            Way::Paste => by_paste(engine, plan, ends_at).await?,
            Way::Device => by_device(engine, plan, ends_at).await?,
        };
        Ok(self.wait_for_person(engine, provider, way, begun, place))
    }

    /// The login of this id, if it has not been forgotten.
    pub(crate) fn find(&self, id: &str) -> Option<Arc<Attempt>> {
        self.attempts().get(id).cloned()
    }

    /// All that are known, the earliest to end first.
    pub(crate) fn all(&self) -> Vec<Arc<Attempt>> {
        let mut all: Vec<_> = self.attempts().values().cloned().collect();
        all.sort_by(|one, other| (one.ends_at, &one.id).cmp(&(other.ends_at, &other.id)));
        all
    }

    /// Ends a login that waits for its person, and forgets it. One that is being stored right now cannot be ended.
    pub(crate) fn cancel(&self, attempt: &Attempt) -> Result<(), AnswerError> {
        if !attempt.leave(Stage::Cancelled) && matches!(attempt.stage(), Stage::Finishing) {
            return Err(AnswerError::NotWaiting);
        }
        self.attempts().remove(&attempt.id);
        Ok(())
    }

    fn wait_for_person(
        &self,
        engine: &Engine,
        provider: String,
        way: Way,
        begun: Begun,
        place: OwnedSemaphorePermit,
    ) -> Arc<Attempt> {
        let Begun { to_person, pending, person, ends_at } = begun;
        let id = unguessable(&*engine.ports().random).expose().to_owned();
        let attempt = Arc::new(Attempt::new(id, provider, way, to_person, ends_at, pending, place));
        let mut attempts = self.attempts();
        forget_old(&mut attempts, engine.ports().clock.now());
        attempts.insert(attempt.id.clone(), Arc::clone(&attempt));
        drop(attempts);
        self.0.tasks.spawn(Arc::clone(&attempt).wait(engine.clone(), person).boxed());
        attempt
    }

    fn attempts(&self) -> MutexGuard<'_, BTreeMap<String, Arc<Attempt>>> {
        self.0.attempts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn plan(
    engine: &Engine,
    config: &Config,
    environment: &Environment,
    new: NewLogin,
) -> Result<LoginPlan, BeginError> {
    let target = Target::find(engine, &new.wish.target, Known::default()).await?;
    let mut draft = Draft::begin(engine, config, new.wish, target).await?;
    draft.choose_client(engine, config, None).await?;
    let secret = match (new.client_secret, draft.configured_secret()) {
        (None, Some(place)) => Some(place.read(environment, &*engine.ports().clock).await?),
        (given, _) => given,
    };
    draft.keep_secret(secret);
    draft.demand_secret(false)?;
    Ok(draft.into_plan())
}

async fn by_browser(
    engine: &Engine,
    config: &Config,
    plan: LoginPlan,
    limit: Duration,
    ends_at: Timestamp,
) -> Result<Begun, BeginError> {
    if !comes_back_by_itself(&plan.provider) {
        return Err(BeginError::OnlyPasted { provider: plan.provider.display_name().to_owned() });
    }
    let (callback, redirect_uri) = listen(&plan, None, config.login.callback_port).await?;
    let pending = engine.begin_authorization(&plan, &redirect_uri).await.map_err(refused)?;
    let clock = Arc::clone(&engine.ports().clock);
    let person = async move {
        let query = callback.wait(limit, &*clock).await;
        query.map(Arrived::Query).map_err(|error| Failure::of(Exit::LoginRequired, &error).hint(AGAIN))
    };
    let to_person = ToPerson::address(pending.url().to_string());
    Ok(Begun { to_person, pending: Some((plan, pending)), person: person.boxed(), ends_at })
}

async fn by_paste(engine: &Engine, plan: LoginPlan, ends_at: Timestamp) -> Result<Begun, BeginError> {
    let redirect_uri = pasted_redirect(&plan, None).await?;
    let pending = engine.begin_authorization(&plan, &redirect_uri).await.map_err(refused)?;
    let to_person = ToPerson::address(pending.url().to_string());
    // Nobody comes back without help.
    let person = futures::future::pending().boxed();
    Ok(Begun { to_person, pending: Some((plan, pending)), person, ends_at })
}

async fn by_device(engine: &Engine, plan: LoginPlan, ends_at: Timestamp) -> Result<Begun, BeginError> {
    refuse_scopes_of_other_flows(&plan)?;
    let device = engine.begin_device(&plan).await.map_err(refused)?;
    let ends_at = ends_at.min(device.expires_at);
    let to_person = ToPerson::code(&device);
    let engine = engine.clone();
    let person = async move {
        let logged_in = engine.finish_device(&plan, &device).await;
        logged_in.map(|logged_in| Arrived::Login(Box::new(logged_in))).map_err(refused)
    };
    Ok(Begun { to_person, pending: None, person: person.boxed(), ends_at })
}

/// Logins that have ended are told of for a while; then, or when there are too many, they are forgotten.
fn forget_old(attempts: &mut BTreeMap<String, Arc<Attempt>>, now: Timestamp) {
    let over = |attempt: &Arc<Attempt>| !matches!(attempt.stage(), Stage::Waiting | Stage::Finishing);
    attempts.retain(|_, attempt| {
        !over(attempt) || attempt.ends_at.checked_add(KEPT).is_ok_and(|until| until > now)
    });
    while attempts.len() >= MOST_KEPT {
        let oldest = attempts.values().filter(|attempt| over(attempt)).min_by_key(|attempt| attempt.ends_at);
        let Some(id) = oldest.map(|attempt| attempt.id.clone()) else { return };
        attempts.remove(&id);
    }
}

/// More than anybody does at once; each holds a port or asks a provider every few seconds.
const MOST_WAITING: usize = 16;
/// With those that have ended; a few hundred bytes each.
const MOST_KEPT: usize = 100;
/// A program that asks seldom still hears of the end.
const KEPT: SignedDuration = SignedDuration::from_mins(10);
/// Less is no login but a mistake in the units.
const SHORTEST: Duration = Duration::from_secs(5);
/// As long as the engine keeps room for what a login will bring.
const LONGEST: Duration = Duration::from_hours(1);
/// What a person does after the end.
const AGAIN: &str = "begin another login; nothing was stored";

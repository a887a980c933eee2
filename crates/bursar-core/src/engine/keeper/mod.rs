//! The keeper: every account is refreshed before anybody asks for it.
//!
//! One schedule in order of due times, and that is the store's own: it is asked what is due, each due account is
//! renewed as a task of its own, and the keeper sleeps until the next falls due, the store changes, or half a minute has
//! passed, because clocks jump and machines sleep. It decides nothing about an account: [`crate::lifecycle::refresh`]
//! does, under the same lock as everybody else's hand-outs. The accounts of sandboxes are kept beside it, by `tenants`.

mod crew;
mod held;
mod nightly;
mod tenants;
mod watchman;

use std::collections::HashSet;
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::FutureExt as _;
use jiff::{SignedDuration, Timestamp};
use tokio::sync::watch;

pub use self::nightly::Nightly;

use self::crew::{Crew, Place};
use self::held::Held;
use self::tenants::Tenants;
use self::watchman::{Jump, Watchman};
use super::Engine;
use super::broker::HandOutError;
use crate::lifecycle::account::{Account, Generation, Renewal};
use crate::lifecycle::reference::AccountReference;
use crate::lifecycle::refresh::{Ask, Decision, Standpoint, decide};
use crate::ports::document::{self, Document as _};
use crate::ports::store::{Page, Sequence, StoreError};

/// Keeps the accounts of one engine fresh, and those of its sandboxes. Clones are the same keeper.
#[derive(Clone, Debug)]
pub struct Keeper {
    engine: Engine,
    nightly: Option<Nightly>,
    state: Arc<Mutex<State>>,
    crew: Arc<Crew>,
    tenants: Arc<Tenants>,
}

#[derive(Debug, Default)]
struct State {
    running: HashSet<AccountReference>,
    held: Held,
    /// Nothing is tried before this moment of the stopwatch: the vault is shut, or the store in trouble.
    shut_until: Option<Duration>,
    last_refresh: Option<Timestamp>,
    /// A renewal has ended, or somebody has mended something, since the last round.
    is_stirred: bool,
}

/// How far the keeper is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Renewals under way.
    pub refreshing: usize,
    /// When an account was last renewed by this keeper.
    pub last_refresh: Option<Timestamp>,
    /// The account that falls due next, and when.
    pub next: Option<(AccountReference, Timestamp)>,
    /// When the nightly refresh last ran.
    pub last_nightly: Option<Timestamp>,
    /// When it runs next.
    pub next_nightly: Option<Timestamp>,
}

impl Keeper {
    /// Keeps the accounts of `engine` fresh, and all that end soon at one time of the night if `nightly` says so.
    pub fn new(engine: Engine, nightly: Option<Nightly>) -> Self {
        let (crew, tenants) = (Arc::default(), Arc::default());
        Self { engine, nightly, state: Arc::default(), crew, tenants }
    }

    /// The same keeper on an engine and a schedule that a new configuration brought; what is under way stays known.
    #[must_use]
    pub fn on(self, engine: Engine, nightly: Option<Nightly>) -> Self {
        Self { engine, nightly, ..self }
    }

    /// Keeps on until `stop` completes. Renewals under way are tasks of their own and end after it.
    pub async fn run(&self, stop: impl Future<Output = ()>) {
        let (stop, changes) = (stop.shared(), self.engine.ports.store.watch());
        futures::join!(
            self.again_and_again(
                async |jump| self.round(jump).await,
                &self.crew,
                Some(changes),
                stop.clone()
            ),
            // What is changed in which sandbox nobody tells: they are looked at when their time has come.
            self.again_and_again(
                async |jump| self.round_of_tenants(jump).await,
                &self.tenants.crew,
                None,
                stop
            ),
        );
    }

    /// Does `round` again and again: after as long as it says, and when a renewal of `crew` has ended or something has changed.
    async fn again_and_again(
        &self,
        round: impl AsyncFn(Option<Jump>) -> Result<Duration, StoreError>,
        crew: &Crew,
        mut changes: Option<watch::Receiver<Sequence>>,
        stop: impl Future<Output = ()>,
    ) {
        let mut watchman;
        let mut stop = std::pin::pin!(stop.fuse());
        // What fell due before is overdue, as after a sleep.
        let mut jump = Some(Jump::Ahead);
        loop {
            if let Some(changes) = &mut changes {
                changes.borrow_and_update();
            }
            let pause = match round(jump).await {
                Ok(pause) => pause,
                Err(error) => {
                    tracing::warn!(%error, "the schedule cannot be read");
                    TROUBLE
                }
            };
            let (ended, pause) = (std::pin::pin!(crew.somebody_is_free()), pause.min(LONGEST_NAP));
            watchman = Watchman::starting(&*self.engine.ports.clock);
            futures::select_biased! {
                () = stop => return,
                () = self.engine.ports.clock.sleep(pause).fuse() => {}
                () = std::pin::pin!(changed(&mut changes).fuse()) => {}
                () = ended.fuse() => {}
            }
            jump = watchman.look(&*self.engine.ports.clock, pause);
        }
    }

    /// How far it is.
    pub async fn progress(&self) -> Result<Progress, StoreError> {
        let engine = &self.engine;
        let due = engine.ports.store.due(&engine.space, Account::KIND, Timestamp::MAX, 1).await?.value;
        let next = due.records.first().map(|record| {
            let account = document::decode::<Account>(record)?.document;
            Ok::<_, StoreError>((account.reference, record.due_at.unwrap_or(Timestamp::MAX)))
        });
        let last_nightly = engine.last_nightly().await?;
        let now = engine.now();
        let state = self.state();
        Ok(Progress {
            refreshing: state.running.len() + self.tenants.crew.at_work(),
            last_refresh: state.last_refresh,
            next: next.transpose()?,
            last_nightly,
            next_nightly: self.nightly.as_ref().and_then(|nightly| nightly.after(now)),
        })
    }

    /// Starts everything that is due, and tells how long nothing will be.
    async fn round(&self, jump: Option<Jump>) -> Result<Duration, StoreError> {
        self.state().is_stirred = false;
        if let Some(jump) = jump {
            tracing::debug!(?jump, "everything is looked at anew");
            self.state().held = Held::default();
        }
        if jump == Some(Jump::Back) {
            // Due times written by the clock before it was set back lie too far ahead.
            self.sweep(|account, now| {
                let keep = Ask { keep: true, ..Ask::default() };
                matches!(decide(account, &keep, Standpoint::Outside, now), Decision::Refresh { .. })
                    .then_some(Work::WhenDue)
            })
            .await?;
        }
        let until_due = self.start_due(jump.is_some()).await?;
        let until_night = self.start_nightly().await?;
        Ok(until_due.min(until_night))
    }

    async fn start_due(&self, spread: bool) -> Result<Duration, StoreError> {
        let engine = &self.engine;
        let (now, stopwatch) = (engine.now(), engine.ports.clock.stopwatch());
        let (busy, wait) = {
            let state = self.state();
            (state.running.len() + state.held.len(), state.wait(stopwatch))
        };
        if let Some(wait) = wait {
            return Ok(wait);
        }
        let limit = crew::MOST_AT_ONCE + busy;
        let due = engine.ports.store.due(&engine.space, Account::KIND, now, limit).await?.value;
        let mut pause = due.next.map_or(LONGEST_NAP, |next| next.duration_since(now).unsigned_abs());
        // One overdue account needs no spreading, and its caller should not wait.
        let spread = spread && due.records.len() > 1;
        for record in &due.records {
            let account = document::decode::<Account>(record)?.document;
            let mut state = self.state();
            if state.running.contains(&account.reference) {
                continue;
            }
            if spread {
                state.held.until(account.reference.clone(), stopwatch + self.moment(&account, now));
            }
            let reference = account.reference;
            if let Some(left) = state.held.left(&reference, stopwatch) {
                pause = pause.min(left);
            } else if let Some(place) = self.crew.place_beside(state.running.len()) {
                drop(state);
                self.start(reference, Work::WhenDue, place);
            } else {
                // The next one that ends wakes the keeper.
                break;
            }
        }
        Ok(pause)
    }

    /// Looks at every account and starts what `wanted` says, as fast as renewals end.
    async fn sweep(&self, wanted: impl Fn(&Account, Timestamp) -> Option<Work>) -> Result<(), StoreError> {
        let engine = &self.engine;
        let mut page = Page::first(PAGE);
        loop {
            let records = engine.ports.store.list(&engine.space, Account::KIND, page.clone()).await?.value;
            let Some(last) = records.last() else { return Ok(()) };
            page.after = Some(last.key.clone());
            for record in &records {
                let account = document::decode::<Account>(record)?.document;
                if account.renewal() == Renewal::None {
                    continue;
                }
                if let Some(work) = wanted(&account, engine.now()) {
                    let place = self.room().await;
                    self.start(account.reference, work, place);
                }
            }
        }
    }

    /// Waits until another renewal may start.
    async fn room(&self) -> Place {
        loop {
            let ended = self.crew.somebody_is_free();
            let running = self.state().running.len();
            if let Some(place) = self.crew.place_beside(running) {
                return place;
            }
            ended.await;
        }
    }

    fn start(&self, reference: AccountReference, work: Work, place: Place) {
        if !self.state().running.insert(reference.clone()) {
            return;
        }
        let keeper = self.clone();
        self.engine.ports.tasks.spawn(Box::pin(async move {
            let before = keeper.engine.now();
            let outcome = keeper.engine.keep_fresh(&reference, work).await;
            keeper.end(&reference, outcome, before);
            keeper.crew.leave(place);
        }));
    }

    fn end(&self, reference: &AccountReference, outcome: Result<Account, HandOutError>, before: Timestamp) {
        let (now, stopwatch) = (self.engine.now(), self.engine.ports.clock.stopwatch());
        let mut state = self.state();
        state.is_stirred = true;
        state.running.remove(reference);
        match outcome {
            Ok(account) if account.last_refreshed.is_some_and(|at| at >= before) => {
                tracing::info!(account = %reference, "refreshed");
                state.last_refresh = account.last_refreshed;
                state.held.release(reference);
            }
            // Somebody else has the lock, the provider wants more time between two refreshes, or a lost answer has to be
            // waited for: looked at again while most of the token's life is still left.
            Ok(account) => {
                let left = account.access.as_ref().and_then(|access| access.remaining(now));
                let wait = left.map_or(LATEST, |left| (left / 4).clamp(SOONEST, LATEST));
                state.held.until(reference.clone(), stopwatch + wait.unsigned_abs());
            }
            Err(HandOutError::Busy { .. }) => state.held.until(reference.clone(), stopwatch + SOON),
            Err(HandOutError::TryLater { until, cause, .. }) => {
                tracing::debug!(account = %reference, %cause, %until, "tried again later");
                let wait = until.duration_since(now).clamp(SOONEST, LATEST).unsigned_abs();
                state.held.until(reference.clone(), stopwatch + wait);
            }
            Err(error @ (HandOutError::Vault(_) | HandOutError::Store(_) | HandOutError::Lock(_))) => {
                if state.wait(stopwatch).is_none() {
                    tracing::warn!(%error, "nothing can be refreshed for a while");
                }
                state.shut_until = Some(stopwatch + TROUBLE);
            }
            Err(error) => {
                tracing::warn!(account = %reference, %error, "cannot be kept fresh");
                state.held.until(reference.clone(), stopwatch + LATEST.unsigned_abs());
            }
        }
    }

    /// Tries again at once: the vault was opened, or an operator has mended something.
    pub fn wake(&self) {
        let mut state = self.state();
        state.is_stirred = true;
        state.shut_until = None;
        state.held = Held::default();
        drop(state);
        self.tenants.wake();
        self.crew.look_again();
    }

    /// A moment of those over which overdue accounts are spread; a token that still serves is not left to die for it.
    fn moment(&self, account: &Account, now: Timestamp) -> Duration {
        let left = account.access.as_ref().and_then(|access| access.remaining(now));
        let left = left.map(SignedDuration::unsigned_abs).filter(|left| !left.is_zero());
        let mut chance = [0_u8; 2];
        self.engine.ports.random.fill(&mut chance);
        left.map_or(SPREAD, |left| SPREAD.min(left / 2)) * u32::from(u16::from_be_bytes(chance))
            / u32::from(u16::MAX)
    }

    /// A poisoned lock means that a task has panicked; what is written there is still right.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// How long nothing at all is tried.
    fn wait(&self, stopwatch: Duration) -> Option<Duration> {
        self.shut_until.and_then(|until| until.checked_sub(stopwatch)).filter(|left| !left.is_zero())
    }
}

/// Completes when the store has changed; never if nobody tells.
async fn changed(changes: &mut Option<watch::Receiver<Sequence>>) {
    match changes {
        Some(changes) => drop(changes.changed().await),
        None => std::future::pending().await,
    }
}

/// Why an account is renewed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Work {
    /// If its windows say so.
    WhenDue,
    /// Unless its tokens are newer than this.
    Newer(Generation),
}

impl Engine {
    /// Renews an account for nobody in particular, paused or not.
    async fn keep_fresh(&self, reference: &AccountReference, work: Work) -> Result<Account, HandOutError> {
        let newer_than = match work {
            Work::WhenDue => None,
            Work::Newer(generation) => Some(generation),
        };
        let ask = Ask { keep: true, newer_than, ..Ask::default() };
        Ok(self.fresh(reference, &ask, PATIENCE).await?.document)
    }
}

/// The runtime's timers stand still while the machine sleeps, and wall clocks are set: nothing is believed for longer.
const LONGEST_NAP: Duration = Duration::from_secs(30);
/// Over which everything that fell due during a sleep is spread, so that no provider sees a storm.
const SPREAD: Duration = Duration::from_secs(5);
/// Accounts read at once in a sweep.
const PAGE: usize = 200;
/// One call and the saving of its answer.
const PATIENCE: Duration = Duration::from_secs(40);
/// Somebody else's refresh takes about so long.
const SOON: Duration = Duration::from_secs(2);
const SOONEST: SignedDuration = SignedDuration::from_secs(1);
/// A due time further away is read from the store again before it comes.
const LATEST: SignedDuration = SignedDuration::from_mins(1);
/// A vault that is shut, or a store in trouble, is looked at again after this.
const TROUBLE: Duration = Duration::from_secs(10);

#[cfg(test)]
mod tests;

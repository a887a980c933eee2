//! One login that waits for its person, and how it ends.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bursar_core::engine::Engine;
use bursar_core::engine::login::{LoggedIn, LoginPlan, PendingAuthorization};
use bursar_core::lifecycle::reference::AccountReference;
use bursar_core::oauth::device::DeviceAuthorization;
use bursar_core::ports::clock::Clock;
use bursar_core::secret::Secret;
use futures::FutureExt as _;
use futures::future::BoxFuture;
use jiff::Timestamp;
use tokio::sync::{OwnedSemaphorePermit, watch};

use super::AnswerError;
use crate::exit::{Exit, Failure};
use crate::login_plan::refused;

/// How the person takes part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// Enters a code anywhere (RFC 8628).
    Device,
    /// A browser on this machine comes back to a listener.
    Browser,
    /// Somebody carries the last address over.
    Paste,
}

/// What the person needs.
#[derive(Clone, Debug, Default)]
pub(crate) struct ToPerson {
    /// The address to open.
    pub(crate) url: Option<String>,
    /// The code to enter.
    pub(crate) user_code: Option<String>,
    /// Where to enter it.
    pub(crate) verification_uri: Option<String>,
    /// The same with the code in it.
    pub(crate) verification_uri_complete: Option<String>,
}

impl ToPerson {
    pub(super) fn address(url: String) -> Self {
        Self { url: Some(url), ..Self::default() }
    }

    pub(super) fn code(device: &DeviceAuthorization) -> Self {
        Self {
            url: None,
            user_code: Some(device.user_code.clone()),
            verification_uri: Some(device.verification_uri.clone()),
            verification_uri_complete: device.verification_uri_complete.clone(),
        }
    }
}

/// How far it is.
#[derive(Clone, Debug)]
pub(crate) enum Stage {
    /// For the person.
    Waiting,
    /// The answer is being redeemed and stored.
    Finishing,
    /// There is an account.
    Done {
        /// Which.
        reference: AccountReference,
        /// Whether it existed before.
        renewed: bool,
    },
    /// There is none.
    Failed(Arc<Failure>),
    /// Somebody wants it no more.
    Cancelled,
}

/// What comes back without anybody's help.
pub(super) enum Arrived {
    /// The query of the redirect.
    Query(Secret),
    /// Everything.
    Login(Box<LoggedIn>),
}

/// A login in progress.
#[derive(Debug)]
pub(crate) struct Attempt {
    pub(crate) id: String,
    pub(crate) provider: String,
    pub(crate) way: Way,
    pub(crate) to_person: ToPerson,
    pub(crate) ends_at: Timestamp,
    stage: watch::Sender<Stage>,
    /// Holds the client's secret and the proof key, so it goes as soon as it has served.
    pending: Mutex<Option<(LoginPlan, PendingAuthorization)>>,
    place: Mutex<Option<OwnedSemaphorePermit>>,
}

impl Attempt {
    pub(super) fn new(
        id: String,
        provider: String,
        way: Way,
        to_person: ToPerson,
        ends_at: Timestamp,
        pending: Option<(LoginPlan, PendingAuthorization)>,
        place: OwnedSemaphorePermit,
    ) -> Self {
        let (pending, place) = (Mutex::new(pending), Mutex::new(Some(place)));
        Self {
            id,
            provider,
            way,
            to_person,
            ends_at,
            stage: watch::Sender::new(Stage::Waiting),
            pending,
            place,
        }
    }

    /// How far it is now.
    pub(crate) fn stage(&self) -> Stage {
        self.stage.borrow().clone()
    }

    /// Completes when it has ended, at the latest after `limit`.
    pub(crate) async fn ended(&self, limit: Duration, clock: &dyn Clock) {
        let mut stage = self.stage.subscribe();
        let over =
            std::pin::pin!(stage.wait_for(|stage| !matches!(stage, Stage::Waiting | Stage::Finishing)));
        // The time runs out, or the sender, which is this, is gone: either way the stage tells.
        let _ended = futures::future::select(over, clock.sleep(limit)).await;
    }

    /// Takes the answer a person carried over: the redirect's URL, its query, or `code#state`.
    pub(crate) fn answer(self: &Arc<Self>, engine: &Engine, pasted: Secret) -> Result<(), AnswerError> {
        if self.way == Way::Device {
            return Err(AnswerError::ByDevice);
        }
        self.redeem(engine, pasted, true)
    }

    /// Waits for the person, the end, or somebody who takes the login out of the waiting.
    pub(super) async fn wait(
        self: Arc<Self>,
        engine: Engine,
        person: BoxFuture<'static, Result<Arrived, Failure>>,
    ) {
        let mut stage = self.stage.subscribe();
        let clock = Arc::clone(&engine.ports().clock);
        let left = self.ends_at.duration_since(clock.now()).unsigned_abs();
        let mut person = person.fuse();
        futures::select_biased! {
            _taken = std::pin::pin!(stage.wait_for(|stage| !matches!(stage, Stage::Waiting)).fuse()) => {}
            arrived = person => match arrived {
                // Somebody who pasted it may have been faster.
                Ok(Arrived::Query(query)) => drop(self.redeem(&engine, query, false)),
                Ok(Arrived::Login(logged_in)) => self.end(Ok(*logged_in)),
                Err(failure) => self.end(Err(failure)),
            },
            () = clock.sleep(left).fuse() => self.end(Err(out_of_time())),
        }
    }

    /// Moves on from waiting; `false`: somebody else did.
    pub(super) fn leave(&self, next: Stage) -> bool {
        let left = self.stage.send_if_modified(|stage| {
            let waits = matches!(stage, Stage::Waiting);
            if waits {
                *stage = next;
            }
            waits
        });
        if left && !matches!(self.stage(), Stage::Finishing) {
            self.let_go();
        }
        left
    }

    fn redeem(self: &Arc<Self>, engine: &Engine, answer: Secret, pasted: bool) -> Result<(), AnswerError> {
        if !self.leave(Stage::Finishing) {
            return Err(AnswerError::NotWaiting);
        }
        let Some((plan, pending)) = self.pending.lock().unwrap_or_else(PoisonError::into_inner).take() else {
            return Err(AnswerError::NotWaiting);
        };
        let (attempt, on) = (Arc::clone(self), engine.clone());
        // A code is good once, so what it brings is stored whoever still waits for it.
        engine.ports().tasks.spawn(Box::pin(async move {
            let finished = if pasted {
                on.finish_pasted(&plan, pending, answer.expose()).await
            } else {
                on.finish_authorization(&plan, pending, answer.expose()).await
            };
            attempt.end(finished.map_err(refused));
        }));
        Ok(())
    }

    fn end(&self, finished: Result<LoggedIn, Failure>) {
        let stage = match finished {
            Ok(LoggedIn { account, renewed }) => Stage::Done { reference: account.reference, renewed },
            Err(failure) => Stage::Failed(Arc::new(failure)),
        };
        self.let_go();
        self.stage.send_if_modified(|current| {
            let open = matches!(current, Stage::Waiting | Stage::Finishing);
            if open {
                *current = stage;
            }
            open
        });
    }

    /// Makes room for another one, and forgets every secret.
    fn let_go(&self) {
        drop(self.place.lock().unwrap_or_else(PoisonError::into_inner).take());
        drop(self.pending.lock().unwrap_or_else(PoisonError::into_inner).take());
    }
}

fn out_of_time() -> Failure {
    Failure::new(Exit::LoginRequired, "nobody logged in within the time; nothing was stored")
        .hint(super::AGAIN)
}

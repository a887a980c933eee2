//! A row of the fault tables, and how it is played.
//!
//! Every row: log in; come back 100 s before the token ends, so that a renewal is due and the token still serves; let the
//! fault strike; come back when the token has ended, the fault still there; end the fault and come back once more.

use std::ops::RangeInclusive;
use std::time::Duration;

use bursar_core::lifecycle::account::{Account, Standing};
use bursar_core::lifecycle::failure::{Cause, CauseKind};
use http::uri::{Authority, Scheme};
use jiff::SignedDuration;
use misbehaving_provider::{Endpoint, Fault, Times};

use super::world::{LIFE, World};

/// One fault and all that follows from it.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) name: &'static str,
    pub(super) strike: Strike,
    pub(super) expected: Expected,
}

/// A row.
pub(super) fn row(name: &'static str, strike: Strike, expected: Expected) -> Row {
    Row { name, strike, expected }
}

/// What happens to calls of the token endpoint.
#[derive(Debug)]
pub(super) enum Strike {
    /// The provider misbehaves.
    Fault(Fault),
    /// The provider misbehaves, and the client waits this long at most.
    Patience(Fault, Duration),
    /// Nobody listens.
    Stopped,
    /// The name leads nowhere.
    NoSuchName,
    /// The other side does not speak TLS.
    PlainPort,
}

/// What a row costs.
#[derive(Debug)]
pub(super) enum Expected {
    /// Nothing: the tokens arrive all the same.
    Tokens,
    /// A failure.
    Failure(Failure),
}

/// What is told of a failure, and what it leads to.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) class: Class,
    pub(super) journal: Journal,
    pub(super) kind: CauseKind,
    /// Seconds until the next try.
    pub(super) wait: RangeInclusive<i64>,
    pub(super) message: &'static str,
    /// The message of the second failure, when it is another one.
    pub(super) again: Option<&'static str>,
    pub(super) after: After,
}

/// What the account says afterwards.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Class {
    /// Passes by itself.
    Failing,
    /// A person is needed.
    NeedsLogin,
}

/// Whether it is known that the refresh token was not spent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Journal {
    Closed,
    Open,
}

/// What the first call after the fault brings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum After {
    /// New tokens.
    Recovers,
    /// The provider had rotated, detects a replay and ends the login. The account says that an answer was lost.
    AnswerWasLost,
    /// Still what it was: a person is needed.
    StillNeedsLogin,
}

/// Our own first pause: five seconds, less up to a tenth.
pub(super) const FIRST_PAUSE: RangeInclusive<i64> = 4..=5;
/// A login that waits for a person has no next try.
pub(super) const NO_TRY: RangeInclusive<i64> = 0..=0;

/// A failure that passes.
pub(super) fn failing(journal: Journal, kind: CauseKind, message: &'static str, after: After) -> Expected {
    let class = Class::Failing;
    Expected::Failure(Failure { class, journal, kind, wait: FIRST_PAUSE, message, again: None, after })
}

/// The same with a pause that the provider asked for.
pub(super) fn failing_for(
    wait: RangeInclusive<i64>,
    journal: Journal,
    kind: CauseKind,
    message: &'static str,
) -> Expected {
    let (class, after) = (Class::Failing, After::Recovers);
    Expected::Failure(Failure { class, journal, kind, wait, message, again: None, after })
}

/// A failure that only a person can mend.
pub(super) fn needs_login(kind: CauseKind, message: &'static str) -> Expected {
    Expected::Failure(Failure {
        class: Class::NeedsLogin,
        journal: Journal::Closed,
        kind,
        wait: NO_TRY,
        message,
        again: None,
        after: After::StillNeedsLogin,
    })
}

/// Plays every row in a world of its own, and tells all differences at once.
pub(super) async fn play(rows: Vec<Row>) {
    let mut differences = Vec::new();
    for row in rows {
        differences.extend(Play::of(&row).await.into_iter().map(|line| format!("{}: {line}", row.name)));
    }
    assert!(differences.is_empty(), "\n{}", differences.join("\n"));
}

/// One row under way.
struct Play<'a> {
    world: World,
    row: &'a Row,
    old: String,
    differences: Vec<String>,
}

impl<'a> Play<'a> {
    async fn of(row: &'a Row) -> Vec<String> {
        // Without identity tokens answers are short, which the faults that send bytes one by one need.
        let world = World::with(|behaviour| behaviour.token.id_token = false, |_| {}).await;
        world.login("work").await;
        let old = world.token("work").await;
        let mut play = Self { world, row, old, differences: Vec::new() };
        play.world.at(LIFE - 100);
        let calls = play.world.token_calls();
        row.strike.begin(&play.world).await;
        match &row.expected {
            Expected::Tokens => play.tokens_arrive(calls).await,
            Expected::Failure(failure) => play.failure(failure, calls).await,
        }
        play.differences
    }

    #[expect(clippy::needless_pass_by_value, reason = "most are made for the call")]
    fn expect<T: PartialEq + std::fmt::Debug>(&mut self, what: &str, found: T, expected: T) {
        if found != expected {
            self.differences.push(format!("{what}: found {found:?}, expected {expected:?}"));
        }
    }

    async fn tokens_arrive(&mut self, calls: usize) {
        let token = self.world.token("work").await;
        let account = self.world.account("work").await;
        self.expect("a new token", token != self.old, true);
        self.expect("it is live", self.world.provider.is_live(&token), true);
        self.expect("standing", account.standing, Standing::Active);
        self.expect("journal", account.journal, None);
        self.expect("calls", self.world.token_calls() - calls, 1);
    }

    async fn failure(&mut self, failure: &Failure, calls: usize) {
        self.while_the_token_lives(failure, calls).await;
        let account = self.when_the_token_has_ended(failure).await;
        self.when_the_fault_has_ended(failure, &account).await;
    }

    async fn while_the_token_lives(&mut self, failure: &Failure, calls: usize) {
        for round in ["the first hand-out", "the second hand-out"] {
            let token = self.world.hand_out("work").await.map(|handed| handed.token.expose().to_owned());
            self.expect(round, token.map_err(|error| error.to_string()), Ok(self.old.clone()));
        }
        let account = self.world.account("work").await;
        let told = told(&account, &self.world);
        self.expect("class", told.class, Some(failure.class));
        self.expect("kind", told.cause.kind, failure.kind);
        self.expect("message", told.cause.detail.as_str(), failure.message);
        self.expect("journal", told.journal, failure.journal);
        if !failure.wait.contains(&told.wait) {
            self.expect("wait", told.wait..=told.wait, failure.wait.clone());
        }
        if self.row.strike.reaches_the_provider() {
            self.expect("calls, the second hand-out made none", self.world.token_calls() - calls, 1);
        }
    }

    async fn when_the_token_has_ended(&mut self, failure: &Failure) -> Account {
        self.world.at(LIFE + 1);
        let error = self.world.hand_out("work").await.map(|_| "a token").map_err(|error| error.to_string());
        let message = failure.again.unwrap_or(failure.message);
        let expected = match failure.class {
            Class::Failing => format!("faulty:work cannot be refreshed now: {message}"),
            Class::NeedsLogin => format!("faulty:work needs a login: {message}"),
        };
        self.expect("after its end", error.map_err(|error| self.world.masked(&error)), Err(expected));
        self.world.account("work").await
    }

    async fn when_the_fault_has_ended(&mut self, failure: &Failure, account: &Account) {
        self.row.strike.end(&self.world).await;
        if let Standing::Failing(failing) = &account.standing {
            self.world.forward_to(failing.next_try + SignedDuration::from_secs(1));
        }
        let handed = self.world.hand_out("work").await;
        let live = handed.is_ok_and(|handed| self.world.provider.is_live(handed.token.expose()));
        self.expect("a live token in the end", live, failure.after == After::Recovers);
        let account = self.world.account("work").await;
        match failure.after {
            After::Recovers => {
                self.expect("standing in the end", account.standing, Standing::Active);
                self.expect("journal in the end", account.journal, None);
            }
            After::AnswerWasLost => {
                let told = told(&account, &self.world);
                self.expect("class in the end", told.class, Some(Class::NeedsLogin));
                self.expect("kind in the end", told.cause.kind, CauseKind::LostAnswer);
                self.expect("message in the end", told.cause.detail.as_str(), LOST);
                self.expect("refresh token kept", account.refresh.is_some(), true);
            }
            After::StillNeedsLogin => {
                self.expect("kind in the end", told(&account, &self.world).cause.kind, failure.kind);
                self.expect("refresh token kept", account.refresh.is_some(), true);
            }
        }
    }
}

const LOST: &str = "an answer to an earlier refresh was lost, and the provider answered invalid_grant: the refresh token \
                    is invalid, expired or revoked";

/// What the record tells.
struct Told {
    class: Option<Class>,
    journal: Journal,
    cause: Cause,
    wait: i64,
}

fn told(account: &Account, world: &World) -> Told {
    let (class, cause, wait) = match &account.standing {
        Standing::Failing(failing) => {
            // Rounded: a pause is a few seconds less a few hundred milliseconds.
            let wait = failing.next_try.duration_since(world.now()).as_secs();
            (Some(Class::Failing), failing.cause.clone(), wait)
        }
        Standing::NeedsLogin { cause, .. } => (Some(Class::NeedsLogin), cause.clone(), 0),
        other => (None, Cause::new(CauseKind::Refused, format!("{other:?}")), 0),
    };
    let journal = if account.journal.is_some() { Journal::Open } else { Journal::Closed };
    Told { class, journal, cause: Cause::new(cause.kind, world.masked(&cause.detail)), wait }
}

impl Strike {
    /// Whether the provider sees the call.
    fn reaches_the_provider(&self) -> bool {
        matches!(self, Self::Fault(_) | Self::Patience(..))
    }

    async fn begin(&self, world: &World) {
        match self {
            Self::Fault(fault) => world.provider.inject(Endpoint::Token, fault.clone(), Times::Always),
            Self::Patience(fault, patience) => {
                world.upstream.give_up_after(*patience);
                world.provider.inject(Endpoint::Token, fault.clone(), Times::Always);
            }
            Self::Stopped => world.provider.stop().await,
            Self::NoSuchName => world.upstream.detour(Some(https("no-such-host.invalid"))),
            Self::PlainPort => world.upstream.detour(Some(https(&world.provider.address().to_string()))),
        }
    }

    async fn end(&self, world: &World) {
        match self {
            Self::Fault(_) | Self::Patience(..) => {
                world.upstream.give_up_after(Duration::from_secs(20));
                world.provider.clear_faults();
            }
            Self::Stopped => world.provider.resume().await.unwrap(),
            Self::NoSuchName | Self::PlainPort => world.upstream.detour(None),
        }
    }
}

fn https(authority: &str) -> (Scheme, Authority) {
    (Scheme::HTTPS, authority.parse().unwrap())
}

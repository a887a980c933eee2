//! What was done, by whom, when it began and when it was over: all that the model judges by.

use jiff::Timestamp;

/// Steps of the run, which everybody shares.
pub(super) type Step = usize;

/// What an end ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scope {
    /// A login, by its refresh token (RFC 7009).
    Login(usize),
    /// One access token of a login.
    Token(usize, usize),
    /// What a user has agreed to for a client.
    Grant { client: usize, user: usize },
    /// A client and everything it has.
    Client(usize),
    /// A user, who may not sign in any more.
    User(usize),
}

/// What somebody does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Act {
    /// A client asks a user, who agrees.
    Ask { client: usize, user: usize },
    /// A client redeems the code of a login.
    Redeem(usize),
    /// A client refreshes with the token of a generation.
    Refresh { login: usize, generation: usize, narrow: bool },
    /// A resource looks at an access token.
    Look { login: usize, token: usize, introspects: bool },
    /// Somebody ends something.
    End(Scope),
    /// A user may sign in again.
    Enable(usize),
    /// What is over is collected.
    Tidy,
}

/// What became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// Nobody knows yet.
    Running,
    /// The process died under it.
    Cut,
    /// The store could not be used; whether anything was done is not known.
    Failed,
    /// It was refused.
    Refused,
    /// It was done.
    Done,
}

/// One attempt.
#[derive(Clone, Debug)]
pub(super) struct Attempt {
    pub(super) act: Act,
    pub(super) from: Step,
    pub(super) until: Option<Step>,
    pub(super) outcome: Outcome,
}

impl Attempt {
    /// Whether it was over before `step`.
    pub(super) fn was_over(&self, step: Step) -> bool {
        self.until.is_some_and(|until| until < step)
    }

    /// Whether it was under way after `from` and before `until`.
    pub(super) fn overlaps(&self, from: Step, until: Step) -> bool {
        self.from <= until && self.until.is_none_or(|end| end >= from)
    }

    pub(super) fn is_done(&self) -> bool {
        self.outcome == Outcome::Done
    }
}

/// Every attempt, and what the clock said meanwhile.
#[derive(Debug)]
pub(super) struct Log {
    pub(super) now: Step,
    pub(super) attempts: Vec<Attempt>,
    clock: Vec<(Step, Timestamp)>,
}

impl Log {
    pub(super) fn new(start: Timestamp) -> Self {
        Self { now: 0, attempts: Vec::new(), clock: vec![(0, start)] }
    }

    pub(super) fn begin(&mut self, act: Act) -> usize {
        self.now += 1;
        self.attempts.push(Attempt { act, from: self.now, until: None, outcome: Outcome::Running });
        self.attempts.len() - 1
    }

    pub(super) fn end(&mut self, attempt: usize, outcome: Outcome) {
        self.now += 1;
        let attempt = &mut self.attempts[attempt];
        attempt.until = Some(self.now);
        attempt.outcome = outcome;
    }

    pub(super) fn clock_says(&mut self, time: Timestamp) {
        self.now += 1;
        self.clock.push((self.now, time));
    }

    /// The latest time the clock has shown from one step to another.
    pub(super) fn latest(&self, from: Step, until: Step) -> Timestamp {
        self.shown(from, until).max().unwrap()
    }

    /// The earliest one.
    pub(super) fn earliest(&self, from: Step, until: Step) -> Timestamp {
        self.shown(from, until).min().unwrap()
    }

    fn shown(&self, from: Step, until: Step) -> impl Iterator<Item = Timestamp> {
        let first = self.clock.iter().rposition(|(step, _)| *step <= from).unwrap_or(0);
        self.clock[first..].iter().take_while(move |(step, _)| *step <= until).map(|(_, time)| *time)
    }
}

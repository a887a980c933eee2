//! What must be, may be and must not be, whatever happens at the same time.
//!
//! The model knows no records and no versions, only who did what from when to when. Where two things overlapped, both
//! orders are right; where one was over before the other began, only one is.

use bursar_core::engine::issuer::answer::TokenAnswer;
use bursar_core::engine::issuer::rules::Lifetimes;
use bursar_core::secret::Secret;
use jiff::{SignedDuration, Timestamp};

use super::log::{Act, Attempt, Log, Outcome, Scope, Step};
use super::tally::Tally;
use crate::issuing::client::said;

/// What somebody heard.
#[derive(Debug)]
pub(super) enum Heard<T> {
    Granted(T),
    Refused(String),
    Failed,
}

/// What a client has of a user.
#[derive(Debug)]
pub(super) struct Login {
    pub(super) client: usize,
    pub(super) user: usize,
    pub(super) code: Secret,
    /// The attempt that brought the code.
    asked: usize,
    /// The attempt that brought the first tokens.
    began: Option<usize>,
    /// Its refresh tokens, one a generation.
    pub(super) refresh: Vec<Secret>,
    /// What the access token beside each of them says, and when it ends, if it was for everything.
    answers: Vec<Option<(String, Timestamp)>>,
    pub(super) access: Vec<Access>,
    /// When it was surely over because something was shown twice.
    replayed: Option<Step>,
}

/// An access token.
#[derive(Debug)]
pub(super) struct Access {
    pub(super) text: Secret,
    issued_at: Timestamp,
    expires_at: Timestamp,
}

/// All that is known from outside.
#[derive(Debug)]
pub(super) struct Model {
    pub(super) log: Log,
    pub(super) logins: Vec<Login>,
    pub(super) tally: Tally,
    lifetimes: Lifetimes,
}

/// A rule that does not hold.
pub(super) type Verdict = Result<(), String>;

impl Model {
    pub(super) fn new(start: Timestamp, lifetimes: Lifetimes) -> Self {
        Self { log: Log::new(start), logins: Vec::new(), tally: Tally::default(), lifetimes }
    }

    /// Nobody will ever hear what became of it.
    pub(super) fn cut(&mut self, attempt: usize) {
        self.tally.cut += 1;
        self.log.end(attempt, Outcome::Cut);
    }

    /// A client has asked a user.
    pub(super) fn asked(&mut self, attempt: usize, heard: Heard<Secret>) -> Verdict {
        let Act::Ask { client, user } = self.log.attempts[attempt].act else { return Ok(()) };
        self.heard(attempt, &heard);
        let this = self.log.attempts[attempt].clone();
        let until = self.log.now;
        match heard {
            Heard::Granted(code) => {
                if self.is_disabled(user, &this) {
                    return Err(format!("user {user} is disabled, and a client has a code for them"));
                }
                self.logins.push(Login {
                    client,
                    user,
                    code,
                    asked: attempt,
                    began: None,
                    refresh: Vec::new(),
                    answers: Vec::new(),
                    access: Vec::new(),
                    replayed: None,
                });
                Ok(())
            }
            Heard::Refused(reason) => {
                let touched = self.ends().any(|(scope, end)| match scope {
                    Scope::User(of) => of == user && end.from <= until,
                    Scope::Client(of) => of == client && end.from <= until,
                    Scope::Grant { client: theirs, user: of } => {
                        (theirs, of) == (client, user) && end.overlaps(this.from, until)
                    }
                    Scope::Login(_) | Scope::Token(..) => false,
                });
                let earliest = self.log.earliest(this.from, until);
                if touched || self.log.latest(this.from, until) >= later(earliest, LONGEST_WAIT) {
                    Ok(())
                } else {
                    Err(format!("a user who may is refused: {reason}"))
                }
            }
            Heard::Failed => Ok(()),
        }
    }

    /// A client has tried to redeem a code. `spent`: which attempts have changed a code in the store.
    pub(super) fn redeemed(
        &mut self,
        attempt: usize,
        heard: Heard<TokenAnswer>,
        spent: &dyn Fn(usize) -> bool,
    ) -> Verdict {
        let Act::Redeem(login) = self.log.attempts[attempt].act else { return Ok(()) };
        self.heard(attempt, &heard);
        let this = self.log.attempts[attempt].clone();
        let until = self.log.now;
        let born = &self.log.attempts[self.logins[login].asked];
        let (born_from, born_until) = (born.from, born.until.unwrap());
        let life = self.lifetimes.code;
        match heard {
            Heard::Granted(answer) => {
                if let Some(other) = self.logins[login].began {
                    return Err(format!(
                        "the code of login {login} brought tokens twice: {other}, {attempt}"
                    ));
                }
                if self.has_ended(login, this.from) {
                    return Err(format!("the code of login {login} had ended, and brought tokens"));
                }
                if self.log.earliest(this.from, until) >= later(self.log.latest(born_from, born_until), life)
                {
                    return Err(format!("the code of login {login} was too old, and brought tokens"));
                }
                self.tally.begun += 1;
                self.logins[login].began = Some(attempt);
                self.keep(login, 0, answer, true)
            }
            Heard::Refused(reason) => {
                let in_doubt = self.is_touched(login, until);
                let may_be_old = self.log.latest(born_from, until)
                    >= later(self.log.earliest(born_from, born_until), life);
                let redeems = self.log.attempts.iter().enumerate();
                let was_spent = redeems
                    .filter(|(other, _)| *other != attempt)
                    .any(|(other, known)| known.act == Act::Redeem(login) && spent(other));
                if !in_doubt && !may_be_old && !was_spent {
                    return Err(format!("the code of login {login} is lost to its client: {reason}"));
                }
                if !in_doubt && !may_be_old {
                    self.over_since(login, until);
                }
                Ok(())
            }
            Heard::Failed => Ok(()),
        }
    }

    /// A client has tried to refresh.
    pub(super) fn refreshed(&mut self, attempt: usize, heard: Heard<TokenAnswer>) -> Verdict {
        let Act::Refresh { login, generation, narrow } = self.log.attempts[attempt].act else {
            return Ok(());
        };
        self.heard(attempt, &heard);
        let this = self.log.attempts[attempt].clone();
        match heard {
            Heard::Granted(answer) => {
                self.refresh_may_be_granted(attempt, &this, login, generation)?;
                self.keep(login, generation + 1, answer, !narrow && !self.was_narrowed(login, generation))
            }
            Heard::Refused(reason) => {
                let until = self.log.now;
                let is_touched = self.is_touched(login, until);
                let may_be_over = self.may_be_over(login, generation, until);
                let was_replayed = self.logins[login].replayed.is_some()
                    || self.may_be_replay(attempt, &this)
                    || self.may_have_been_replayed(login, attempt, until);
                if !is_touched && !may_be_over && !was_replayed {
                    return Err(format!("login {login} is lost to its client: {reason}"));
                }
                if self.has_ended(login, this.from) {
                    self.tally.dead_refreshes += 1;
                }
                if !is_touched && !may_be_over {
                    self.over_since(login, until);
                }
                Ok(())
            }
            Heard::Failed => Ok(()),
        }
    }

    /// A resource has looked at an access token.
    pub(super) fn looked(&mut self, attempt: usize, heard: &Heard<()>) -> Verdict {
        let Act::Look { login, token, .. } = self.log.attempts[attempt].act else { return Ok(()) };
        self.heard(attempt, heard);
        let this = self.log.attempts[attempt].clone();
        let until = self.log.now;
        let access = &self.logins[login].access[token];
        match heard {
            Heard::Granted(()) => {
                self.tally.honoured += 1;
                if self.has_ended(login, this.from) {
                    return Err(format!("login {login} had ended, and its access token {token} is honoured"));
                }
                let own = |(scope, end): (Scope, &Attempt)| {
                    scope == Scope::Token(login, token) && end.is_done() && end.was_over(this.from)
                };
                if self.ends().any(own) {
                    return Err(format!(
                        "access token {token} of login {login} was given back, and is honoured"
                    ));
                }
                if self.log.earliest(this.from, until) >= access.expires_at {
                    return Err(format!("access token {token} of login {login} is too old, and honoured"));
                }
                Ok(())
            }
            Heard::Refused(_) => {
                self.tally.dishonoured += 1;
                let own = |(scope, end): (Scope, &Attempt)| {
                    scope == Scope::Token(login, token) && end.from <= until
                };
                // While a clock is set back, tokens come from the future.
                let is_early = access.issued_at > later(self.log.earliest(this.from, until), FUTURE);
                if self.is_touched(login, until)
                    || self.logins[login].replayed.is_some()
                    || self.may_have_been_replayed(login, attempt, until)
                    || self.ends().any(own)
                    || self.log.latest(this.from, until) >= access.expires_at
                    || is_early
                {
                    return Ok(());
                }
                Err(format!("access token {token} of login {login} is not honoured"))
            }
            Heard::Failed => Ok(()),
        }
    }

    /// Anything else is over.
    pub(super) fn done(&mut self, attempt: usize, heard: &Heard<()>) {
        self.heard(attempt, heard);
    }

    /// Whether the client of a login has tokens.
    pub(super) fn has_begun(&self, login: usize) -> bool {
        self.logins[login].began.is_some()
    }

    /// Whether it is worth going on with: it has tokens, and may not have ended.
    pub(super) fn lives(&self, login: usize) -> bool {
        self.has_begun(login) && !self.has_ended(login, self.log.now + 1)
    }

    /// Whether nobody has tried to redeem its code.
    pub(super) fn is_new(&self, login: usize) -> bool {
        self.log.attempts.iter().all(|it| it.act != Act::Redeem(login))
    }

    fn heard<T>(&mut self, attempt: usize, heard: &Heard<T>) {
        let outcome = match heard {
            Heard::Granted(_) => Outcome::Done,
            Heard::Refused(_) => Outcome::Refused,
            Heard::Failed => {
                self.tally.failed += 1;
                Outcome::Failed
            }
        };
        self.log.end(attempt, outcome);
        let from = self.log.attempts[attempt].from;
        let others = self.log.attempts.iter().enumerate();
        let overlapped =
            others.filter(|(other, _)| *other != attempt).any(|(_, it)| it.overlaps(from, self.log.now));
        self.tally.overlapping += usize::from(overlapped);
    }

    fn refresh_may_be_granted(
        &mut self,
        attempt: usize,
        this: &Attempt,
        login: usize,
        generation: usize,
    ) -> Verdict {
        if self.has_ended(login, this.from) {
            return Err(format!("login {login} had ended, and its refresh token {generation} is honoured"));
        }
        let later_one_was_used = self
            .refreshes(login)
            .any(|(_, it, known)| known > generation && it.is_done() && it.was_over(this.from));
        if later_one_was_used {
            return Err(format!(
                "refresh token {generation} of login {login} is honoured after its successor"
            ));
        }
        let before =
            self.refreshes(login).filter(|(other, _, known)| *known == generation && *other != attempt);
        let first = before.clone().map(|(_, it, _)| it.from).min();
        let rotated = before.filter(|(_, it, _)| it.is_done() && it.was_over(this.from));
        if let (Some(first), Some(rotated)) = (first, rotated.filter_map(|(_, it, _)| it.until).min()) {
            let end = later(self.log.latest(first, rotated), self.lifetimes.retry_window);
            if self.log.earliest(this.from, self.log.now) >= end {
                return Err(format!(
                    "refresh token {generation} of login {login} is honoured after its window"
                ));
            }
            self.tally.answered_again += 1;
        } else {
            self.tally.rotated += 1;
        }
        Ok(())
    }

    /// One token a generation, one answer a token.
    fn keep(&mut self, login: usize, generation: usize, answer: TokenAnswer, is_whole: bool) -> Verdict {
        let access = Access {
            issued_at: answer.expires_at.saturating_sub(self.lifetimes.access).unwrap(),
            expires_at: answer.expires_at,
            text: answer.access_token.clone(),
        };
        let login_name = login;
        let login = &mut self.logins[login];
        let Some(refresh) = answer.refresh_token else {
            return Err(format!("login {login_name} has no refresh token"));
        };
        match login.refresh.get(generation) {
            Some(known) if *known != refresh => {
                return Err(format!(
                    "login {login_name} has two refresh tokens of generation {generation}: a fork"
                ));
            }
            Some(_) => {}
            None if login.refresh.len() == generation => {
                login.refresh.push(refresh);
                login.answers.push(None);
            }
            None => return Err(format!("login {login_name} skips a generation")),
        }
        if is_whole {
            let whole = (said(access.text.expose()).to_owned(), access.expires_at);
            match &login.answers[generation] {
                Some(known) if *known != whole => {
                    return Err(format!("a retry at login {login_name} got another access token"));
                }
                // The same token, signed or sealed anew: what becomes of one becomes of the other.
                Some(_) => return Ok(()),
                None => login.answers[generation] = Some(whole),
            }
        }
        if login.access.iter().all(|known| known.text != access.text) {
            login.access.push(access);
        }
        Ok(())
    }

    /// Whether everything of a login was surely over before `step`.
    fn has_ended(&self, login: usize, step: Step) -> bool {
        let had = self.log.attempts[self.logins[login].asked].until.unwrap();
        self.logins[login].replayed.is_some_and(|at| at < step)
            || self.ends().any(|(scope, end)| {
                self.covers(scope, login) && end.is_done() && had < end.from && end.was_over(step)
            })
    }

    /// Whether somebody may have ended it on purpose by then.
    fn is_touched(&self, login: usize, until: Step) -> bool {
        let asked = self.log.attempts[self.logins[login].asked].from;
        self.ends().any(|(scope, end)| self.covers(scope, login) && end.overlaps(asked, until))
    }

    /// Whether another attempt may have ended it by showing something that was used.
    fn may_have_been_replayed(&self, login: usize, but: usize, until: Step) -> bool {
        let others =
            || self.log.attempts.iter().enumerate().filter(|(other, it)| *other != but && it.from <= until);
        let began = self.logins[login].began;
        let code_was_shown = began.is_some_and(|began| {
            let won = self.log.attempts[began].from;
            others().any(|(other, it)| {
                it.act == Act::Redeem(login) && other != began && it.until.is_none_or(|end| end >= won)
            })
        });
        let of_login = |it: &Attempt| matches!(it.act, Act::Refresh { login: of, .. } if of == login);
        code_was_shown || others().any(|(other, it)| of_login(it) && self.may_be_replay(other, it))
    }

    /// Whether an attempt to refresh may have come too late: its successor was used, or the window is over.
    fn may_be_replay(&self, attempt: usize, this: &Attempt) -> bool {
        let Act::Refresh { login, generation, .. } = this.act else { return false };
        let until = this.until.unwrap_or(self.log.now);
        let shown = self.refreshes(login).filter(|(other, it, _)| *other != attempt && it.from <= until);
        if shown.clone().any(|(_, _, known)| known > generation) {
            return true;
        }
        let first = shown.filter(|(_, _, known)| *known == generation).map(|(_, it, _)| it.from).min();
        first.is_some_and(|first| {
            let end = later(self.log.earliest(first, until), self.lifetimes.retry_window);
            self.log.latest(first, until) >= end
        })
    }

    /// Whether a login may have been idle for too long.
    fn may_be_over(&self, login: usize, generation: usize, until: Step) -> bool {
        let used = match generation.checked_sub(1) {
            None => self.logins[login].began.map(|began| self.log.attempts[began].from),
            Some(before) => {
                let used = self.refreshes(login).filter(|(_, _, known)| *known == before);
                used.map(|(_, it, _)| it.from).min()
            }
        };
        used.is_some_and(|used| {
            self.log.latest(used, until) >= later(self.log.earliest(used, until), self.lifetimes.refresh)
        })
    }

    fn was_narrowed(&self, login: usize, generation: usize) -> bool {
        let narrowed = |it: &Attempt| {
            matches!(it.act, Act::Refresh { login: of, generation: known, narrow: true }
                if (of, known) == (login, generation))
        };
        self.log.attempts.iter().any(narrowed)
    }

    fn is_disabled(&self, user: usize, this: &Attempt) -> bool {
        self.ends().any(|(scope, end)| {
            let stays =
                |it: &Attempt| it.act != Act::Enable(user) || it.from > self.log.now || it.was_over(end.from);
            scope == Scope::User(user)
                && end.is_done()
                && end.was_over(this.from)
                && self.log.attempts.iter().all(stays)
        })
    }

    fn over_since(&mut self, login: usize, step: Step) {
        let login = &mut self.logins[login];
        if login.replayed.is_none() {
            self.tally.replayed += 1;
            login.replayed = Some(step);
        }
    }

    fn covers(&self, scope: Scope, login: usize) -> bool {
        let Login { client, user, .. } = self.logins[login];
        match scope {
            Scope::Login(of) => of == login,
            Scope::Token(..) => false,
            Scope::Grant { client: theirs, user: of } => (theirs, of) == (client, user),
            Scope::Client(of) => of == client,
            Scope::User(of) => of == user,
        }
    }

    fn ends(&self) -> impl Iterator<Item = (Scope, &Attempt)> + Clone {
        self.log.attempts.iter().filter_map(|attempt| match attempt.act {
            Act::End(scope) => Some((scope, attempt)),
            _ => None,
        })
    }

    fn refreshes(&self, login: usize) -> impl Iterator<Item = (usize, &Attempt, usize)> + Clone {
        self.log.attempts.iter().enumerate().filter_map(move |(number, attempt)| match attempt.act {
            Act::Refresh { login: of, generation, .. } if of == login => Some((number, attempt, generation)),
            _ => None,
        })
    }
}

fn later(time: Timestamp, by: SignedDuration) -> Timestamp {
    time.saturating_add(by).unwrap()
}

/// So long a page may be left alone.
const LONGEST_WAIT: SignedDuration = SignedDuration::from_mins(30);
/// By so much a token may come from the future.
const FUTURE: SignedDuration = SignedDuration::from_mins(1);

//! The refresh decision: hand out what there is, renew first, or say why neither is possible.

use jiff::{SignedDuration, Timestamp};

use super::account::{Account, Generation, Renewal, Standing};
use super::failure::{Cause, CauseKind};
use super::journal::{self, NextStep};
use super::window::{idle_renewal_at, windows};
use crate::secret::Fingerprint;

/// What a caller wants of an access token.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ask {
    /// It should live at least so long; `None`: the general rule.
    pub min_valid: Option<SignedDuration>,
    /// The caller saw this one refused.
    pub rejected: Option<Fingerprint>,
    /// Renew whatever the windows say, unless the tokens are newer than this already.
    pub newer_than: Option<Generation>,
    /// Nobody gets the token: the account is only kept fresh, and a pause does not matter.
    pub keep: bool,
}

impl Ask {
    /// Whether somebody gets the token, so that a pause matters.
    pub fn hands_out(&self) -> bool {
        self.newer_than.is_none() && !self.keep
    }

    /// Whether who asks looks again soon by itself, and has others to look after meanwhile: a machine that died with many
    /// leases would else hold up every keeper until they end.
    pub fn comes_back(&self) -> bool {
        self.newer_than.is_none() && self.keep
    }
}

/// Who is deciding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standpoint {
    /// Without the refresh lock: an open journal may belong to a call under way.
    Outside,
    /// Holding the refresh lock: whoever opened the journal is gone.
    HoldingLock,
}

/// What to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Hand out the access token at hand.
    Serve,
    /// Renew.
    Refresh {
        /// What called for it.
        reason: Reason,
        /// What others do while one renews, and all do if it fails.
        meanwhile: Meanwhile,
    },
    /// Nothing can be handed out.
    Refuse(Refusal),
}

/// What called for a renewal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// Somebody said so.
    Forced,
    /// There is no access token.
    Missing,
    /// The caller saw it refused.
    Rejected,
    /// Its issue lies in the future: the clock was set back, so its end cannot be trusted.
    ClockSetBack,
    /// Its end is near.
    DueSoon,
    /// It cannot give the validity that is needed.
    TooShort,
    /// The refresh token would die of disuse.
    Idle,
    /// An earlier attempt failed, and its time to be repeated has come.
    Repeated,
}

/// What the access token at hand is good for while it is being replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Meanwhile {
    /// Everything: nobody waits.
    Serve,
    /// Second best: wait, but take it if the wait ends without a new one.
    ServeAfterWait,
    /// Nothing.
    Nothing,
}

/// Why nothing can be handed out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// A person has to log in.
    LoginRequired(Cause),
    /// Somebody paused the account.
    Paused,
    /// Not now.
    TryLater {
        /// When it may work.
        until: Timestamp,
        /// What is wrong until then.
        cause: Cause,
    },
}

/// Decides about one hand-out.
pub fn decide(account: &Account, ask: &Ask, standpoint: Standpoint, now: Timestamp) -> Decision {
    let forced = forced(account, ask);
    if account.paused && ask.hands_out() {
        return Decision::Refuse(Refusal::Paused);
    }
    let usable = usable(account, ask, now);
    let Some((reason, meanwhile)) = wanted(account, ask, usable, now) else { return Decision::Serve };
    let fallback = |refusal| if usable && !forced { Decision::Serve } else { Decision::Refuse(refusal) };
    match permission(account, ask, usable, standpoint, now) {
        Ok(()) => Decision::Refresh { reason, meanwhile },
        Err(refusal) => fallback(refusal),
    }
}

fn forced(account: &Account, ask: &Ask) -> bool {
    ask.newer_than.is_some_and(|generation| account.generation <= generation)
}

/// Whether the access token at hand may be handed out at all.
fn usable(account: &Account, ask: &Ask, now: Timestamp) -> bool {
    account
        .access
        .as_ref()
        .is_some_and(|access| access.is_alive(now) && ask.rejected.as_ref() != Some(&access.fingerprint))
}

fn wanted(account: &Account, ask: &Ask, usable: bool, now: Timestamp) -> Option<(Reason, Meanwhile)> {
    let Some(access) = &account.access else { return Some((Reason::Missing, Meanwhile::Nothing)) };
    if ask.rejected.as_ref() == Some(&access.fingerprint) {
        return Some((Reason::Rejected, Meanwhile::Nothing));
    }
    if forced(account, ask) {
        return Some((Reason::Forced, Meanwhile::Nothing));
    }
    if access.issued_at > now.saturating_add(BELIEVABLE_JUMP).unwrap_or(Timestamp::MAX) {
        let meanwhile = if usable { Meanwhile::ServeAfterWait } else { Meanwhile::Nothing };
        return Some((Reason::ClockSetBack, meanwhile));
    }
    let idle = || {
        let is_due = idle_renewal_at(account).is_some_and(|due| due <= now);
        is_due.then_some((Reason::Idle, Meanwhile::Serve))
    };
    let repeated = || {
        // Callers need not care; whoever keeps accounts ends a failure as soon as that is possible.
        let is_due = matches!(&account.standing, Standing::Failing(failing) if failing.next_try <= now);
        (ask.keep && is_due).then_some((Reason::Repeated, Meanwhile::Serve))
    };
    let Some(remaining) = access.remaining(now) else { return idle().or_else(repeated) };
    let windows = windows(account, access, ask.min_valid);
    if remaining.is_zero() {
        Some((Reason::TooShort, Meanwhile::Nothing))
    } else if remaining <= windows.mandatory {
        Some((Reason::TooShort, Meanwhile::ServeAfterWait))
    } else if remaining <= windows.advisory {
        Some((Reason::DueSoon, Meanwhile::Serve))
    } else {
        idle().or_else(repeated)
    }
}

/// Whether a renewal may be tried now.
fn permission(
    account: &Account,
    ask: &Ask,
    usable: bool,
    standpoint: Standpoint,
    now: Timestamp,
) -> Result<(), Refusal> {
    match &account.standing {
        Standing::NeedsLogin { cause, .. } => return Err(Refusal::LoginRequired(cause.clone())),
        Standing::Revoked { .. } => {
            return Err(Refusal::LoginRequired(Cause::new(CauseKind::Revoked, "the login was revoked")));
        }
        // The breaker: open until the next try, whatever callers want; then one attempt, because the lock admits one.
        Standing::Failing(failing) if now < failing.next_try => {
            return Err(Refusal::TryLater { until: failing.next_try, cause: failing.cause.clone() });
        }
        Standing::Active | Standing::Failing(_) => {}
    }
    if account.renewal() == Renewal::None {
        return Err(Refusal::LoginRequired(no_renewal_cause(account, now)));
    }
    if standpoint == Standpoint::HoldingLock
        && let Some(journal) = &account.journal
    {
        let alive_until =
            if usable { account.access.as_ref().and_then(|access| access.expires_at) } else { None };
        if let NextStep::NotBefore(until) = journal::next_step(account, journal, alive_until, now) {
            let cause = Cause::new(CauseKind::LostAnswer, "the outcome of the last refresh is unknown");
            return Err(Refusal::TryLater { until, cause });
        }
    }
    if usable && !forced(account, ask) {
        pace(account, now)?;
    }
    Ok(())
}

/// The provider's own limits on renewing a token that still serves.
fn pace(account: &Account, now: Timestamp) -> Result<(), Refusal> {
    let too_early = |until: Timestamp| {
        (now < until).then(|| Refusal::TryLater {
            until,
            cause: Cause::new(CauseKind::TooEarly, "the provider does not allow an earlier refresh"),
        })
    };
    let access_end = account.access.as_ref().and_then(|access| access.expires_at);
    let by_end = account.policy.earliest.zip(access_end).and_then(|(lead, end)| end.checked_sub(lead).ok());
    let by_pace =
        account.policy.spacing.zip(account.last_refreshed).and_then(|(gap, last)| last.checked_add(gap).ok());
    match [by_end, by_pace].into_iter().flatten().max().and_then(too_early) {
        Some(refusal) => Err(refusal),
        None => Ok(()),
    }
}

fn no_renewal_cause(account: &Account, now: Timestamp) -> Cause {
    match &account.access {
        Some(access) if access.is_alive(now) => {
            Cause::new(CauseKind::Rejected, "the token was refused and nothing can replace it")
        }
        Some(_) => Cause::new(CauseKind::Expired, "the token has expired and nothing can replace it"),
        None => Cause::new(CauseKind::Expired, "there is no token and nothing to get one with"),
    }
}

/// Smaller steps back are ordinary clock corrections.
const BELIEVABLE_JUMP: SignedDuration = SignedDuration::from_mins(1);

#[cfg(test)]
mod tests;

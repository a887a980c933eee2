//! The refresh journal: a mark made durable before a refresh token is spent, and what an open one allows.
//!
//! An open mark means that nobody knows whether the provider has taken the token. Only proof closes it.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::account::{Account, Generation};
use super::backoff;
use super::failure::{Cause, CauseKind};
use crate::provider::Reuse;
use crate::secret::Fingerprint;

/// One token that may have been spent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Journal {
    /// The account's generation when the token was taken out.
    pub generation: Generation,
    /// The token.
    pub fingerprint: Fingerprint,
    /// When it was first taken out without a known end.
    pub first_opened_at: Timestamp,
    /// When it was last taken out.
    pub opened_at: Timestamp,
    /// How often it has been taken out without a known end.
    pub attempts: u32,
    /// Why the end is unknown; `None` while the call is under way, or if its process died.
    pub cause: Option<Cause>,
}

impl Journal {
    /// Whether the call may still be under way.
    pub fn in_flight(&self, now: Timestamp) -> bool {
        self.cause.is_none() && now.duration_since(self.opened_at) < CALL_LIMIT
    }
}

impl Journal {
    /// What is left to be known once the last attempt is proven not to have spent the token: proof about one attempt says
    /// nothing about those before it.
    #[must_use]
    pub fn without_last_attempt(self) -> Option<Self> {
        let earlier = "the outcome of an earlier refresh is unknown";
        (self.attempts > 1).then(|| Self {
            attempts: self.attempts - 1,
            cause: Some(Cause::new(CauseKind::LostAnswer, earlier)),
            ..self
        })
    }
}

/// What an open journal allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NextStep {
    /// The same token may be spent again now.
    SpendAgain,
    /// Not before then.
    NotBefore(Timestamp),
}

/// What to do about an open journal whose call is certainly over.
///
/// `access_alive_until` is when the access token at hand stops serving: `None` if it already has.
pub fn next_step(
    account: &Account,
    journal: &Journal,
    access_alive_until: Option<Timestamp>,
    now: Timestamp,
) -> NextStep {
    // Trouble that was seen is spaced by the account's own next try, and nobody comes here before that.
    let spaced = if journal.attempts < 2 || journal.cause.is_some() {
        journal.opened_at
    } else {
        backoff::next_try(journal.opened_at, journal.attempts - 1, None, &account.reference.key())
    };
    let allowed = match account.policy.reuse {
        Reuse::Harmless | Reuse::UntilSuccessorUsed | Reuse::Reject => spaced,
        Reuse::Grace { seconds } if now < end_of_grace(journal, seconds) => spaced,
        // Presenting a spent token here may end the whole login, so it waits until there is nothing to lose.
        Reuse::Grace { .. } | Reuse::RevokeFamily | Reuse::Undeclared => {
            access_alive_until.map_or(spaced, |end| end.max(spaced))
        }
    };
    if allowed <= now { NextStep::SpendAgain } else { NextStep::NotBefore(allowed) }
}

fn end_of_grace(journal: &Journal, seconds: u64) -> Timestamp {
    // The provider may have rotated at any moment after the mark; counting from the mark is the safe side.
    let grace = SignedDuration::from_secs(i64::try_from(seconds).unwrap_or(i64::MAX));
    journal.first_opened_at.saturating_add(grace).unwrap_or(Timestamp::MAX)
}

/// No call takes longer: the transport gives up after 30 s, and saving its answer takes less than the rest.
pub const CALL_LIMIT: SignedDuration = SignedDuration::from_secs(45);

#[cfg(test)]
mod tests {
    use super::super::sample::{account, at};
    use super::super::transition::open_journal;
    use super::*;
    use crate::secret::Secret;

    /// The token may have been spent at second 100; the access token lives until 3600.
    fn open(reuse: Reuse) -> Account {
        let mut account = account();
        account.policy.reuse = reuse;
        open_journal(account, Secret::new("refresh").fingerprint(), at(100))
    }

    fn step(account: &Account, alive_until: Option<i64>, now: i64) -> NextStep {
        let journal = account.journal.as_ref().unwrap();
        next_step(account, journal, alive_until.map(at), at(now))
    }

    #[test]
    fn what_an_open_journal_allows_depends_on_the_reuse_policy() {
        use NextStep::{NotBefore, SpendAgain};
        let alive = Some(3600);
        let table = [
            (Reuse::Harmless, alive, 101, SpendAgain),
            (Reuse::UntilSuccessorUsed, alive, 101, SpendAgain),
            (Reuse::Reject, alive, 101, SpendAgain),
            (Reuse::Grace { seconds: 30 }, alive, 129, SpendAgain),
            (Reuse::Grace { seconds: 30 }, alive, 130, NotBefore(at(3600))),
            (Reuse::Grace { seconds: 30 }, None, 130, SpendAgain),
            (Reuse::RevokeFamily, alive, 101, NotBefore(at(3600))),
            (Reuse::RevokeFamily, alive, 3599, NotBefore(at(3600))),
            (Reuse::RevokeFamily, None, 101, SpendAgain),
            (Reuse::Undeclared, alive, 101, NotBefore(at(3600))),
            (Reuse::Undeclared, None, 3600, SpendAgain),
        ];
        for (reuse, alive_until, now, expected) in table {
            assert_eq!(step(&open(reuse), alive_until, now), expected, "{reuse:?} at {now}");
        }
    }

    #[test]
    fn repeated_attempts_are_spaced_but_never_counted_out() {
        let token = Secret::new("refresh").fingerprint();
        let mut account = open(Reuse::Reject);
        let mut now = 100;
        for attempt in 2..60 {
            now += 600;
            account = open_journal(account, token.clone(), at(now));
            assert_eq!(account.journal.as_ref().unwrap().attempts, attempt);
            assert!(
                matches!(step(&account, None, now), NextStep::NotBefore(_)),
                "attempt {attempt} is spaced"
            );
            assert_eq!(step(&account, None, now + 300), NextStep::SpendAgain, "attempt {attempt} comes");
        }
    }

    #[test]
    fn another_token_starts_a_new_journal() {
        let account = open_journal(open(Reuse::Reject), Secret::new("other").fingerprint(), at(500));
        let journal = account.journal.unwrap();
        assert_eq!((journal.attempts, journal.first_opened_at), (1, at(500)));
    }

    #[test]
    fn a_call_is_under_way_until_its_limit_or_its_known_trouble() {
        let mut journal = open(Reuse::Reject).journal.unwrap();
        assert!(journal.in_flight(at(144)));
        assert!(!journal.in_flight(at(145)));
        journal.cause = Some(Cause::new(super::super::failure::CauseKind::TimedOut, "timed out"));
        assert!(!journal.in_flight(at(101)));
    }
}

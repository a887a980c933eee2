//! The refresh journal: a mark made durable before a refresh token is spent, and what an open one allows.
//!
//! An open mark means that nobody knows whether the provider has taken the token. Only proof closes it.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::account::{Account, Generation};
use super::backoff;
use super::failure::Cause;
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
    let spaced = if journal.attempts < 2 {
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

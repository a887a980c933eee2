//! When an access token is due for renewal.
//!
//! Two windows before its end: in the advisory one somebody renews while everybody else goes on with the old token; in
//! the mandatory one all wait.

use std::hash::{DefaultHasher, Hash, Hasher as _};

use jiff::{SignedDuration, Timestamp};

use super::account::{AccessFacts, Account, Renewal};

/// The two windows of one access token, as time before its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Windows {
    /// Renewing starts here.
    pub advisory: SignedDuration,
    /// From here on nobody goes on with the old token while a renewal is possible.
    pub mandatory: SignedDuration,
}

/// Both windows, given the validity the caller asked for (`None`: no special wish).
pub fn windows(account: &Account, access: &AccessFacts, min_valid: Option<SignedDuration>) -> Windows {
    let lead = lead(account, access);
    let mandatory = match min_valid {
        // More than this cannot be had without renewing at every single call.
        Some(asked) => asked.min(access.lifetime().unwrap_or(SignedDuration::MAX).saturating_sub(lead)),
        None => lead / 2,
    };
    Windows { advisory: lead.max(mandatory), mandatory }
}

/// How long before its end a token is renewed: the provider's wish or five minutes, never more than a third of its
/// life, shortened by up to a tenth so that accounts that logged in together do not renew together.
pub fn lead(account: &Account, access: &AccessFacts) -> SignedDuration {
    let wish = account.policy.before.unwrap_or(GENERAL_LEAD);
    let longest = access.lifetime().map_or(wish, |lifetime| wish.min(lifetime / 3));
    shorten(longest, &account.reference)
}

/// When a refresh token that dies of disuse is used, even if its access token lives on: after two thirds of the time it
/// may lie idle, so that a third is left for outages. `None`: it does not die of disuse, as far as is known.
pub fn idle_renewal_at(account: &Account) -> Option<Timestamp> {
    if account.renewal() != Renewal::RefreshToken {
        return None;
    }
    let last_used = account.last_refreshed.unwrap_or(account.logged_in_at);
    let declared = account.policy.grant_idle;
    // An announced end may move with every use or may stand. Where it stands, each use finds a third of the time left
    // that the one before found, and the last is a day before the end.
    let announced = account.refresh.as_ref().and_then(|refresh| refresh.expires_at);
    let announced = announced.map(|end| end.duration_since(last_used)).filter(|left| *left >= LONG_ENOUGH);
    let idle = [declared, announced].into_iter().flatten().min()?;
    last_used.checked_add(shorten(idle / 3 * 2, &account.reference)).ok()
}

/// Takes off up to a tenth of `duration`, always the same for the same `seed` in one version of this program.
pub(super) fn shorten(duration: SignedDuration, seed: &impl Hash) -> SignedDuration {
    let mut hasher = DefaultHasher::new();
    seed.hash(&mut hasher);
    let [first, ..] = hasher.finish().to_be_bytes();
    duration - duration * i32::from(first) / (10 * 256)
}

/// Grants that end sooner are used anyway, with every access token.
const LONG_ENOUGH: SignedDuration = SignedDuration::from_hours(24);
/// Longer than any request takes, short against the hour most tokens live.
const GENERAL_LEAD: SignedDuration = SignedDuration::from_mins(5);

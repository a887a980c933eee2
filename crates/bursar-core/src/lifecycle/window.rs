//! When an access token is due for renewal.
//!
//! Two windows before its end: in the advisory one somebody renews while everybody else goes on with the old token; in
//! the mandatory one all wait.

use aws_lc_rs::digest::{SHA256, digest};
use jiff::SignedDuration;

use super::account::{AccessFacts, Account};

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
    shorten(longest, account.reference.key().as_bytes())
}

/// Takes off up to a tenth of `duration`, always the same for the same `seed`.
pub(super) fn shorten(duration: SignedDuration, seed: &[u8]) -> SignedDuration {
    let first = digest(&SHA256, seed).as_ref()[0];
    duration - duration * i32::from(first) / (10 * 256)
}

/// Longer than any request takes, short against the hour most tokens live.
const GENERAL_LEAD: SignedDuration = SignedDuration::from_mins(5);

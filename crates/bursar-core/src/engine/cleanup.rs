//! Cleaning up: logins nobody can use any more go, after revoking what can be revoked; what has expired is collected.

use jiff::{SignedDuration, Timestamp};

use super::Engine;
use super::accounts::Overview;
use super::broker::HandOutError;
use super::logout::RevocationReport;
use super::records::KINDS;
use crate::lifecycle::account::{Account, Standing};
use crate::lifecycle::deadlines::grant_expires_at;
use crate::lifecycle::reference::AccountReference;
use crate::ports::store::{Scope, Space, StoreError};

/// What may go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CleanupRules {
    /// Logins whose grant ended, or that need a person, for longer than this.
    pub dead_for: SignedDuration,
    /// Logins not used for longer than this; `None`: use does not matter.
    pub unused_for: Option<SignedDuration>,
}

impl Default for CleanupRules {
    fn default() -> Self {
        Self { dead_for: SignedDuration::from_hours(7 * 24), unused_for: None }
    }
}

/// Why a login goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ground {
    /// Its grant ended then.
    GrantEnded(Timestamp),
    /// It has needed a person since then.
    LoginRequired(Timestamp),
    /// It was last used then.
    Unused(Timestamp),
}

/// The accounts that may go, with why. Pure.
pub fn candidates(
    overview: &Overview,
    rules: CleanupRules,
    now: Timestamp,
) -> Vec<(AccountReference, Ground)> {
    let judge = |account: &Account| {
        let ground = ground(account, overview, rules, now)?;
        Some((account.reference.clone(), ground))
    };
    overview.accounts.iter().filter_map(judge).collect()
}

fn ground(account: &Account, overview: &Overview, rules: CleanupRules, now: Timestamp) -> Option<Ground> {
    let longer_ago = |since: Timestamp, limit: SignedDuration| now.duration_since(since) > limit;
    match &account.standing {
        Standing::NeedsLogin { at, .. } | Standing::Revoked { at } if longer_ago(*at, rules.dead_for) => {
            return Some(Ground::LoginRequired(*at));
        }
        _ => {}
    }
    if let Some(end) = grant_expires_at(account)
        && longer_ago(end, rules.dead_for)
    {
        return Some(Ground::GrantEnded(end));
    }
    let last_used = overview.last_used.get(&account.reference.key()).copied().unwrap_or(account.logged_in_at);
    match rules.unused_for {
        Some(limit) if longer_ago(last_used, limit) => Some(Ground::Unused(last_used)),
        _ => None,
    }
}

impl Engine {
    /// Removes the given accounts, revoking first where the provider offers it.
    pub async fn remove(
        &self,
        references: &[AccountReference],
    ) -> Result<Vec<(AccountReference, RevocationReport)>, HandOutError> {
        let mut reports = Vec::new();
        for reference in references {
            match self.logout(reference).await {
                Ok(report) => reports.push((reference.clone(), report)),
                // Somebody else was faster.
                Err(HandOutError::NoSuchAccount { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(reports)
    }

    /// Collects expired records, a bounded number a kind; tells how many went.
    pub async fn collect_expired(&self) -> Result<usize, StoreError> {
        let mut collected = 0;
        for kind in KINDS {
            let space = match kind.scope {
                Scope::System => &Space::System,
                Scope::Sandbox => &self.space,
            };
            collected += self.ports.store.expire(space, kind, COLLECTED_AT_ONCE).await?;
        }
        Ok(collected)
    }
}

/// Short enough a transaction that nobody else notices.
const COLLECTED_AT_ONCE: usize = 500;

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::lifecycle::failure::{Cause, CauseKind};
    use crate::lifecycle::sample::{account, at};

    const DAY: i64 = 86_400;

    fn ground_of(
        account: Account,
        unused_days: Option<i64>,
        used_at: Option<i64>,
        now: i64,
    ) -> Option<Ground> {
        let key = account.reference.key();
        let overview = Overview {
            accounts: vec![account],
            last_used: used_at.map(|used| (key, at(used))).into_iter().collect(),
            defaults: BTreeMap::new(),
        };
        let rules = CleanupRules {
            unused_for: unused_days.map(|days| SignedDuration::from_secs(days * DAY)),
            ..CleanupRules::default()
        };
        candidates(&overview, rules, at(now)).pop().map(|(_, ground)| ground)
    }

    #[test]
    fn only_logins_that_have_been_dead_for_a_week_go() {
        let mut lost = account();
        let cause = Cause::new(CauseKind::GrantRefused, "invalid_grant");
        lost.standing = Standing::NeedsLogin { cause, at: at(0) };
        assert_eq!(ground_of(lost.clone(), None, None, 7 * DAY), None);
        assert_eq!(ground_of(lost, None, None, 7 * DAY + 1), Some(Ground::LoginRequired(at(0))));

        let mut ended = account();
        ended.refresh.as_mut().unwrap().expires_at = Some(at(DAY));
        assert_eq!(ground_of(ended.clone(), None, None, 8 * DAY), None);
        assert_eq!(ground_of(ended, None, None, 8 * DAY + 1), Some(Ground::GrantEnded(at(DAY))));
    }

    #[test]
    fn disuse_counts_only_when_asked_for() {
        assert_eq!(ground_of(account(), None, None, 400 * DAY), None);
        assert_eq!(ground_of(account(), Some(7), None, 8 * DAY), Some(Ground::Unused(at(0))));
        assert_eq!(ground_of(account(), Some(7), Some(5 * DAY), 8 * DAY), None);
    }
}

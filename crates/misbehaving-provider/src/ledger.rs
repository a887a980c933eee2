//! Grants, refresh-token families and access tokens: which token is good at which time.
//!
//! Pure: the time, the policy and the text of new tokens come from the caller. Every reuse policy is decided here.

use std::collections::HashMap;

use jiff::{SignedDuration, Timestamp};

use crate::behaviour::Identity;
use crate::behaviour::token::{KillsAccessToken, ReusePolicy};

/// What a client was allowed.
#[derive(Clone, Debug)]
pub(crate) struct Grant {
    pub(crate) client: String,
    /// Nobody, when the client acts for itself.
    pub(crate) identity: Option<Identity>,
    pub(crate) scope: String,
    pub(crate) resource: Option<String>,
    pub(crate) nonce: Option<String>,
}

/// Number of a family: one grant and all tokens that came from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FamilyId(usize);

#[derive(Debug, Default)]
pub(crate) struct Ledger {
    families: Vec<Family>,
    refresh: HashMap<String, RefreshToken>,
    access: HashMap<String, AccessToken>,
    reuse_detected: usize,
}

#[derive(Debug)]
struct Family {
    grant: Grant,
    revoked: bool,
}

#[derive(Debug)]
struct RefreshToken {
    family: FamilyId,
    predecessor: Option<String>,
    /// When it was first exchanged for a successor.
    spent_at: Option<Timestamp>,
    successor_used: bool,
    expires_at: Option<Timestamp>,
}

#[derive(Debug)]
struct AccessToken {
    family: FamilyId,
    /// The refresh token of the same answer.
    companion: Option<String>,
    expires_at: Timestamp,
    dies_at: Option<Timestamp>,
    revoked: bool,
}

/// What a presented refresh token is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Judgement {
    /// It may be exchanged.
    Good(FamilyId),
    /// It was never issued, was issued to somebody else, has expired, or its family is dead.
    Bad,
    /// It was spent and the policy refuses it.
    Reused { kills_family: Option<FamilyId> },
}

impl Ledger {
    pub(crate) fn open(&mut self, grant: Grant) -> FamilyId {
        self.families.push(Family { grant, revoked: false });
        FamilyId(self.families.len() - 1)
    }

    pub(crate) fn grant(&self, family: FamilyId) -> &Grant {
        &self.families[family.0].grant
    }

    /// Puts a new refresh token on record; `predecessor` is the one that was exchanged for it.
    pub(crate) fn add_refresh(
        &mut self,
        family: FamilyId,
        token: String,
        predecessor: Option<String>,
        expires_at: Option<Timestamp>,
    ) {
        let record = RefreshToken { family, predecessor, spent_at: None, successor_used: false, expires_at };
        self.refresh.insert(token, record);
    }

    pub(crate) fn add_access(
        &mut self,
        family: FamilyId,
        token: String,
        companion: Option<String>,
        expires_at: Timestamp,
    ) {
        self.access
            .insert(token, AccessToken { family, companion, expires_at, dies_at: None, revoked: false });
    }

    /// What the refresh token is worth to this client now; changes nothing.
    pub(crate) fn judge(&self, token: &str, client: &str, now: Timestamp, policy: ReusePolicy) -> Judgement {
        let Some(record) = self.refresh.get(token) else { return Judgement::Bad };
        let family = &self.families[record.family.0];
        if family.revoked || family.grant.client != client || record.expires_at.is_some_and(|end| end <= now)
        {
            return Judgement::Bad;
        }
        let Some(spent_at) = record.spent_at else { return Judgement::Good(record.family) };
        let accepted = match policy {
            ReusePolicy::Harmless => true,
            ReusePolicy::Grace { seconds } => {
                now.duration_since(spent_at) <= SignedDuration::from_secs(seconds.into())
            }
            ReusePolicy::UntilSuccessorUsed => !record.successor_used,
            ReusePolicy::Reject | ReusePolicy::RevokeFamily => false,
        };
        if accepted {
            return Judgement::Good(record.family);
        }
        let kills = matches!(policy, ReusePolicy::Grace { .. } | ReusePolicy::RevokeFamily);
        Judgement::Reused { kills_family: kills.then_some(record.family) }
    }

    /// Writes down that a spent token was refused, and kills its family if the policy says so.
    pub(crate) fn record_reuse(&mut self, kills_family: Option<FamilyId>) {
        self.reuse_detected += 1;
        if let Some(family) = kills_family {
            self.revoke_family(family);
        }
    }

    /// Writes down that the refresh token was used. `rotates`: it is spent, unless it already was; the time of the first
    /// spending counts for the grace period.
    pub(crate) fn use_refresh(&mut self, token: &str, now: Timestamp, rotates: bool) {
        let Some(record) = self.refresh.get_mut(token) else { return };
        if rotates {
            record.spent_at.get_or_insert(now);
        }
        let predecessor = record.predecessor.clone();
        self.mark_successor_used(predecessor.as_deref());
    }

    /// Ends the access tokens of a family early, before the successor is added.
    pub(crate) fn kill_access(&mut self, family: FamilyId, now: Timestamp, rule: KillsAccessToken) {
        let dies_at = match rule {
            KillsAccessToken::No => return,
            KillsAccessToken::Immediately => now,
            KillsAccessToken::AfterSeconds(seconds) => now + SignedDuration::from_secs(seconds.into()),
        };
        for record in self.access.values_mut().filter(|record| record.family == family) {
            record.dies_at.get_or_insert(dies_at);
        }
    }

    /// The family of an access token that is good now.
    pub(crate) fn live_access(&self, token: &str, now: Timestamp) -> Option<FamilyId> {
        let record = self.access.get(token)?;
        let alive = !record.revoked
            && !self.families[record.family.0].revoked
            && now < record.expires_at
            && record.dies_at.is_none_or(|end| now < end);
        alive.then_some(record.family)
    }

    /// As [`Ledger::live_access`], and writes down that the token was used at an API.
    pub(crate) fn use_access(&mut self, token: &str, now: Timestamp) -> Option<FamilyId> {
        let family = self.live_access(token, now)?;
        let companion = self.access.get(token).and_then(|record| record.companion.as_deref());
        let predecessor =
            companion.and_then(|token| self.refresh.get(token)).and_then(|token| token.predecessor.clone());
        self.mark_successor_used(predecessor.as_deref());
        Some(family)
    }

    pub(crate) fn access_expires_at(&self, token: &str) -> Option<Timestamp> {
        self.access.get(token).map(|record| record.expires_at)
    }

    /// The latest end of the family's living access tokens.
    pub(crate) fn newest_access_end(&self, family: FamilyId, now: Timestamp) -> Option<Timestamp> {
        self.access
            .iter()
            .filter(|(token, record)| record.family == family && self.live_access(token, now).is_some())
            .map(|(_, record)| record.expires_at)
            .max()
    }

    /// Whether the refresh token would be accepted from its own client now.
    pub(crate) fn is_refresh_live(&self, token: &str, now: Timestamp, policy: ReusePolicy) -> bool {
        self.refresh.get(token).is_some_and(|record| {
            let client = &self.families[record.family.0].grant.client;
            matches!(self.judge(token, client, now, policy), Judgement::Good(_))
        })
    }

    /// Family of any token on record, dead or alive.
    pub(crate) fn family_of(&self, token: &str) -> Option<FamilyId> {
        let refresh = self.refresh.get(token).map(|record| record.family);
        refresh.or_else(|| self.access.get(token).map(|record| record.family))
    }

    pub(crate) fn is_refresh_token(&self, token: &str) -> bool {
        self.refresh.contains_key(token)
    }

    pub(crate) fn revoke_family(&mut self, family: FamilyId) {
        self.families[family.0].revoked = true;
    }

    pub(crate) fn revoke_access(&mut self, token: &str) {
        if let Some(record) = self.access.get_mut(token) {
            record.revoked = true;
        }
    }

    /// Whether the token is on record and was ended by a revocation, its own or its family's.
    pub(crate) fn is_revoked(&self, token: &str) -> bool {
        let own = self.access.get(token).is_some_and(|record| record.revoked);
        own || self.family_of(token).is_some_and(|family| self.families[family.0].revoked)
    }

    pub(crate) fn reuse_detected(&self) -> usize {
        self.reuse_detected
    }

    fn mark_successor_used(&mut self, predecessor: Option<&str>) {
        if let Some(record) = predecessor.and_then(|token| self.refresh.get_mut(token)) {
            record.successor_used = true;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Timestamp = Timestamp::UNIX_EPOCH;

    fn at(seconds: i64) -> Timestamp {
        START + SignedDuration::from_secs(seconds)
    }

    /// One family: `r0` was exchanged for `r1` at second 100, each with its access token.
    fn rotated_once() -> (Ledger, FamilyId) {
        let mut ledger = Ledger::default();
        let grant =
            Grant { client: "app".into(), identity: None, scope: String::new(), resource: None, nonce: None };
        let family = ledger.open(grant);
        ledger.add_refresh(family, "r0".into(), None, None);
        ledger.add_access(family, "a0".into(), Some("r0".into()), at(1000));
        ledger.use_refresh("r0", at(100), true);
        ledger.add_refresh(family, "r1".into(), Some("r0".into()), None);
        ledger.add_access(family, "a1".into(), Some("r1".into()), at(1000));
        (ledger, family)
    }

    fn judge(ledger: &Ledger, token: &str, seconds: i64, policy: ReusePolicy) -> Judgement {
        ledger.judge(token, "app", at(seconds), policy)
    }

    #[test]
    fn each_policy_judges_a_spent_token_its_own_way() {
        let (ledger, family) = rotated_once();
        let good = Judgement::Good(family);
        let refused = Judgement::Reused { kills_family: None };
        let deadly = Judgement::Reused { kills_family: Some(family) };
        let table = [
            (ReusePolicy::Harmless, 101, good),
            (ReusePolicy::Harmless, 100_000, good),
            (ReusePolicy::Grace { seconds: 30 }, 130, good),
            (ReusePolicy::Grace { seconds: 30 }, 131, deadly),
            (ReusePolicy::UntilSuccessorUsed, 100_000, good),
            (ReusePolicy::Reject, 101, refused),
            (ReusePolicy::RevokeFamily, 101, deadly),
        ];
        for (policy, seconds, expected) in table {
            assert_eq!(judge(&ledger, "r0", seconds, policy), expected, "{policy:?} at {seconds}");
            assert_eq!(judge(&ledger, "r1", seconds, policy), good, "the current token under {policy:?}");
        }
    }

    #[test]
    fn grace_counts_from_the_first_spending() {
        let (mut ledger, family) = rotated_once();
        ledger.use_refresh("r0", at(125), true);
        let policy = ReusePolicy::Grace { seconds: 30 };
        assert_eq!(judge(&ledger, "r0", 131, policy), Judgement::Reused { kills_family: Some(family) });
    }

    #[test]
    fn using_the_successor_ends_the_predecessor() {
        for uses in [0, 1] {
            let (mut ledger, _) = rotated_once();
            match uses {
                0 => ledger.use_refresh("r1", at(200), true),
                _ => assert!(ledger.use_access("a1", at(200)).is_some()),
            }
            let judgement = judge(&ledger, "r0", 200, ReusePolicy::UntilSuccessorUsed);
            assert_eq!(judgement, Judgement::Reused { kills_family: None });
        }
    }

    #[test]
    fn a_killed_family_takes_everything_with_it() {
        let (mut ledger, family) = rotated_once();
        ledger.record_reuse(Some(family));
        assert_eq!(ledger.reuse_detected(), 1);
        assert_eq!(judge(&ledger, "r1", 200, ReusePolicy::Harmless), Judgement::Bad);
        assert_eq!(ledger.live_access("a1", at(200)), None);
        assert!(ledger.is_revoked("a0") && ledger.is_revoked("r1"));
    }

    #[test]
    fn a_refused_reuse_leaves_the_family_alone() {
        let (mut ledger, family) = rotated_once();
        ledger.record_reuse(None);
        assert_eq!(judge(&ledger, "r1", 200, ReusePolicy::Reject), Judgement::Good(family));
        assert_eq!(ledger.live_access("a0", at(200)), Some(family));
    }

    #[test]
    fn foreign_unknown_and_expired_tokens_are_bad() {
        let (mut ledger, family) = rotated_once();
        ledger.add_refresh(family, "short".into(), None, Some(at(300)));
        assert_eq!(ledger.judge("r1", "thief", at(200), ReusePolicy::RevokeFamily), Judgement::Bad);
        assert_eq!(judge(&ledger, "nonsense", 200, ReusePolicy::Harmless), Judgement::Bad);
        assert_eq!(judge(&ledger, "short", 299, ReusePolicy::Harmless), Judgement::Good(family));
        assert_eq!(judge(&ledger, "short", 300, ReusePolicy::Harmless), Judgement::Bad);
        assert_eq!(ledger.reuse_detected(), 0);
    }

    #[test]
    fn a_refresh_ends_older_access_tokens_by_the_rule() {
        let table = [
            (KillsAccessToken::No, true, true),
            (KillsAccessToken::Immediately, false, false),
            (KillsAccessToken::AfterSeconds(10), true, false),
        ];
        for (rule, at_once, later) in table {
            let (mut ledger, family) = rotated_once();
            ledger.kill_access(family, at(200), rule);
            ledger.add_access(family, "a2".into(), None, at(1000));
            assert_eq!(ledger.live_access("a1", at(200)).is_some(), at_once, "{rule:?}");
            assert_eq!(ledger.live_access("a1", at(210)).is_some(), later, "{rule:?}");
            assert!(ledger.live_access("a2", at(210)).is_some(), "{rule:?}");
        }
    }

    #[test]
    fn access_tokens_end_by_the_clock_and_by_revocation() {
        let (mut ledger, family) = rotated_once();
        assert_eq!(ledger.newest_access_end(family, at(0)), Some(at(1000)));
        assert!(ledger.live_access("a0", at(999)).is_some());
        assert!(ledger.live_access("a0", at(1000)).is_none());
        ledger.revoke_access("a0");
        assert!(ledger.live_access("a0", at(0)).is_none());
        assert!(ledger.live_access("a1", at(0)).is_some());
    }
}

//! Transitions of a held account: each consumes the record and returns the next one.
//!
//! Secrets are handled beside them by `engine::credentials`; here only their facts move.

use jiff::{SignedDuration, Timestamp};

use super::account::{AccessFacts, Account, Failing, RefreshFacts, RefreshPolicy, Standing};
use super::backoff;
use super::failure::{Cause, CauseKind, Class, Failure, Spent};
use super::journal::Journal;
use crate::oauth::token::TokenSet;
use crate::secret::{Fingerprint, Sealed};

/// Before the call: marks the token that is about to be spent.
#[must_use]
pub fn open_journal(mut account: Account, token: Fingerprint, now: Timestamp) -> Account {
    let again = account.journal.take().filter(|journal| journal.fingerprint == token);
    account.journal = Some(Journal {
        generation: account.generation,
        fingerprint: token,
        first_opened_at: again.as_ref().map_or(now, |journal| journal.first_opened_at),
        opened_at: now,
        attempts: again.map_or(1, |journal| journal.attempts + 1),
        cause: None,
    });
    account
}

/// Everything a successful token answer changes.
#[derive(Debug)]
pub struct Renewed<'a> {
    /// The answer.
    pub tokens: &'a TokenSet,
    /// Whether an answer without a refresh token means that there is none any more.
    pub omitted_ends: bool,
    /// The provider's rules as they are now.
    pub policy: RefreshPolicy,
    /// What the answer's `Date` taught.
    pub clock_skew: SignedDuration,
    /// The credentials with the new tokens in them.
    pub sealed: Sealed,
}

/// The provider issued new tokens. What the answer leaves out stays (RFC 6749 §5.1, §6).
#[must_use]
pub fn renewed(mut account: Account, renewed: Renewed<'_>, now: Timestamp) -> Account {
    let tokens = renewed.tokens;
    account.generation = account.generation.next();
    account.access = Some(AccessFacts {
        fingerprint: tokens.access_token.fingerprint(),
        issued_at: now,
        expires_at: tokens.access_expires_at,
    });
    account.refresh = renewed_refresh(account.refresh.take(), tokens, now)
        .filter(|_| tokens.refresh_token.is_some() || !renewed.omitted_ends);
    if let Some(scope) = &tokens.scope {
        account.scope = scope.clone();
    }
    account.token_type.clone_from(&tokens.token_type);
    account.kept.extend(tokens.kept.clone());
    account.standing = Standing::Active;
    account.journal = None;
    account.last_refreshed = Some(now);
    account.policy = renewed.policy;
    account.clock_skew = renewed.clock_skew;
    account.sealed = renewed.sealed;
    account
}

fn renewed_refresh(old: Option<RefreshFacts>, tokens: &TokenSet, now: Timestamp) -> Option<RefreshFacts> {
    let Some(token) = &tokens.refresh_token else {
        // Omitted: the old one stays good, and has just proven itself.
        return old.map(|facts| RefreshFacts {
            proven: true,
            expires_at: tokens.refresh_expires_at.or(facts.expires_at),
            ..facts
        });
    };
    let fingerprint = token.fingerprint();
    let same = old.as_ref().is_some_and(|facts| facts.fingerprint == fingerprint);
    let kept_end = old.filter(|_| same).and_then(|facts| facts.expires_at);
    Some(RefreshFacts {
        fingerprint,
        issued_at: now,
        expires_at: tokens.refresh_expires_at.or(kept_end),
        proven: same,
    })
}

/// The call failed. Tokens stay whatever the failure says.
#[must_use]
pub fn failed(mut account: Account, failure: &Failure, now: Timestamp) -> Account {
    let lost_before = account.journal.as_ref().is_some_and(|journal| journal.attempts > 1);
    match failure.spent {
        Spent::No if failure.class == Class::Permanent => account.journal = None,
        Spent::No => account = not_spent(account),
        Spent::Unknown => {
            if let Some(journal) = &mut account.journal {
                journal.cause = Some(failure.cause.clone());
            }
        }
    }
    account.standing = match failure.class {
        Class::Permanent if lost_before && failure.cause.kind == CauseKind::GrantRefused => {
            let detail = format!("an answer to an earlier refresh was lost, and {}", failure.cause);
            Standing::NeedsLogin { cause: Cause::new(CauseKind::LostAnswer, detail), at: now }
        }
        Class::Permanent => Standing::NeedsLogin { cause: failure.cause.clone(), at: now },
        Class::Transient => Standing::Failing(next_failing(&account, failure, now)),
    };
    account
}

fn next_failing(account: &Account, failure: &Failure, now: Timestamp) -> Failing {
    let (since, attempts) = match &account.standing {
        Standing::Failing(failing) => (failing.since, failing.attempts.saturating_add(1)),
        _ => (now, 1),
    };
    let next_try = backoff::next_try(now, attempts, failure.retry_after, &account.reference.key());
    Failing { since, attempts, next_try, cause: failure.cause.clone() }
}

/// The provider refused the client, perhaps for the clock its assertion was dated by: the next one goes by another.
///
/// A client that was not accepted has spent nothing (RFC 6749 §5.2).
#[must_use]
pub fn clock_set(mut account: Account, clock_skew: SignedDuration) -> Account {
    account.clock_skew = clock_skew;
    not_spent(account)
}

/// The call about to be made was not made, or is proven to have had no effect.
#[must_use]
pub fn not_spent(mut account: Account) -> Account {
    account.journal = account.journal.and_then(Journal::without_last_attempt);
    account
}

/// The refresh token was refused but an older or a late one is left: it takes its place and is tried next.
#[must_use]
pub fn fallen_back(mut account: Account, token: Fingerprint, sealed: Sealed, now: Timestamp) -> Account {
    account.generation = account.generation.next();
    account.refresh =
        Some(RefreshFacts { fingerprint: token, issued_at: now, expires_at: None, proven: false });
    account.journal = None;
    account.standing = Standing::Active;
    account.sealed = sealed;
    account
}

/// The provider answered with another identity's tokens; they are not taken.
#[must_use]
pub fn identity_refused(mut account: Account, found: &str, now: Timestamp) -> Account {
    let pinned = account.identity.as_ref().map_or("nobody", |identity| identity.label.as_str());
    let detail = format!("the provider answered with tokens of {found}, this account is pinned to {pinned}");
    account.journal = None;
    account.standing =
        Standing::NeedsLogin { cause: Cause::new(CauseKind::IdentityChanged, detail), at: now };
    account
}

#[cfg(test)]
mod tests {
    use super::super::account::Generation;
    use super::super::sample::{account, at};
    use super::*;
    use crate::oauth::scope::Scope;
    use crate::secret::Secret;

    fn tokens(refresh: Option<&str>) -> TokenSet {
        TokenSet {
            access_token: Secret::new("new access"),
            token_type: "Bearer".into(),
            refresh_token: refresh.map(Secret::new),
            id_token: None,
            scope: None,
            access_expires_at: Some(at(7200)),
            refresh_expires_at: None,
            kept: serde_json::Map::new(),
        }
    }

    fn renew(account: Account, tokens: &TokenSet) -> Account {
        let changes = Renewed {
            tokens,
            omitted_ends: false,
            policy: RefreshPolicy::default(),
            clock_skew: SignedDuration::ZERO,
            sealed: Sealed("sealed".into()),
        };
        renewed(account, changes, at(3500))
    }

    fn failure(class: Class, spent: Spent) -> Failure {
        Failure {
            class,
            spent,
            cause: Cause::new(CauseKind::GrantRefused, "invalid_grant"),
            retry_after: None,
        }
    }

    #[test]
    fn an_omitted_refresh_token_keeps_the_old_one_and_proves_it() {
        let account = renew(account(), &tokens(None));
        let refresh = account.refresh.unwrap();
        assert_eq!(refresh.fingerprint, Secret::new("refresh").fingerprint());
        assert!(refresh.proven);
    }

    #[test]
    fn a_partial_answer_keeps_what_it_does_not_say() {
        let account = renew(account(), &tokens(Some("second")));
        assert_eq!(account.scope, Scope::from_answer("openid email"));
        assert_eq!(account.identity.unwrap().subject, "ada");
        assert_eq!(account.generation, Generation(2));
        assert!(!account.refresh.unwrap().proven);
    }

    #[test]
    fn only_proof_of_not_spending_closes_the_journal() {
        let token = Secret::new("refresh").fingerprint();
        let open = || open_journal(account(), token.clone(), at(100));
        assert!(failed(open(), &failure(Class::Transient, Spent::No), at(101)).journal.is_none());
        let uncertain = failed(open(), &failure(Class::Transient, Spent::Unknown), at(101));
        assert!(uncertain.journal.unwrap().cause.is_some());
        assert!(renew(open(), &tokens(None)).journal.is_none());
    }

    #[test]
    fn proof_about_one_attempt_says_nothing_about_those_before() {
        let token = Secret::new("refresh").fingerprint();
        let again = open_journal(open_journal(account(), token.clone(), at(100)), token, at(200));
        let account = failed(again, &failure(Class::Transient, Spent::No), at(201));
        let journal = account.journal.expect("the first attempt is still in doubt");
        assert_eq!((journal.attempts, journal.first_opened_at), (1, at(100)));
        assert!(!journal.in_flight(at(201)));
    }

    #[test]
    fn a_refusal_after_a_lost_answer_tells_that_an_answer_was_lost() {
        let token = Secret::new("refresh").fingerprint();
        let again = open_journal(open_journal(account(), token.clone(), at(100)), token, at(200));
        let account = failed(again, &failure(Class::Permanent, Spent::No), at(201));
        let Standing::NeedsLogin { cause, .. } = account.standing else { panic!("a person is needed") };
        assert_eq!(cause.kind, CauseKind::LostAnswer);
    }

    #[test]
    fn failures_never_touch_tokens() {
        for class in [Class::Transient, Class::Permanent] {
            for spent in [Spent::No, Spent::Unknown] {
                let before = account();
                let after = failed(account(), &failure(class, spent), at(10));
                assert_eq!(
                    (before.access, before.refresh, before.sealed),
                    (after.access, after.refresh, after.sealed)
                );
                assert_eq!(before.generation, after.generation);
            }
        }
    }
}

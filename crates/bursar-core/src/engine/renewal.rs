//! One renewal, under the refresh lock: journal, one call, everything the answer brought made durable.
//!
//! Each step may be the last: `docs/rotation.md` shows what is left after a kill at any of them.

mod saving;

use std::time::Duration;

use jiff::Timestamp;

use super::Engine;
use super::broker::HandOutError;
use super::credentials::Credentials;
use super::providers::client_of;
use super::vault::SealedKind;
use crate::lifecycle::account::{Account, Renewal as Means, Standing};
use crate::lifecycle::clock_skew;
use crate::lifecycle::failure::{self, CauseKind, Class, Failure};
use crate::lifecycle::reference::AccountReference;
use crate::lifecycle::refresh::{Ask, Decision, Refusal, Standpoint, decide};
use crate::lifecycle::transition;
use crate::oauth::client_authentication::Method;
use crate::oauth::http_fields::{date_of, retry_after};
use crate::oauth::identity_token;
use crate::oauth::jwt_bearer::Assertion;
use crate::oauth::proof::{ProofKey, nonce_of_server};
use crate::oauth::token::{Grant, TokenAnswer, TokenSet, read_token_answer, token_request};
use crate::ports::document::{self, Stored};
use crate::ports::event::Event;
use crate::ports::refresh_lock::RefreshPermit;
use crate::ports::store::{Commit, Expected, StoreError};
use crate::ports::upstream::{Request, Response, SendError};
use crate::provider::{Provider, Reuse};
use crate::secret::Secret;

/// How a renewal ended.
#[derive(Debug)]
pub(super) enum Renewal {
    /// The account as it is now; its access token serves.
    Fresh(Box<Stored<Account>>),
    /// No new token; the account as it is now says why.
    Refused {
        /// The account.
        account: Box<Stored<Account>>,
        /// Why.
        refusal: Refusal,
    },
    /// It could not be tried.
    Broken(HandOutError),
}

/// What the call brought.
enum Brought {
    Tokens {
        tokens: Box<TokenSet>,
        clock_skew: jiff::SignedDuration,
    },
    /// With what the answer told about the provider's clock.
    Failure {
        failure: Failure,
        told: jiff::SignedDuration,
    },
    Stranger {
        found: String,
    },
}

impl Engine {
    /// Renews the access token of `reference` while `permit` is held.
    pub(super) async fn renew(
        &self,
        permit: &dyn RefreshPermit,
        reference: &AccountReference,
        ask: &Ask,
    ) -> Renewal {
        // A fallback token or another clock may get a second call; more would be a storm.
        for is_first in [true, false] {
            match Box::pin(self.renew_once(permit, reference, ask, is_first)).await {
                Ok(Some(renewal)) => return renewal,
                Ok(None) => {}
                Err(error) => return Renewal::Broken(error),
            }
        }
        Renewal::Broken(HandOutError::Busy { reference: reference.clone() })
    }

    /// One call; `None` if the state changed so that the decision has to be made again.
    async fn renew_once(
        &self,
        permit: &dyn RefreshPermit,
        reference: &AccountReference,
        ask: &Ask,
        is_first: bool,
    ) -> Result<Option<Renewal>, HandOutError> {
        let stored = self.account(reference).await?;
        let decision = decide(&stored.document, ask, Standpoint::HoldingLock, self.now());
        tracing::debug!(account = %reference, ?decision, "refresh decided under the lock");
        match decision {
            Decision::Serve => return Ok(Some(Renewal::Fresh(Box::new(stored)))),
            Decision::Refuse(refusal) => {
                return Ok(Some(Renewal::Refused { account: Box::new(stored), refusal }));
            }
            Decision::Refresh { .. } => {}
        }
        let provider = self.provider_of(&stored.document).await?;
        // Held to the end: somebody who locks the vault meanwhile must not make the answer unstorable.
        let vault = self.vault().await?;
        let account = &stored.document;
        let credentials =
            self.open_in(&vault, SealedKind::Account, &account.reference.key(), &account.sealed)?;
        let assertion = self.assertion(account, &credentials)?;
        let request = self.refresh_request(&provider, account, &credentials, (assertion.as_ref(), None))?;
        if permit.remaining().is_some_and(|left| left < CALL_AND_SAVE) {
            return Err(HandOutError::Busy { reference: reference.clone() });
        }
        let Some(journaled) = self.open_journal(stored, &credentials).await? else { return Ok(None) };
        // The store may have been slow, or the machine asleep. Nothing was sent, so nothing is in doubt.
        if permit.remaining().is_some_and(|left| left < CALL_AND_SAVE) {
            let unsent = |account, _| transition::not_spent(account);
            self.settle(journaled, "account.refresh_put_off", unsent).await?;
            return Err(HandOutError::Busy { reference: reference.clone() });
        }
        let mut sent_at = self.now();
        let mut answer = self.ports.upstream.send(request, self.limits(&provider)).await;
        let has_time = permit.remaining().is_none_or(|left| left >= CALL_AND_SAVE);
        if let Some(nonce) = wanted_nonce(&answer, &credentials).filter(|_| has_time) {
            // Refused before anything was spent, and another proof is all that is missing.
            let nonce = Some(nonce.as_str());
            let account = &journaled.document;
            let again =
                self.refresh_request(&provider, account, &credentials, (assertion.as_ref(), nonce))?;
            sent_at = self.now();
            answer = self.ports.upstream.send(again, self.limits(&provider)).await;
        }
        let secrets: Vec<Secret> = credentials.secrets().cloned().chain(assertion).collect();
        let brought = self.judge(&provider, &journaled.document, &secrets, answer, sent_at);
        match brought {
            Brought::Tokens { tokens, clock_skew } => {
                let renewed =
                    self.keep(&vault, &provider, journaled, credentials, &tokens, clock_skew).await?;
                Ok(Some(Renewal::Fresh(Box::new(renewed))))
            }
            Brought::Stranger { found } => {
                let refused = self
                    .settle(journaled, "account.identity_refused", |account, now| {
                        transition::identity_refused(account, &found, now)
                    })
                    .await?;
                Ok(Some(refusal_of(refused, self.now())))
            }
            Brought::Failure { failure, told } => {
                let other_clock = other_clock(&journaled.document, &failure, told).filter(|_| is_first);
                let Some(clock_skew) = other_clock else {
                    return self.take_failure(journaled, credentials, &failure, ask).await;
                };
                let set = |account, _| transition::clock_set(account, clock_skew);
                self.settle(journaled, "account.clock_set", set).await?;
                Ok(None)
            }
        }
    }

    fn refresh_request(
        &self,
        provider: &Provider,
        account: &Account,
        credentials: &Credentials,
        (assertion, nonce): (Option<&Secret>, Option<&str>),
    ) -> Result<Request, HandOutError> {
        let request = |detail: String| HandOutError::Request { reference: account.reference.clone(), detail };
        let client = client_of(account, credentials).map_err(|error| request(error.to_string()))?;
        let scope = Some(&account.scope).filter(|scope| !scope.is_empty());
        let grant = match (account.renewal(), &credentials.refresh) {
            (Means::ClientCredentials, _) => Grant::ClientCredentials { scope },
            (Means::JwtBearer, _) => {
                let assertion =
                    assertion.ok_or_else(|| request("what is asserted is not recorded".into()))?;
                let asserted = account.assertion.as_ref().is_some_and(Assertion::names_scope);
                Grant::JwtBearer { assertion, scope: scope.filter(|_| !asserted) }
            }
            (_, Some(token)) => {
                Grant::RefreshToken { token, scope, redirect_uri: account.redirect_uri.as_deref() }
            }
            (_, None) => {
                return Err(request("the refresh token is missing from the sealed credentials".into()));
            }
        };
        let (now, random) = (self.provider_time(account), &*self.ports.random);
        let mut built = token_request(provider, &client, &grant, &account.resource, now, random)
            .map_err(|error| request(error.to_string()))?;
        if let Some(key) = &credentials.proof_key {
            let equipped = ProofKey::read(key).and_then(|key| key.equip(&mut built, now, nonce, random));
            equipped.map_err(|error| request(error.to_string()))?;
        }
        Ok(built)
    }

    /// A new assertion for a login that is made by assertions.
    fn assertion(
        &self,
        account: &Account,
        credentials: &Credentials,
    ) -> Result<Option<Secret>, HandOutError> {
        let (Some(assertion), Some(key)) = (&account.assertion, &credentials.assertion_key) else {
            return Ok(None);
        };
        let signed = assertion.sign(key, self.provider_time(account), &*self.ports.random);
        signed.map(Some).map_err(|error| HandOutError::Request {
            reference: account.reference.clone(),
            detail: error.to_string(),
        })
    }

    /// Now, by the provider's clock.
    pub(super) fn provider_time(&self, account: &Account) -> Timestamp {
        self.now().saturating_add(account.clock_skew).unwrap_or(Timestamp::MAX)
    }

    /// Makes the mark durable; `None` if the account changed meanwhile.
    async fn open_journal(
        &self,
        stored: Stored<Account>,
        credentials: &Credentials,
    ) -> Result<Option<Stored<Account>>, HandOutError> {
        let spent = credentials.refresh.as_ref().filter(|_| stored.document.renewal() == Means::RefreshToken);
        let Some(token) = spent.map(Secret::fingerprint) else {
            // Client credentials and assertions: nothing is spent, so nothing can be lost.
            return Ok(Some(stored));
        };
        let journaled = transition::open_journal(stored.document, token, self.now());
        let batch = document::put(self.batch(), &journaled, Expected::Version(stored.version))?;
        match self.ports.store.commit(batch).await?.value {
            Commit::Done(version) => Ok(Some(Stored { document: journaled, version })),
            Commit::Conflict { .. } => Ok(None),
        }
    }

    fn judge(
        &self,
        provider: &Provider,
        account: &Account,
        secrets: &[Secret],
        answer: Result<Response, SendError>,
        sent_at: Timestamp,
    ) -> Brought {
        let response = match answer {
            Ok(response) => response,
            Err(error) => {
                let failure = failure::from_send_error(&error);
                return Brought::Failure { failure, told: account.clock_skew };
            }
        };
        let now = self.now();
        let clock_skew =
            date_of(&response).map_or(account.clock_skew, |date| clock_skew::learn(sent_at, now, date));
        let (wait, status) = (retry_after(&response, now), response.status());
        let failed = |failure| Brought::Failure { failure, told: clock_skew };
        match read_token_answer(provider, &response, now, clock_skew) {
            TokenAnswer::Refused(error) => {
                let error = error.without(secrets);
                failed(failure::from_oauth_error(&provider.errors, status, &error, wait))
            }
            TokenAnswer::Unreadable(why) => {
                failed(failure::from_unreadable(&provider.errors, status, why, wait))
            }
            TokenAnswer::Issued(tokens) => match stranger(provider, account, &tokens) {
                Some(found) => Brought::Stranger { found },
                None => Brought::Tokens { tokens, clock_skew },
            },
        }
    }

    async fn take_failure(
        &self,
        journaled: Stored<Account>,
        credentials: Credentials,
        failure: &Failure,
        ask: &Ask,
    ) -> Result<Option<Renewal>, HandOutError> {
        let reference = journaled.document.reference.clone();
        tracing::debug!(account = %reference, ?failure, "refresh failed");
        if failure.class == Class::Permanent {
            let latest = self.account(&reference).await?;
            if !latest.document.has_tokens_of(&journaled.document) {
                // A sibling won: what was refused is no longer what we hold.
                return Ok(Some(match decide(&latest.document, ask, Standpoint::Outside, self.now()) {
                    Decision::Serve | Decision::Refresh { .. } => Renewal::Fresh(Box::new(latest)),
                    Decision::Refuse(refusal) => Renewal::Refused { account: Box::new(latest), refusal },
                }));
            }
            if failure.cause.kind == CauseKind::GrantRefused
                && let Some(fallback) = fallback(&journaled.document, credentials, self.now())
            {
                return self.fall_back_to(journaled, fallback).await.map(|()| None);
            }
        }
        let name = match failure.class {
            Class::Permanent => "account.login_required",
            Class::Transient => "account.refresh_failed",
        };
        let settled =
            self.settle(journaled, name, |account, now| transition::failed(account, failure, now)).await?;
        Ok(Some(refusal_of(settled, self.now())))
    }

    async fn fall_back_to(
        &self,
        journaled: Stored<Account>,
        credentials: Credentials,
    ) -> Result<(), HandOutError> {
        let reference = journaled.document.reference.clone();
        let Some(token) = credentials.refresh.as_ref().map(Secret::fingerprint) else { return Ok(()) };
        let sealed = self.seal(&reference.key(), &credentials).await?;
        self.settle(journaled, "account.fell_back", |account, now| {
            transition::fallen_back(account, token.clone(), sealed.clone(), now)
        })
        .await
        .map(|_| ())
    }

    /// Applies a change to the account as it is, as long as its tokens are the ones the change is about.
    async fn settle(
        &self,
        journaled: Stored<Account>,
        event: &str,
        change: impl Fn(Account, Timestamp) -> Account,
    ) -> Result<Stored<Account>, HandOutError> {
        let before = journaled.document.clone();
        let reference = before.reference.clone();
        let mut latest = journaled;
        while latest.document.has_tokens_of(&before) {
            let now = self.now();
            let account = change(latest.document.clone(), now);
            let mut event = Event::new(now, event, reference.to_string());
            if let Standing::NeedsLogin { cause, .. } = &account.standing {
                event = event.with("cause", cause.detail.clone());
            }
            if let Standing::Failing(failing) = &account.standing {
                event = event.with("cause", failing.cause.detail.clone()).with("attempts", failing.attempts);
            }
            match self.put_account(&account, Expected::Version(latest.version), event).await? {
                Commit::Done(version) => return Ok(Stored { document: account, version }),
                Commit::Conflict { .. } => latest = self.account(&reference).await?,
            }
        }
        Ok(latest)
    }

    pub(super) async fn put_account(
        &self,
        account: &Account,
        expected: Expected,
        event: Event,
    ) -> Result<Commit, StoreError> {
        let batch = document::put(self.batch(), account, expected)?.event(event);
        Ok(self.ports.store.commit(batch).await?.value)
    }
}

/// What the server wants to see in another proof, if the tokens are bound to a key (RFC 9449 §8).
fn wanted_nonce(answer: &Result<Response, SendError>, credentials: &Credentials) -> Option<String> {
    credentials.proof_key.as_ref()?;
    nonce_of_server(answer.as_ref().ok()?)
}

/// Whose tokens these are, if they are not the account's.
fn stranger(provider: &Provider, account: &Account, tokens: &TokenSet) -> Option<String> {
    if provider.identity.stable_id_path != "sub" {
        // The account is pinned to something else than identity tokens name.
        return None;
    }
    let pinned = account.identity.as_ref()?;
    let claims = identity_token::subject_of(tokens.id_token.as_ref()?)?;
    (claims.subject != pinned.subject).then(|| claims.email.unwrap_or(claims.subject))
}

/// Another clock worth trying after the provider refused an assertion, whose times it reads by its own.
fn other_clock(
    account: &Account,
    failure: &Failure,
    told: jiff::SignedDuration,
) -> Option<jiff::SignedDuration> {
    let is_refused = match failure.cause.kind {
        CauseKind::ClientRefused => account.client.method == Method::PrivateKeyJwt,
        // RFC 7523 §3.1: so an assertion is refused that is the grant itself.
        CauseKind::GrantRefused => account.renewal() == Means::JwtBearer,
        _ => false,
    };
    clock_skew::instead(account.clock_skew, told).filter(|_| is_refused)
}

/// Another refresh token worth trying after the one in use was refused, taken out of what is kept.
fn fallback(account: &Account, mut credentials: Credentials, now: Timestamp) -> Option<Credentials> {
    if let Some(spare) = credentials.spares.pop() {
        credentials.refresh = Some(spare);
        return Some(credentials);
    }
    let refresh = account.refresh.as_ref().filter(|refresh| !refresh.proven)?;
    let age = now.duration_since(refresh.issued_at).as_secs();
    let accepted = match account.policy.reuse {
        Reuse::Harmless | Reuse::UntilSuccessorUsed => true,
        Reuse::Grace { seconds } => u64::try_from(age).is_ok_and(|age| age < seconds),
        Reuse::Reject | Reuse::RevokeFamily | Reuse::Undeclared => false,
    };
    let previous = credentials.previous.take().filter(|_| accepted)?;
    credentials.refresh = Some(previous);
    Some(credentials)
}

/// Tells callers what the account's standing now says.
fn refusal_of(stored: Stored<Account>, now: Timestamp) -> Renewal {
    let refusal = match &stored.document.standing {
        Standing::NeedsLogin { cause, .. } => Refusal::LoginRequired(cause.clone()),
        Standing::Failing(failing) => {
            Refusal::TryLater { until: failing.next_try, cause: failing.cause.clone() }
        }
        Standing::Revoked { .. } => {
            Refusal::LoginRequired(failure::Cause::new(CauseKind::Revoked, "revoked"))
        }
        Standing::Active => Refusal::TryLater {
            until: now,
            cause: failure::Cause::new(CauseKind::Refused, "the tokens changed during the refresh"),
        },
    };
    Renewal::Refused { account: Box::new(stored), refusal }
}

/// A call of at most 30 s, and time to save its answer.
const CALL_AND_SAVE: Duration = Duration::from_secs(40);
/// Together with the pause, ten seconds: a full disk may be made room on, a busy one comes back.
const SAVE_ATTEMPTS: u32 = 20;
const SAVE_PAUSE: Duration = Duration::from_millis(500);

//! One call to the token endpoint on behalf of a login.

use jiff::{SignedDuration, Timestamp};

use super::machine::KeyedAssertion;
use super::{LoginError, LoginPlan};
use crate::engine::Engine;
use crate::lifecycle::clock_skew;
use crate::lifecycle::failure::{self, Cause};
use crate::oauth::client_authentication::Method;
use crate::oauth::error::{ErrorCode, OAuthError};
use crate::oauth::http_fields::{date_of, retry_after};
use crate::oauth::proof::{ProofKey, TOKEN_TYPE, nonce_of_server};
use crate::oauth::scope::Scope;
use crate::oauth::token::{Grant, TokenAnswer, TokenSet, read_token_answer, token_request};
use crate::secret::Secret;

/// Tokens fresh from the provider.
#[derive(Debug)]
pub(super) struct Exchanged {
    pub(super) tokens: TokenSet,
    pub(super) clock_skew: SignedDuration,
    /// What they were exchanged for, if that can be made again.
    pub(super) assertion: Option<KeyedAssertion>,
    /// The key that they are bound to.
    pub(super) proof_key: Option<Secret>,
}

impl Engine {
    /// Exchanges `grant` for tokens; sent once, and once more if the provider refused the client's assertion and its clock
    /// differs from ours: a client that was not accepted has used up nothing.
    pub(super) async fn exchange(
        &self,
        plan: &LoginPlan,
        grant: &Grant<'_>,
    ) -> Result<Exchanged, LoginError> {
        let new_key = plan.binds_tokens.then(ProofKey::generate).transpose()?;
        let key = new_key.as_ref().map(|(key, _)| key);
        let (answer, told) = self.exchange_once(plan, grant, key, SignedDuration::ZERO).await?;
        let (answer, clock_skew) = match clock_skew::instead(SignedDuration::ZERO, told) {
            Some(told) if is_refused_assertion(plan, grant, &answer) => {
                self.exchange_once(plan, grant, key, told).await?
            }
            _ => (answer, told),
        };
        let exchanged = concluded(plan, answer, clock_skew)?;
        // A server that knows nothing of keys has bound nothing.
        let is_bound = exchanged.tokens.token_type.eq_ignore_ascii_case(TOKEN_TYPE);
        let proof_key = new_key.map(|(_, kept)| kept).filter(|_| is_bound);
        Ok(Exchanged { proof_key, ..exchanged })
    }

    /// The same for an assertion, which is signed anew for every call.
    pub(super) async fn exchange_assertion(
        &self,
        plan: &LoginPlan,
        keyed: KeyedAssertion,
        scope: Option<&Scope>,
    ) -> Result<Exchanged, LoginError> {
        let mut ahead = SignedDuration::ZERO;
        loop {
            let dated = self.now().saturating_add(ahead).unwrap_or(Timestamp::MAX);
            let assertion = keyed.assertion.sign(&keyed.key, dated, &*self.ports.random)?;
            let grant = Grant::JwtBearer { assertion: &assertion, scope };
            let (answer, told) = self.exchange_once(plan, &grant, None, ahead).await?;
            match clock_skew::instead(ahead, told) {
                Some(other) if ahead.is_zero() && is_refused_assertion(plan, &grant, &answer) => {
                    ahead = other;
                }
                _ => {
                    let exchanged = concluded(plan, answer, told)?;
                    return Ok(Exchanged { assertion: Some(keyed), ..exchanged });
                }
            }
        }
    }

    /// One call, its assertion dated by a clock that is `ahead` of ours, and how far the provider's clock is ahead.
    async fn exchange_once(
        &self,
        plan: &LoginPlan,
        grant: &Grant<'_>,
        key: Option<&ProofKey>,
        ahead: SignedDuration,
    ) -> Result<(Answer, SignedDuration), LoginError> {
        let provider = &plan.provider;
        let sent_at = self.now();
        let dated = sent_at.saturating_add(ahead).unwrap_or(Timestamp::MAX);
        let mut nonce = None;
        let response = loop {
            let mut request =
                token_request(provider, &plan.client()?, grant, &plan.resource, dated, &*self.ports.random)
                    .map_err(|error| LoginError::Request { detail: error.to_string() })?;
            if let Some(key) = key {
                key.equip(&mut request, dated, nonce.as_deref(), &*self.ports.random)?;
            }
            let response = match self.ports.upstream.send(request, self.limits(provider)).await {
                Ok(response) => response,
                Err(error) => return Ok((Answer::Failed(failure::from_send_error(&error).cause), ahead)),
            };
            // RFC 9449 §8: once more with what it wants to see. Who asks for more than that gets nothing.
            match nonce_of_server(&response).filter(|_| key.is_some() && nonce.is_none()) {
                Some(wanted) => nonce = Some(wanted),
                None => break response,
            }
        };
        let now = self.now();
        let told =
            date_of(&response).map_or(SignedDuration::ZERO, |date| clock_skew::learn(sent_at, now, date));
        let answer = match read_token_answer(provider, &response, now, told) {
            TokenAnswer::Issued(tokens) => Answer::Issued(tokens),
            TokenAnswer::Refused(error) => {
                Answer::Refused(error.without(grant.secrets().chain(&plan.client_secret)))
            }
            TokenAnswer::Unreadable(why) => {
                let wait = retry_after(&response, now);
                Answer::Failed(failure::from_unreadable(&provider.errors, response.status(), why, wait).cause)
            }
        };
        Ok((answer, told))
    }
}

fn concluded(plan: &LoginPlan, answer: Answer, clock_skew: SignedDuration) -> Result<Exchanged, LoginError> {
    let provider = plan.provider.id.to_string();
    match answer {
        Answer::Issued(tokens) => {
            Ok(Exchanged { tokens: *tokens, clock_skew, assertion: None, proof_key: None })
        }
        Answer::Refused(error) => Err(LoginError::Refused { provider, error }),
        Answer::Failed(cause) => Err(LoginError::Unreachable { provider, cause }),
    }
}

/// What one call brought.
enum Answer {
    Issued(Box<TokenSet>),
    Refused(OAuthError),
    Failed(Cause),
}

fn is_refused_assertion(plan: &LoginPlan, grant: &Grant<'_>, answer: &Answer) -> bool {
    let Answer::Refused(error) = answer else { return false };
    match error.code {
        ErrorCode::InvalidClient => plan.client_method() == Method::PrivateKeyJwt,
        // RFC 7523 §3.1.
        ErrorCode::InvalidGrant => matches!(grant, Grant::JwtBearer { .. }),
        _ => false,
    }
}

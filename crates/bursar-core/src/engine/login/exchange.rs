//! One call to the token endpoint on behalf of a login.

use jiff::{SignedDuration, Timestamp};

use super::{LoginError, LoginPlan};
use crate::engine::Engine;
use crate::lifecycle::clock_skew;
use crate::lifecycle::failure::{self, Cause};
use crate::oauth::client_authentication::Method;
use crate::oauth::error::{ErrorCode, OAuthError};
use crate::oauth::http_fields::{date_of, retry_after};
use crate::oauth::token::{Grant, TokenAnswer, TokenSet, read_token_answer, token_request};

/// Tokens fresh from the provider.
#[derive(Debug)]
pub(super) struct Exchanged {
    pub(super) tokens: TokenSet,
    pub(super) clock_skew: SignedDuration,
}

impl Engine {
    /// Exchanges `grant` for tokens; sent once, and once more if the provider refused the client's assertion and its clock
    /// differs from ours: a client that was not accepted has used up nothing.
    pub(super) async fn exchange(
        &self,
        plan: &LoginPlan,
        grant: &Grant<'_>,
    ) -> Result<Exchanged, LoginError> {
        let (answer, told) = self.exchange_once(plan, grant, SignedDuration::ZERO).await?;
        let (answer, clock_skew) = match clock_skew::instead(SignedDuration::ZERO, told) {
            Some(told) if is_refused_assertion(plan, &answer) => {
                self.exchange_once(plan, grant, told).await?
            }
            _ => (answer, told),
        };
        let provider = plan.provider.id.to_string();
        match answer {
            Answer::Issued(tokens) => Ok(Exchanged { tokens: *tokens, clock_skew }),
            Answer::Refused(error) => Err(LoginError::Refused { provider, error }),
            Answer::Failed(cause) => Err(LoginError::Unreachable { provider, cause }),
        }
    }

    /// One call, its assertion dated by a clock that is `ahead` of ours, and how far the provider's clock is ahead.
    async fn exchange_once(
        &self,
        plan: &LoginPlan,
        grant: &Grant<'_>,
        ahead: SignedDuration,
    ) -> Result<(Answer, SignedDuration), LoginError> {
        let provider = &plan.provider;
        let sent_at = self.now();
        let dated = sent_at.saturating_add(ahead).unwrap_or(Timestamp::MAX);
        let request =
            token_request(provider, &plan.client()?, grant, &plan.resource, dated, &*self.ports.random)
                .map_err(|error| LoginError::Request { detail: error.to_string() })?;
        let response = match self.ports.upstream.send(request, self.limits(provider)).await {
            Ok(response) => response,
            Err(error) => return Ok((Answer::Failed(failure::from_send_error(&error).cause), ahead)),
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

/// What one call brought.
enum Answer {
    Issued(Box<TokenSet>),
    Refused(OAuthError),
    Failed(Cause),
}

fn is_refused_assertion(plan: &LoginPlan, answer: &Answer) -> bool {
    plan.client_method() == Method::PrivateKeyJwt
        && matches!(answer, Answer::Refused(error) if error.code == ErrorCode::InvalidClient)
}

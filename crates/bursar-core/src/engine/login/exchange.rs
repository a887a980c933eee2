//! One call to the token endpoint on behalf of a login.

use jiff::SignedDuration;

use super::{LoginError, LoginPlan};
use crate::engine::Engine;
use crate::lifecycle::clock_skew;
use crate::lifecycle::failure;
use crate::oauth::http_fields::{date_of, retry_after};
use crate::oauth::token::{Grant, TokenAnswer, TokenSet, read_token_answer, token_request};

/// Tokens fresh from the provider.
#[derive(Debug)]
pub(super) struct Exchanged {
    pub(super) tokens: TokenSet,
    pub(super) clock_skew: SignedDuration,
}

impl Engine {
    /// Exchanges `grant` for tokens; sent once.
    pub(super) async fn exchange(
        &self,
        plan: &LoginPlan,
        grant: &Grant<'_>,
    ) -> Result<Exchanged, LoginError> {
        let provider = &plan.provider;
        let name = provider.id.to_string();
        let sent_at = self.now();
        let request =
            token_request(provider, &plan.client()?, grant, &plan.resource, sent_at, &*self.ports.random)
                .map_err(|error| LoginError::Request { detail: error.to_string() })?;
        let response = self.ports.upstream.send(request, self.limits(provider)).await.map_err(|error| {
            LoginError::Unreachable { provider: name.clone(), cause: failure::from_send_error(&error).cause }
        })?;
        let now = self.now();
        let clock_skew =
            date_of(&response).map_or(SignedDuration::ZERO, |date| clock_skew::learn(sent_at, now, date));
        match read_token_answer(provider, &response, now, clock_skew) {
            TokenAnswer::Issued(tokens) => Ok(Exchanged { tokens: *tokens, clock_skew }),
            TokenAnswer::Refused(error) => Err(LoginError::Refused { provider: name, error }),
            TokenAnswer::Unreadable(why) => {
                let wait = retry_after(&response, now);
                let failure = failure::from_unreadable(&provider.errors, response.status(), why, wait);
                Err(LoginError::Unreachable { provider: name, cause: failure.cause })
            }
        }
    }
}

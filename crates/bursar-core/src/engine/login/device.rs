//! The device flow (RFC 8628): a short code here, a confirmation elsewhere, and patient polling in between.

use super::exchange::Exchanged;
use super::{LoggedIn, LoginError, LoginPlan};
use crate::engine::Engine;
use crate::lifecycle::account::LoginMethod;
use crate::lifecycle::{clock_skew, failure};
use crate::oauth::device::{
    DeviceAnswer, DeviceAuthorization, Poll, PollAnswer, PollStep, device_request, read_device_answer,
};
use crate::oauth::http_fields::date_of;
use crate::oauth::token::{Grant, read_token_answer, token_request};

impl Engine {
    /// Asks for a code to show.
    pub async fn begin_device(&self, plan: &LoginPlan) -> Result<DeviceAuthorization, LoginError> {
        let provider = &plan.provider;
        let name = provider.id.to_string();
        if provider.endpoints.device.is_none() {
            return Err(LoginError::NotOffered { provider: name, way: "device" });
        }
        let request = device_request(
            provider,
            &plan.client()?,
            Some(&plan.scope(LoginMethod::Device)),
            &plan.resource,
            self.now(),
            &*self.ports.random,
        )
        .map_err(|error| LoginError::Request { detail: error.to_string() })?;
        let response = self.ports.upstream.send(request, self.limits(provider)).await.map_err(|error| {
            LoginError::Unreachable { provider: name.clone(), cause: failure::from_send_error(&error).cause }
        })?;
        let device = match read_device_answer(&response, self.now()) {
            DeviceAnswer::Begun(device) => *device,
            DeviceAnswer::Refused(error) => {
                let error = error.without(&plan.client_secret);
                return Err(LoginError::Refused { provider: name, error });
            }
            DeviceAnswer::Unreadable(why) => {
                let cause = failure::from_unreadable(&provider.errors, response.status(), why, None).cause;
                return Err(LoginError::Unreachable { provider: name, cause });
            }
        };
        self.prove_storable(device.expires_at).await?;
        Ok(device)
    }

    /// Polls until the person has decided or the code has ended.
    pub async fn finish_device(
        &self,
        plan: &LoginPlan,
        device: &DeviceAuthorization,
    ) -> Result<LoggedIn, LoginError> {
        let mut poll = Poll::new(device);
        self.ports.clock.sleep(poll.first_wait()).await;
        loop {
            let (answer, skew) = self.poll_once(plan, device).await?;
            match poll.next(&plan.provider, answer, self.now()) {
                PollStep::Wait(pause) => self.ports.clock.sleep(pause).await,
                PollStep::Done(tokens) => {
                    let exchanged =
                        Exchanged { tokens: *tokens, clock_skew: skew, assertion: None, proof_key: None };
                    return self.record(plan, LoginMethod::Device, exchanged, None, None).await;
                }
                PollStep::Denied => return Err(LoginError::DeviceDenied),
                PollStep::Expired => return Err(LoginError::DeviceExpired),
                PollStep::Failed(error) => {
                    let error = error.without(plan.client_secret.iter().chain([&device.device_code]));
                    return Err(LoginError::Refused { provider: plan.provider.id.to_string(), error });
                }
            }
        }
    }

    async fn poll_once(
        &self,
        plan: &LoginPlan,
        device: &DeviceAuthorization,
    ) -> Result<(PollAnswer, jiff::SignedDuration), LoginError> {
        let provider = &plan.provider;
        let grant = Grant::DeviceCode { device_code: &device.device_code };
        let sent_at = self.now();
        let request =
            token_request(provider, &plan.client()?, &grant, &plan.resource, sent_at, &*self.ports.random)
                .map_err(|error| LoginError::Request { detail: error.to_string() })?;
        match self.ports.upstream.send(request, self.limits(provider)).await {
            Ok(response) => {
                let now = self.now();
                let skew = date_of(&response)
                    .map_or(jiff::SignedDuration::ZERO, |date| clock_skew::learn(sent_at, now, date));
                Ok((PollAnswer::Answer(read_token_answer(provider, &response, now, skew)), skew))
            }
            // A connection that fails while polling is retried, more and more slowly (RFC 8628 §3.5).
            Err(error) => {
                tracing::debug!(%error, "a device poll failed");
                Ok((PollAnswer::Unreachable, jiff::SignedDuration::ZERO))
            }
        }
    }
}

//! The device code grant (RFC 8628 §3.4).

use super::{Issued, Refusal, issue_first};
use crate::behaviour::RegisteredClient;
use crate::devices::PollRefusal;
use crate::request::Parameters;
use crate::state::Exchange;

pub(crate) fn poll(
    exchange: &mut Exchange<'_>,
    client: &RegisteredClient,
    form: &Parameters,
) -> Result<Issued, Refusal> {
    let device_code = form.value("device_code").ok_or_else(|| Refusal::invalid_request("no device_code"))?;
    let approval = exchange.state.behaviour.device.approval;
    let outcome = exchange.state.devices.poll(device_code, &client.id, exchange.now, approval);
    let mut grant = outcome.map_err(|refusal| match refusal {
        PollRefusal::Unknown => Refusal::invalid_grant("unknown device code"),
        PollRefusal::Pending => Refusal::new("authorization_pending", "the user has not answered yet"),
        PollRefusal::SlowDown => Refusal::new("slow_down", "polled before the interval was over"),
        PollRefusal::Denied => Refusal::new("access_denied", "the user said no"),
        PollRefusal::Expired => Refusal::new("expired_token", "the device code has expired"),
    })?;
    grant.identity = Some(exchange.state.behaviour.identity.clone());
    Ok(issue_first(exchange, grant).1)
}

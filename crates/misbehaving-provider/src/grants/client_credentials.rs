//! The client credentials grant (RFC 6749 §4.4): only for clients that can prove who they are, and without refresh token.

use super::{Issued, Refusal, issue_first};
use crate::behaviour::{ClientAuthentication, RegisteredClient};
use crate::ledger::Grant;
use crate::request::Parameters;
use crate::state::Exchange;

pub(crate) fn grant(
    exchange: &mut Exchange<'_>,
    client: &RegisteredClient,
    form: &Parameters,
) -> Result<Issued, Refusal> {
    let anybody = exchange.state.behaviour.client_authentication == ClientAuthentication::None;
    if client.is_public() && !anybody {
        return Err(Refusal::new("unauthorized_client", "a public client has no credentials"));
    }
    let grant = Grant {
        client: client.id.clone(),
        identity: None,
        scope: form.value("scope").unwrap_or_default().into(),
        resource: form.value("resource").map(str::to_owned),
        nonce: None,
    };
    Ok(issue_first(exchange, grant).1)
}

//! The JWT bearer grant (RFC 7523 §2.1). Any assertion with a subject is believed: who issues assertions is not our subject.

use super::{Issued, Refusal, issue_first};
use crate::behaviour::RegisteredClient;
use crate::jwt;
use crate::ledger::Grant;
use crate::request::Parameters;
use crate::state::Exchange;

pub(crate) fn grant(
    exchange: &mut Exchange<'_>,
    client: &RegisteredClient,
    form: &Parameters,
) -> Result<Issued, Refusal> {
    let assertion = form.value("assertion").ok_or_else(|| Refusal::invalid_request("no assertion"))?;
    let claims =
        jwt::unverified_claims(assertion).ok_or_else(|| Refusal::invalid_grant("the assertion is no JWT"))?;
    if claims.get("exp").and_then(serde_json::Value::as_i64).is_none_or(|end| end <= exchange.now.as_second())
    {
        return Err(Refusal::invalid_grant("the assertion has no end or is past it"));
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

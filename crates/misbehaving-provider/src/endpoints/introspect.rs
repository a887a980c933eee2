//! Token introspection (RFC 7662).

use serde_json::{Value, json};

use crate::answer::Answer;
use crate::client_authentication::authenticate;
use crate::grants::Refusal;
use crate::state::Exchange;
use crate::token_answer;

pub(crate) fn answer(exchange: &mut Exchange<'_>) -> Answer {
    match introspect(exchange) {
        Ok(members) => Answer::json(200, &members),
        Err(refusal) => token_answer::plainly_refused(&refusal),
    }
}

fn introspect(exchange: &mut Exchange<'_>) -> Result<Value, Refusal> {
    let form = exchange.request.form();
    authenticate(exchange, &form)?;
    let token = form.value("token").ok_or_else(|| Refusal::invalid_request("no token"))?;
    let ledger = &exchange.state.ledger;
    let policy = exchange.state.behaviour.token.reuse;
    let is_live = ledger.live_access(token, exchange.now).is_some()
        || ledger.is_refresh_live(token, exchange.now, policy);
    let Some(family) = ledger.family_of(token).filter(|_| is_live) else {
        return Ok(json!({ "active": false }));
    };
    let grant = ledger.grant(family);
    let subject = grant.identity.as_ref().map_or(&grant.client, |identity| &identity.sub);
    let mut members = json!({
        "active": true,
        "iss": exchange.issuer,
        "sub": subject,
        "client_id": grant.client,
        "scope": grant.scope,
    });
    if let Some(end) = ledger.access_expires_at(token) {
        members["token_type"] = json!("Bearer");
        members["exp"] = json!(end.as_second());
    }
    Ok(members)
}

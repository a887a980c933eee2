//! An API that wants an access token (RFC 6750), and its metadata (RFC 9728).

use serde_json::json;

use crate::answer::Answer;
use crate::ledger::Grant;
use crate::state::Exchange;

pub(crate) fn answer(exchange: &mut Exchange<'_>) -> Answer {
    if exchange.request.path() != "/resource" {
        let resource = format!("{}/resource", exchange.issuer);
        let members = json!({
            "resource": resource,
            "authorization_servers": [exchange.issuer],
            "bearer_methods_supported": ["header"],
        });
        return Answer::json(200, &members);
    }
    let Some(grant) = bearer_grant(exchange) else { return unauthorized(exchange) };
    let subject = grant.identity.map_or(grant.client, |identity| identity.sub);
    Answer::json(200, &json!({ "sub": subject, "scope": grant.scope }))
}

/// The grant behind the bearer token, if the token is good now.
pub(crate) fn bearer_grant(exchange: &mut Exchange<'_>) -> Option<Grant> {
    let token = exchange.request.authorization("Bearer")?;
    let family = exchange.state.ledger.use_access(token, exchange.now)?;
    Some(exchange.state.ledger.grant(family).clone())
}

/// 401 with the challenge of RFC 6750 §3 and the pointer of RFC 9728 §5.1; no error code for a call without a token.
pub(crate) fn unauthorized(exchange: &Exchange<'_>) -> Answer {
    let metadata =
        format!("resource_metadata=\"{}/.well-known/oauth-protected-resource/resource\"", exchange.issuer);
    if exchange.request.authorization("Bearer").is_none() {
        return Answer::empty(401).with_header("www-authenticate", format!("Bearer {metadata}"));
    }
    let challenge = format!("Bearer error=\"invalid_token\", {metadata}");
    Answer::json(401, &json!({ "error": "invalid_token" }))
        .with_header("www-authenticate", challenge)
        .with_outcome("invalid_token")
}

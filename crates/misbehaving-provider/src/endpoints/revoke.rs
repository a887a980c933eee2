//! Revocation: RFC 7009, and the `DELETE` dialect.

use serde_json::Value;

use crate::answer::Answer;
use crate::behaviour::RevocationStyle;
use crate::client_authentication::authenticate;
use crate::grants::Refusal;
use crate::request::Parameters;
use crate::state::Exchange;
use crate::token_answer;

pub(crate) fn answer(exchange: &mut Exchange<'_>) -> Answer {
    let is_standard_call = exchange.request.method() == "POST" && exchange.request.path() == "/revoke";
    match exchange.state.behaviour.revocation.style {
        RevocationStyle::Failing => Answer::empty(503),
        RevocationStyle::Rfc7009 if is_standard_call => {
            standard(exchange).unwrap_or_else(|refusal| refused(&refusal))
        }
        RevocationStyle::DeletePath if !is_standard_call => {
            delete(exchange).unwrap_or_else(|refusal| refused(&refusal))
        }
        RevocationStyle::Rfc7009 | RevocationStyle::DeletePath | RevocationStyle::Unsupported => {
            Answer::empty(404)
        }
    }
}

fn refused(refusal: &Refusal) -> Answer {
    token_answer::plainly_refused(refusal)
}

/// RFC 7009 §2.1: an unknown token is a success, one of another client is not.
fn standard(exchange: &mut Exchange<'_>) -> Result<Answer, Refusal> {
    let form = exchange.request.form();
    let client = authenticate(exchange, &form)?;
    let token = form.value("token").ok_or_else(|| Refusal::invalid_request("no token"))?;
    let ledger = &mut exchange.state.ledger;
    let Some(family) = ledger.family_of(token) else { return Ok(Answer::empty(200)) };
    if ledger.grant(family).client != client.id {
        return Err(Refusal::invalid_grant("the token belongs to another client"));
    }
    if ledger.is_refresh_token(token) {
        ledger.revoke_family(family);
    } else {
        ledger.revoke_access(token);
    }
    exchange.state.revocations += 1;
    Ok(Answer::empty(200))
}

fn delete(exchange: &mut Exchange<'_>) -> Result<Answer, Refusal> {
    let request = exchange.request;
    let client = authenticate(exchange, &Parameters::default())?;
    let path = request.path().strip_prefix("/applications/").and_then(|rest| rest.split_once('/'));
    let Some((client_id, what @ ("token" | "grant"))) = path else { return Ok(Answer::empty(404)) };
    let body = request.json().ok_or_else(|| Refusal::invalid_request("the body is not JSON"))?;
    let token = body.get("access_token").and_then(Value::as_str);
    let token = token.ok_or_else(|| Refusal::invalid_request("no access_token"))?;
    let ledger = &mut exchange.state.ledger;
    let family = ledger.family_of(token).filter(|&family| ledger.grant(family).client == client.id);
    let Some(family) = family.filter(|_| client.id == client_id) else { return Ok(Answer::empty(404)) };
    if what == "grant" {
        ledger.revoke_family(family);
    } else {
        ledger.revoke_access(token);
    }
    exchange.state.revocations += 1;
    Ok(Answer::empty(204))
}

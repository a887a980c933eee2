//! The token endpoint (RFC 6749 §3.2): reads the request, picks the grant, writes the answer.

use crate::answer::Answer;
use crate::behaviour::token::RequestFormat;
use crate::client_authentication::authenticate;
use crate::grants::{
    Issued, Refusal, authorization_code, client_credentials, device_code, jwt_bearer, refresh_token,
};
use crate::state::Exchange;
use crate::token_answer;

/// The grants that are understood.
pub(crate) const GRANT_TYPES: [&str; 5] = [
    "authorization_code",
    "refresh_token",
    "client_credentials",
    "urn:ietf:params:oauth:grant-type:device_code",
    "urn:ietf:params:oauth:grant-type:jwt-bearer",
];

pub(crate) fn answer(exchange: &mut Exchange<'_>) -> Answer {
    let outcome = grant(exchange);
    let behaviour = &exchange.state.behaviour.token;
    match outcome {
        Ok(issued) => token_answer::success(&issued, behaviour),
        Err(refusal) => token_answer::refused(&refusal, behaviour),
    }
}

fn grant(exchange: &mut Exchange<'_>) -> Result<Issued, Refusal> {
    let behaviour = &exchange.state.behaviour;
    let request = exchange.request;
    let understood = match behaviour.token.request_format {
        RequestFormat::Form => request.is_form(),
        RequestFormat::Json => request.is_json(),
        RequestFormat::Either => request.is_form() || request.is_json(),
    };
    if !understood {
        return Err(Refusal::invalid_request("the body has the wrong content type"));
    }
    let form = request.form();
    if behaviour.strict && form.repeated().is_some() {
        return Err(Refusal::invalid_request("a parameter was repeated"));
    }
    // RFC 6749 §2.3.1: credentials never travel in the address.
    if behaviour.strict && !request.query().pairs().is_empty() {
        return Err(Refusal::invalid_request("parameters belong in the body"));
    }
    let grant_type = form.value("grant_type").ok_or_else(|| Refusal::invalid_request("no grant_type"))?;
    let client = authenticate(exchange, &form)?;
    match grant_type {
        "authorization_code" => authorization_code::exchange_code(exchange, &client, &form),
        "refresh_token" => refresh_token::refresh(exchange, &client, &form),
        "client_credentials" => client_credentials::grant(exchange, &client, &form),
        "urn:ietf:params:oauth:grant-type:device_code" => device_code::poll(exchange, &client, &form),
        "urn:ietf:params:oauth:grant-type:jwt-bearer" => jwt_bearer::grant(exchange, &client, &form),
        _ => Err(Refusal::new("unsupported_grant_type", "no such grant")),
    }
}

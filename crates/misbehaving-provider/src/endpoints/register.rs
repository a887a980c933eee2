//! Dynamic client registration (RFC 7591), without questions.

use serde_json::{Value, json};

use crate::answer::Answer;
use crate::behaviour::RegisteredClient;
use crate::grants::Refusal;
use crate::state::Exchange;
use crate::{system, token_answer};

pub(crate) fn answer(exchange: &mut Exchange<'_>) -> Answer {
    if !exchange.state.behaviour.registration {
        return Answer::empty(404);
    }
    let Some(mut members) = exchange.request.json().filter(Value::is_object) else {
        let refusal = Refusal::new("invalid_client_metadata", "the body is no JSON object");
        return token_answer::plainly_refused(&refusal);
    };
    let uris = members.get("redirect_uris").and_then(Value::as_array).cloned().unwrap_or_default();
    // RFC 7591 §2: a client that does not say how it authenticates uses HTTP Basic, and so needs a secret.
    let method =
        members.get("token_endpoint_auth_method").and_then(Value::as_str).unwrap_or("client_secret_basic");
    let secret = (method != "none" && method != "private_key_jwt").then(|| exchange.state.mint("secret"));
    let client = RegisteredClient {
        id: format!("registered-{}", &system::random_text()[..12]),
        secret,
        key: members.pointer("/jwks/keys/0").cloned(),
        redirect_uris: uris.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
    };
    members["client_id"] = json!(client.id);
    members["client_id_issued_at"] = json!(exchange.now.as_second());
    if let Some(secret) = &client.secret {
        members["client_secret"] = json!(secret);
        members["client_secret_expires_at"] = json!(0);
    }
    exchange.state.behaviour.clients.push(client);
    Answer::json(201, &members)
}

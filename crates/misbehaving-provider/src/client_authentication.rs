//! Who is the client, and has it proven that (RFC 6749 §2.3, RFC 7521 §4.2, RFC 7523 §2.2).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use url::form_urlencoded;

use crate::behaviour::{ClientAuthentication, RegisteredClient};
use crate::grants::Refusal;
use crate::jwt;
use crate::request::{Parameters, Request};
use crate::state::Exchange;

const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// The client of a call to an endpoint where clients authenticate.
pub(crate) fn authenticate(
    exchange: &mut Exchange<'_>,
    form: &Parameters,
) -> Result<RegisteredClient, Refusal> {
    let behaviour = &exchange.state.behaviour;
    let (strict, required) = (behaviour.strict, behaviour.client_authentication);
    let proofs = proofs(exchange.request, form);
    if strict && proofs.len() > 1 {
        // RFC 6749 §2.3: not more than one method in one request.
        return Err(Refusal::invalid_request("two ways of client authentication at once"));
    }
    let proof = proofs.into_iter().next();
    let id = claimed_id(proof.as_ref(), form).ok_or_else(|| Refusal::invalid_client("no client_id"))?;
    if form.value("client_id").is_some_and(|parameter| parameter != id) {
        return Err(Refusal::invalid_client("client_id names another client"));
    }
    let client = behaviour.clients.iter().find(|client| client.id == id).cloned();
    let client = client.ok_or_else(|| Refusal::invalid_client("unknown client"))?;
    if client.is_public() {
        return match proof {
            Some(_) if strict => Err(Refusal::invalid_client("a public client has no secret")),
            _ => Ok(client),
        };
    }
    let Some(proof) = proof else {
        return match required {
            ClientAuthentication::None => Ok(client),
            _ => Err(Refusal::invalid_client("client authentication is missing")),
        };
    };
    if !proof.is_allowed(required) {
        return Err(Refusal::invalid_client("this way of client authentication is not allowed"));
    }
    if proof.proves(&client, exchange) {
        Ok(client)
    } else {
        Err(Refusal::invalid_client("client authentication failed"))
    }
}

/// The password of HTTP Basic, as the client wrote it, for the list of secrets.
pub(crate) fn basic_secret(request: &Request) -> Option<String> {
    basic(request).map(|(_, secret)| secret)
}

#[derive(Debug)]
enum Proof {
    Basic { id: String, secret: String },
    Post { secret: String },
    Assertion(String),
}

fn proofs(request: &Request, form: &Parameters) -> Vec<Proof> {
    let basic = basic(request).map(|(id, secret)| Proof::Basic { id, secret });
    let post = form.value("client_secret").map(|secret| Proof::Post { secret: secret.into() });
    let is_assertion = form.value("client_assertion_type") == Some(ASSERTION_TYPE);
    let assertion =
        form.value("client_assertion").filter(|_| is_assertion).map(|text| Proof::Assertion(text.into()));
    basic.into_iter().chain(post).chain(assertion).collect()
}

/// Id and secret of HTTP Basic; both are form-encoded inside (RFC 6749 §2.3.1).
fn basic(request: &Request) -> Option<(String, String)> {
    let credentials = String::from_utf8(STANDARD.decode(request.authorization("Basic")?).ok()?).ok()?;
    let (id, secret) = credentials.split_once(':')?;
    Some((form_decoded(id), form_decoded(secret)))
}

fn form_decoded(text: &str) -> String {
    form_urlencoded::parse(text.as_bytes()).next().map(|(name, _)| name.into_owned()).unwrap_or_default()
}

fn claimed_id(proof: Option<&Proof>, form: &Parameters) -> Option<String> {
    match proof {
        Some(Proof::Basic { id, .. }) => Some(id.clone()),
        Some(Proof::Assertion(assertion)) => {
            Some(jwt::unverified_claims(assertion)?.get("sub")?.as_str()?.to_owned())
        }
        Some(Proof::Post { .. }) | None => form.value("client_id").map(str::to_owned),
    }
}

impl Proof {
    fn is_allowed(&self, required: ClientAuthentication) -> bool {
        match required {
            ClientAuthentication::None | ClientAuthentication::Any => true,
            ClientAuthentication::Basic => matches!(self, Self::Basic { .. }),
            ClientAuthentication::Post => matches!(self, Self::Post { .. }),
            ClientAuthentication::PrivateKeyJwt => matches!(self, Self::Assertion(_)),
        }
    }

    fn proves(&self, client: &RegisteredClient, exchange: &mut Exchange<'_>) -> bool {
        match self {
            Self::Basic { secret, .. } | Self::Post { secret } => client.secret.as_ref() == Some(secret),
            Self::Assertion(assertion) => is_fresh_assertion(assertion, client, exchange).is_some(),
        }
    }
}

/// RFC 7523 §3: signed by the client, about the client, for us, still valid, and never seen before.
fn is_fresh_assertion(assertion: &str, client: &RegisteredClient, exchange: &mut Exchange<'_>) -> Option<()> {
    let claims = jwt::verified_claims(assertion, client.key.as_ref()?)?;
    let text = |name: &str| claims.get(name).and_then(Value::as_str);
    let right_party = text("iss") == Some(&client.id) && text("sub") == Some(&client.id);
    let ours = [exchange.issuer.to_owned(), format!("{}/token", exchange.issuer)];
    let audiences = match claims.get("aud")? {
        Value::Array(values) => values.iter().filter_map(Value::as_str).collect(),
        value => vec![value.as_str()?],
    };
    let right_audience = audiences.iter().any(|audience| ours.iter().any(|our| our == audience));
    let valid = claims.get("exp")?.as_i64()? > exchange.now.as_second();
    let unused = text("jti").filter(|_| right_party && right_audience && valid)?;
    exchange.state.used_assertions.insert(format!("{} {unused}", client.id)).then_some(())
}

//! Token introspection as a client asks for it (RFC 7662).

use jiff::Timestamp;

use super::client_authentication::Client;
use super::form::Parameters;
use super::signing::SigningError;
use crate::ports::random::Random;
use crate::ports::upstream::{Body, Request, Response};
use crate::provider::Provider;
use crate::secret::Secret;

/// A request about `token`; `None` if the provider has no endpoint for it (RFC 7662 §2.1).
pub fn introspection_request(
    provider: &Provider,
    client: &Client,
    token: &Secret,
    now: Timestamp,
    random: &dyn Random,
) -> Result<Option<Request>, SigningError> {
    let Some(url) = provider.endpoints.introspect.as_ref().and_then(|endpoint| endpoint.url().ok()) else {
        return Ok(None);
    };
    let mut parameters = Parameters::new();
    parameters.set("token", token.expose());
    let mut headers = http::HeaderMap::new();
    client.authenticate(&mut parameters, &mut headers, &provider.assertion_audience(&url), now, random)?;
    let mut request = http::Request::post(url.to_string())
        .header(http::header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .header(http::header::ACCEPT, "application/json");
    if let Some(all) = request.headers_mut() {
        all.extend(headers);
    }
    Ok(request.body(parameters.to_form()).ok())
}

/// Whether the token is active (RFC 7662 §2.2); `None` if the answer does not say.
pub fn read_introspection_answer(response: &Response) -> Option<bool> {
    if !response.status().is_success() {
        return None;
    }
    let body: &Body = response.body();
    serde_json::from_slice::<serde_json::Value>(body.expose()).ok()?.get("active")?.as_bool()
}

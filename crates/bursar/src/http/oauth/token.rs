//! What clients ask without a person: tokens, and what becomes of them.

use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use bursar_core::engine::issuer::answer::TokenAnswer;
use bursar_core::oauth::server::access_token::AccessToken;
use bursar_core::secret::Secret;
use http::{HeaderName, HeaderValue, StatusCode};
use jiff::Timestamp;
use serde::Serialize;
use serde_json::json;

use super::Issuing;
use super::failure::json;
use super::form::ClientForm;

/// Tokens for a grant (RFC 6749 §3.2).
pub(super) async fn token(State(issuing): State<Issuing>, form: ClientForm) -> Response {
    let request = form.request();
    let response = match issuing.server.token(&request).await {
        Ok(answer) => json(StatusCode::OK, &Answer::of(&answer, issuing.server.now())),
        Err(error) => form.failed(&issuing, &error),
    };
    with_nonce(&issuing, &form, response).await
}

/// Who proves keys learns the nonce for the next proof (RFC 9449 §8).
async fn with_nonce(issuing: &Issuing, form: &ClientForm, mut response: Response) -> Response {
    if form.request().proofs.is_empty() {
        return response;
    }
    let nonce = issuing.server.proof_nonce().await.ok().and_then(|nonce| HeaderValue::try_from(nonce).ok());
    if let Some(nonce) = nonce {
        response.headers_mut().insert(HeaderName::from_static("dpop-nonce"), nonce);
    }
    response
}

/// A request that is left before its user comes with it (RFC 9126).
pub(super) async fn push(State(issuing): State<Issuing>, form: ClientForm) -> Response {
    let request = form.request();
    let response = match issuing.server.push(&request).await {
        Ok(answer) => {
            let document = json!({ "request_uri": answer.request_uri.expose(), "expires_in": answer.expires_in.as_secs() });
            json(StatusCode::CREATED, &document)
        }
        Err(error) => form.failed(&issuing, &error),
    };
    with_nonce(&issuing, &form, response).await
}

/// What a resource may know of a token (RFC 7662).
pub(super) async fn introspect(State(issuing): State<Issuing>, form: ClientForm) -> Response {
    let request = form.request();
    match issuing.server.introspection(&request).await {
        Ok(Some(token)) => {
            json(StatusCode::OK, &Introspection::of(&token, issuing.server.rules().issuer.as_str()))
        }
        Ok(None) => json(StatusCode::OK, &json!({ "active": false })),
        Err(error) => form.failed(&issuing, &error),
    }
}

/// Ends a token (RFC 7009).
pub(super) async fn revoke(State(issuing): State<Issuing>, form: ClientForm) -> Response {
    let request = form.request();
    match issuing.server.revocation(&request).await {
        Ok(()) => StatusCode::OK.into_response(),
        Err(error) => form.failed(&issuing, &error),
    }
}

/// RFC 6749 §5.1.
#[derive(Serialize)]
struct Answer<'a> {
    access_token: &'a str,
    token_type: &'a str,
    expires_in: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_token: Option<&'a str>,
    scope: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    id_token: Option<&'a str>,
}

impl<'a> Answer<'a> {
    fn of(answer: &'a TokenAnswer, now: Timestamp) -> Self {
        Self {
            access_token: answer.access_token.expose(),
            token_type: answer.token_type.as_str(),
            // Tokens tell times in whole seconds, so their lifetime is counted in those.
            expires_in: (answer.expires_at.as_second() - now.as_second()).max(0),
            refresh_token: answer.refresh_token.as_ref().map(Secret::expose),
            scope: answer.scope.to_string(),
            id_token: answer.id_token.as_ref().map(Secret::expose),
        }
    }
}

/// RFC 7662 §2.2.
#[derive(Serialize)]
struct Introspection<'a> {
    active: bool,
    iss: &'a str,
    sub: &'a str,
    aud: &'a [String],
    client_id: &'a str,
    iat: i64,
    exp: i64,
    jti: &'a str,
    scope: String,
    token_type: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    auth_time: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cnf: Option<serde_json::Value>,
}

impl<'a> Introspection<'a> {
    fn of(token: &'a AccessToken, issuer: &'a str) -> Self {
        Self {
            active: true,
            iss: issuer,
            sub: &token.subject,
            aud: &token.audience,
            client_id: &token.client_id,
            iat: token.issued_at.as_second(),
            exp: token.expires_at.as_second(),
            jti: &token.id,
            scope: token.scope.to_string(),
            token_type: if token.key.is_some() { "DPoP" } else { "Bearer" },
            auth_time: token.authenticated_at.map(Timestamp::as_second),
            cnf: token.key.as_ref().map(|key| json!({ "jkt": key.as_str() })),
        }
    }
}

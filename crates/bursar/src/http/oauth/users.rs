//! What tokens tell about their users: claims (OIDC Core §5.3), and application sessions.

use axum::extract::{Request, State};
use axum::response::Response;
use bursar_core::engine::issuer::refusal::{IssueError, Refusal};
use bursar_core::engine::issuer::session_tokens::{SessionError, SessionProof};
use bursar_core::oauth::error::ErrorCode;
use bursar_core::oauth::server::server_metadata::Endpoint;
use http::{HeaderMap, StatusCode};
use serde_json::json;

use super::Issuing;
use super::failure::{failed, json, refused, told};
use super::form::form;
use crate::http::bearing::Bearing;
use crate::http::cause::{Cause, unasked};

/// Where applications fetch session tokens.
pub(super) const SESSION_TOKEN: &str = "/v1/session/token";

/// Who the user is.
pub(super) async fn userinfo(State(issuing): State<Issuing>, request: Request) -> Response {
    let url = Endpoint::UserInfo.url(&issuing.server.rules().issuer);
    let bearing = Bearing::of(request.method(), url, request.headers());
    match issuing.server.userinfo(&bearing.token()).await {
        Ok(claims) => json(StatusCode::OK, &claims),
        Err(IssueError::Refused(refusal)) => challenged(&issuing, &bearing, &refusal).await,
        Err(error) => failed(&issuing, &error, false),
    }
}

/// RFC 6750 §3.1.
async fn challenged(issuing: &Issuing, bearing: &Bearing, refusal: &Refusal) -> Response {
    let status = match refusal.code {
        ErrorCode::InsufficientScope => StatusCode::FORBIDDEN,
        _ => StatusCode::UNAUTHORIZED,
    };
    let response = if bearing.was_shown() {
        refused(issuing, status, refusal)
    } else {
        unasked(told(None, status, refusal))
    };
    bearing.challenged(&issuing.server, response, &refusal.code, None).await
}

/// A session token, for the cookie or the refresh token an application shows; never in an address.
pub(super) async fn session_token(State(issuing): State<Issuing>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let parameters = match form(&parts.headers, body, &[]).await {
        Ok(parameters) => parameters,
        Err(message) => {
            return failed(&issuing, &Refusal::new(ErrorCode::InvalidRequest, message).into(), false);
        }
    };
    let cookie = issuing.cookies.session(&parts.headers).filter(|_| is_own_page(&parts.headers));
    let proof = match (parameters.secret("refresh_token"), parameters.secret("session_token"), &cookie) {
        (Some(token), _, _) => SessionProof::RefreshToken(token),
        (None, Some(token), _) => SessionProof::SessionToken(token),
        (None, None, Some(cookie)) => SessionProof::Cookie(cookie),
        (None, None, None) => return unasked(over("nobody is signed in")),
    };
    match issuing.server.session_token(proof).await {
        Ok(answer) => json(
            StatusCode::OK,
            &json!({
                "access_token": answer.access_token.expose(),
                "token_type": "Bearer",
                "expires_in": answer.expires_in,
                "scope": answer.scope,
            }),
        ),
        Err(SessionError::Issue(error)) => failed(&issuing, &error, false),
        Err(error) => over(&error.to_string()),
    }
}

/// A page of another site may send the cookie along, but must not get a token for it.
fn is_own_page(headers: &HeaderMap) -> bool {
    headers.get("sec-fetch-site").is_none_or(|site| site == "same-origin" || site == "none")
}

fn over(description: &str) -> Response {
    let told =
        json!({ "error": "login_required", "error_description": description, "requires_reauth": true });
    let cause = Cause::of(Refusal::new(ErrorCode::LoginRequired, description));
    cause.on(json(StatusCode::UNAUTHORIZED, &told))
}

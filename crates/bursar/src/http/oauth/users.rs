//! What tokens tell about their users: claims (OIDC Core §5.3), and application sessions.

use axum::extract::{Request, State};
use axum::response::Response;
use bursar_core::engine::issuer::presented::PresentedToken;
use bursar_core::engine::issuer::refusal::{IssueError, Refusal};
use bursar_core::engine::issuer::session_tokens::{SessionError, SessionProof};
use bursar_core::oauth::error::ErrorCode;
use bursar_core::oauth::server::server_metadata::Endpoint;
use bursar_core::secret::Secret;
use http::header::{AUTHORIZATION, WWW_AUTHENTICATE};
use http::{HeaderMap, HeaderValue, StatusCode};
use serde_json::json;

use super::Issuing;
use super::failure::{failed, json};
use super::form::form;

/// Where applications fetch session tokens.
pub(super) const SESSION_TOKEN: &str = "/v1/session/token";

/// Who the user is.
pub(super) async fn userinfo(State(issuing): State<Issuing>, request: Request) -> Response {
    let headers = request.headers();
    let mut shown = headers.get_all(AUTHORIZATION).iter();
    let authorization = shown.next().and_then(|value| value.to_str().ok()).map(Secret::new);
    let proofs: Vec<String> =
        headers.get_all("dpop").iter().map(|value| value.to_str().unwrap_or_default().to_owned()).collect();
    let presented = PresentedToken {
        method: request.method().as_str(),
        url: &Endpoint::UserInfo.url(&issuing.server.rules().issuer),
        authorization: authorization.as_ref().filter(|_| shown.next().is_none()),
        proofs: &proofs,
    };
    match issuing.server.userinfo(&presented).await {
        Ok(claims) => json(StatusCode::OK, &claims),
        Err(IssueError::Refused(refusal)) => challenged(&refusal, authorization.is_some()),
        Err(error) => failed(&error, false),
    }
}

/// RFC 6750 §3.1: who shows nothing is told nothing but how.
fn challenged(refusal: &Refusal, was_shown: bool) -> Response {
    let status = match refusal.code {
        ErrorCode::InsufficientScope => StatusCode::FORBIDDEN,
        _ => StatusCode::UNAUTHORIZED,
    };
    let code = refusal.code.as_str();
    let mut response = json(status, &json!({ "error": code, "error_description": refusal.description }));
    let challenge = if was_shown { format!("Bearer error=\"{code}\"") } else { "Bearer".to_owned() };
    if let Ok(challenge) = HeaderValue::try_from(challenge) {
        response.headers_mut().append(WWW_AUTHENTICATE, challenge);
    }
    response
        .headers_mut()
        .append(WWW_AUTHENTICATE, HeaderValue::from_static("DPoP algs=\"ES256 EdDSA RS256\""));
    response
}

/// A session token, for the cookie or the refresh token an application shows; never in an address.
pub(super) async fn session_token(State(issuing): State<Issuing>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let parameters = match form(&parts.headers, body, &[]).await {
        Ok(parameters) => parameters,
        Err(message) => return failed(&Refusal::new(ErrorCode::InvalidRequest, message).into(), false),
    };
    let cookie = issuing.cookies.session(&parts.headers).filter(|_| is_own_page(&parts.headers));
    let proof = match (parameters.secret("refresh_token"), parameters.secret("session_token"), &cookie) {
        (Some(token), _, _) => SessionProof::RefreshToken(token),
        (None, Some(token), _) => SessionProof::SessionToken(token),
        (None, None, Some(cookie)) => SessionProof::Cookie(cookie),
        (None, None, None) => return over("nobody is signed in"),
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
        Err(SessionError::Issue(error)) => failed(&error, false),
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
    json(StatusCode::UNAUTHORIZED, &told)
}

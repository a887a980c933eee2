//! Who may look after the server: the bearer of an access token of its own.

use axum::extract::{FromRequestParts, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use bursar_core::engine::issuer::AuthorizationServer;
use bursar_core::engine::issuer::administration::admission::{Access, Administrator, AdmissionError};
use bursar_core::oauth::scope::Scope;
use bursar_core::oauth::server::resource_metadata::{
    ChallengeScheme, Refusal as TokenRefusal, ResourceChallenge,
};
use bursar_core::secret::Secret;
use http::header::{AUTHORIZATION, CACHE_CONTROL, WWW_AUTHENTICATE};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method};

use crate::exit::Failure;
use crate::http::refusal::Refusal;

/// Lets a request in if its token is good enough, and notes whose it is.
pub(super) async fn admit(
    State(server): State<AuthorizationServer>,
    mut request: Request,
    next: Next,
) -> Response {
    let access = match *request.method() {
        Method::GET | Method::HEAD => Access::Read,
        _ => Access::Change,
    };
    let Some(shown) = bearer(request.headers()) else { return challenged(access, None) };
    match server.administrator(&shown, access).await {
        Ok(administrator) => {
            request.extensions_mut().insert(Admitted(administrator));
            let mut response = next.run(request).await;
            // Secrets are told in some of the answers.
            response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
            response
        }
        Err(AdmissionError::InvalidToken) => challenged(access, Some(TokenRefusal::InvalidToken)),
        Err(AdmissionError::InsufficientScope { .. }) => {
            challenged(access, Some(TokenRefusal::InsufficientScope))
        }
        Err(AdmissionError::Issue(error)) => {
            tracing::warn!(%error, "a request could not be judged");
            Refusal::from(Failure::from(error)).into_response()
        }
    }
}

/// The server in the hands of whoever calls.
#[derive(Debug)]
pub(super) struct Acting(pub(super) AuthorizationServer);

#[derive(Clone, Debug)]
struct Admitted(Administrator);

impl FromRequestParts<AuthorizationServer> for Acting {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, server: &AuthorizationServer) -> Result<Self, Response> {
        // Without the door before it a handler does nothing for anybody.
        let admitted = parts.extensions.get::<Admitted>().ok_or_else(|| challenged(Access::Change, None))?;
        Ok(Self(server.acting_as(admitted.0.id.as_str())))
    }
}

/// RFC 6750 §2.1. Exactly one header counts.
fn bearer(headers: &HeaderMap) -> Option<Secret> {
    let mut all = headers.get_all(AUTHORIZATION).iter();
    let (header, None) = (all.next()?.to_str().ok()?, all.next()) else { return None };
    let (scheme, token) = header.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| Secret::new(token.trim()))
}

/// RFC 6750 §3.
fn challenged(access: Access, refusal: Option<TokenRefusal<'_>>) -> Response {
    let scope = Scope::parse(access.scope()).ok();
    let challenge = ResourceChallenge {
        scheme: ChallengeScheme::Bearer,
        resource_metadata: None,
        scope: scope.as_ref(),
        refusal,
    };
    let (error, message) = match refusal {
        Some(TokenRefusal::InsufficientScope) => ("denied", "the access token does not allow this"),
        Some(_) => ("unauthorized", "the access token has ended, was revoked, or is not for this"),
        None => ("unauthorized", "an access token of this server is needed"),
    };
    let hint = format!("get a token with the scope {} from this server", access.scope());
    let mut response = Refusal::new(challenge.status(), error, message).hint(&hint).into_response();
    response.headers_mut().insert(WWW_AUTHENTICATE, challenge.to_header());
    response
}

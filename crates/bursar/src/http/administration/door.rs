//! Who may look after the server: whoever presents an access token of its own, with proof where it is bound to a key.

use axum::extract::{FromRequestParts, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use bursar_core::engine::issuer::AuthorizationServer;
use bursar_core::engine::issuer::administration::admission::{Access, Administrator};
use bursar_core::engine::issuer::refusal::{IssueError, Refusal as IssueRefusal};
use bursar_core::engine::sandboxes::{Sandbox, Sandboxes};
use bursar_core::oauth::error::ErrorCode;
use bursar_core::oauth::scope::Scope;
use http::header::CACHE_CONTROL;
use http::request::Parts;
use http::{HeaderValue, Method, StatusCode};

use crate::exit::Failure;
use crate::http::bearing::Bearing;
use crate::http::cause::{Cause, unasked};
use crate::http::refusal::Refusal;
use crate::sandboxes::SandboxServers;

/// Lets a request in if its token is good enough, and notes whose it is.
pub(super) async fn admit(
    State(server): State<AuthorizationServer>,
    request: Request,
    next: Next,
) -> Response {
    let access = match *request.method() {
        Method::GET | Method::HEAD => Access::Read,
        _ => Access::Change,
    };
    admitted(&server, access, request, next).await
}

/// The same for all that is about sandboxes.
pub(super) async fn admit_to_sandboxes(
    State(server): State<AuthorizationServer>,
    request: Request,
    next: Next,
) -> Response {
    admitted(&server, Access::Sandboxes, request, next).await
}

async fn admitted(
    server: &AuthorizationServer,
    access: Access,
    mut request: Request,
    next: Next,
) -> Response {
    let bearing = Bearing::of(request.method(), url_of(server, &request), request.headers());
    match server.administrator(&bearing.token(), access).await {
        Ok(administrator) => {
            request.extensions_mut().insert(Admitted(administrator));
            let mut response = next.run(request).await;
            // Secrets are told in some of the answers.
            response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
            response
        }
        Err(IssueError::Refused(refusal)) => {
            let response = refused(access, &bearing, &refusal);
            let scope = Scope::parse(access.scope()).ok();
            bearing.challenged(server, response, &refusal.code, scope.as_ref()).await
        }
        Err(error) => {
            tracing::warn!(%error, "a request could not be judged");
            Cause::of(error.to_refusal()).on(Refusal::from(Failure::from(error)).into_response())
        }
    }
}

/// The address as the world knows it, which is what a proof is made for (RFC 9449 §4.3).
fn url_of(server: &AuthorizationServer, request: &Request) -> String {
    // The issuer's own path is cut off before a request comes here.
    format!("{}{}", server.rules().issuer.as_str().trim_end_matches('/'), request.uri().path())
}

/// The server in the hands of whoever calls.
#[derive(Debug)]
pub(super) struct Acting(pub(super) AuthorizationServer);

/// Sandboxes in the hands of whoever calls.
#[derive(Debug)]
pub(super) struct ActingOnSandboxes {
    /// The records of all of them.
    pub(super) sandboxes: Sandboxes,
    /// Their servers.
    pub(super) servers: SandboxServers,
    actor: String,
}

impl ActingOnSandboxes {
    /// The server of one of them, in the same hands.
    pub(super) fn server_of(&self, sandbox: &Sandbox) -> Option<AuthorizationServer> {
        self.servers.of(sandbox).map(|server| server.acting_as(self.actor.as_str()))
    }
}

impl FromRequestParts<SandboxServers> for ActingOnSandboxes {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, servers: &SandboxServers) -> Result<Self, Response> {
        let admitted = parts.extensions.get::<Admitted>();
        let actor = admitted.ok_or_else(|| StatusCode::UNAUTHORIZED.into_response())?.0.id.clone();
        let engine = servers.around().engine().clone();
        let sandboxes = Sandboxes::new(engine).acting_as(actor.as_str());
        Ok(Self { sandboxes, servers: servers.clone(), actor })
    }
}

#[derive(Clone, Debug)]
struct Admitted(Administrator);

impl FromRequestParts<AuthorizationServer> for Acting {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, server: &AuthorizationServer) -> Result<Self, Response> {
        // Without the door before it a handler does nothing for anybody.
        let admitted = parts.extensions.get::<Admitted>();
        let admitted = admitted.ok_or_else(|| StatusCode::UNAUTHORIZED.into_response())?;
        Ok(Self(server.acting_as(admitted.0.id.as_str())))
    }
}

fn refused(access: Access, bearing: &Bearing, refusal: &IssueRefusal) -> Response {
    let (status, error, message) = match refusal.code {
        ErrorCode::InsufficientScope => {
            (StatusCode::FORBIDDEN, "denied", "the access token does not allow this")
        }
        ErrorCode::InvalidDpopProof | ErrorCode::UseDpopNonce => {
            (StatusCode::UNAUTHORIZED, "unauthorized", "the proof of the access token's key does not hold")
        }
        _ if bearing.was_shown() => (
            StatusCode::UNAUTHORIZED,
            "unauthorized",
            "the access token has ended, was revoked, or is not for this",
        ),
        _ => (StatusCode::UNAUTHORIZED, "unauthorized", "an access token of this server is needed"),
    };
    let hint = format!("get a token with the scope {} from this server", access.scope());
    let response = Refusal::new(status, error, message).hint(&hint).into_response();
    if bearing.was_shown() { Cause::of(refusal.clone()).on(response) } else { unasked(response) }
}

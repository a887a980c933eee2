//! Why a request to the authorization server got nothing: goes with the answer to the door of the server, where it is
//! noted for `bursar explain`.
//!
//! Its name is told in the header [`CORRELATION_ID`] of every refusal, and by whoever builds the answer wherever a person
//! may look. What is a step of a protocol, such as asking again for a device, is nobody's question and is not noted.

use axum::response::Response;
use bursar_core::engine::issuer::AuthorizationServer;
use bursar_core::engine::issuer::exchange::Source;
use bursar_core::engine::issuer::refusal::Refusal;
use bursar_core::oauth::error::ErrorCode;
use http::{HeaderName, HeaderValue, StatusCode};

use crate::server;

/// The header with the name of a refusal.
const CORRELATION_ID: HeaderName = HeaderName::from_static("bursar-correlation-id");

/// Why a request got nothing.
#[derive(Clone, Debug)]
pub(super) struct Cause {
    refusal: Refusal,
    client: Option<String>,
    name: Option<String>,
}

impl Cause {
    /// It was refused.
    pub(super) fn of(refusal: Refusal) -> Self {
        Self { refusal, client: None, name: None }
    }

    /// The same with a name already, for an answer that tells it in its own words too.
    pub(super) fn named(self, server: &AuthorizationServer) -> Self {
        let name = (!self.refusal.is_ordinary()).then(|| server.name_refusal());
        Self { name, ..self }
    }

    /// The same for whoever knows which client asked, or says so.
    pub(super) fn of_client(self, client: Option<String>) -> Self {
        Self { client, ..self }
    }

    /// Its name, if it has one already.
    pub(super) fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// `response` with the cause, for `noted`.
    pub(super) fn on(self, mut response: Response) -> Response {
        if !self.refusal.is_ordinary() {
            response.extensions_mut().insert(self);
        }
        response
    }
}

/// Adds which client asked to an answer that is a refusal and does not know.
pub(super) fn asked_by(mut response: Response, client: impl FnOnce() -> Option<String>) -> Response {
    if let Some(cause) = response.extensions_mut().get_mut::<Cause>()
        && cause.client.is_none()
    {
        cause.client = client();
    }
    response
}

/// Takes the cause off an answer to somebody who has only asked how to ask.
pub(super) fn unasked(mut response: Response) -> Response {
    response.extensions_mut().remove::<Cause>();
    response
}

/// Notes the cause of whatever answer has one, and tells its name. `path` is what was asked for, without its query.
pub(crate) fn noted(
    server: &AuthorizationServer,
    mut response: Response,
    path: &str,
    source: &server::Source,
) -> Response {
    let cause = response.extensions_mut().remove::<Cause>();
    let Some(cause) = cause.or_else(|| unexplained(response.status())) else { return response };
    let name = cause.name.unwrap_or_else(|| server.name_refusal());
    let source = Source {
        address: Some(source.address),
        user_agent: source.user_agent().map(str::to_owned),
        ..Source::default()
    };
    server.note_refusal(&name, path, &cause.refusal, cause.client.as_deref(), &source);
    if let Ok(value) = HeaderValue::try_from(name) {
        response.headers_mut().insert(CORRELATION_ID, value);
    }
    response
}

/// No answer of ours is a mistake of ours without a word about it.
fn unexplained(status: StatusCode) -> Option<Cause> {
    status.is_server_error().then(|| {
        let reason = format!("the answer had the status {status}; the log tells more");
        Cause::of(Refusal::new(ErrorCode::ServerError, "something went wrong").because(reason))
    })
}

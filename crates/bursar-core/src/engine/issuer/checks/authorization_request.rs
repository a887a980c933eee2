//! Whether an authorization request says what it must and nothing it must not.

use super::Inquiry;
use crate::engine::issuer::AuthorizationServer;
use crate::engine::issuer::refusal::{IssueError, Refusal};
use crate::oauth::error::ErrorCode;
use crate::oauth::server::authorization_request::{AuthorizationRequest, WhoAndWhere};

/// Reads the request.
#[expect(clippy::unused_async, reason = "every check of the table has one form")]
pub(super) async fn check(
    _server: &AuthorizationServer,
    inquiry: &mut Inquiry<'_>,
) -> Result<(), IssueError> {
    // Where the answer goes was looked at before, but its parameters must also fit into an answer.
    WhoAndWhere::read(inquiry.parameters)
        .map_err(|error| Refusal::new(ErrorCode::InvalidRequest, error.to_string()))?;
    let request = AuthorizationRequest::read(inquiry.parameters)
        .map_err(|error| Refusal::new(error.code(), error.to_string()))?;
    inquiry.request = Some(request);
    Ok(())
}

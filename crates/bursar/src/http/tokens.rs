//! Handing out and refreshing.

use std::path::Path;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use bursar_core::lifecycle::refresh::Ask;
use bursar_core::secret::Secret;
use jiff::SignedDuration;

use super::Api;
use super::extract::{Body, Named};
use super::refusal::Refusal;
use super::wire::{FailureDocument, RefreshRequest, TokenDocument, TokenRequest};
use crate::context::Surroundings;
use crate::desk::{Desk, HandedOut};
use crate::exit::Failure;

/// Hand out an access token.
#[utoipa::path(
    post,
    path = "/v1/accounts/{account}/token",
    params(("account" = String, Path, description = "A reference, provider, nickname or identity")),
    request_body = TokenRequest,
    responses(
        (status = 200, description = "The token", body = TokenDocument<'_>),
        (status = 404, description = "No such account", body = FailureDocument),
        (status = 409, description = "A person has to log in", body = FailureDocument),
        (status = 423, description = "The vault is locked", body = FailureDocument),
        (status = 503, description = "Not now", body = FailureDocument),
    )
)]
pub(super) async fn hand_out(
    State(api): State<Api>,
    Named(account): Named,
    Body(request): Body<TokenRequest>,
) -> Result<Response, Refusal> {
    let handed = handed_out(&api.desk, &account, &request).await;
    let handed = handed.map_err(|failure| Refusal::from(failure).of_vault(api.desk.engine().is_locked()))?;
    Ok(Json(TokenDocument::of(&handed, api.desk.now())).into_response())
}

/// Refresh an account now, whatever the windows say.
#[utoipa::path(
    post,
    path = "/v1/accounts/{account}/refresh",
    params(("account" = String, Path, description = "A reference, provider, nickname or identity")),
    request_body = RefreshRequest,
    responses(
        (status = 204, description = "Refreshed"),
        (status = 404, description = "No such account", body = FailureDocument),
        (status = 409, description = "A person has to log in", body = FailureDocument),
        (status = 423, description = "The vault is locked", body = FailureDocument),
        (status = 503, description = "Not now", body = FailureDocument),
    )
)]
pub(super) async fn refresh(
    State(api): State<Api>,
    Named(account): Named,
    Body(request): Body<RefreshRequest>,
) -> Result<http::StatusCode, Refusal> {
    let account = api.desk.resolve(&account, &nowhere()).await?;
    let refreshed = api.desk.refresh(&account.reference, patience(request.wait)).await;
    refreshed.map_err(|failure| Refusal::from(failure).of_vault(api.desk.engine().is_locked()))?;
    Ok(http::StatusCode::NO_CONTENT)
}

/// What the request asks for, from the desk.
pub(super) async fn handed_out(
    desk: &Desk,
    account: &str,
    request: &TokenRequest,
) -> Result<HandedOut, Failure> {
    let surroundings = || surroundings(request);
    if request.unchecked {
        let account = desk.resolve(account, &surroundings()).await?;
        return desk.hand_out_unchecked(&account.reference).await;
    }
    let rejected = request.rejected.as_ref().map(Secret::fingerprint);
    let ask = Ask {
        min_valid: request.min_valid.map(|seconds| SignedDuration::from_secs(seconds.into())),
        rejected: rejected.or_else(|| request.rejected_fingerprint.clone()),
        ..Ask::default()
    };
    desk.hand_out_named(account, surroundings, &ask, patience(request.wait)).await
}

/// Where the caller says it is. What it does not say is not known, and a rule that depends on it is refused instead of
/// passed over.
fn surroundings(request: &TokenRequest) -> Surroundings {
    Surroundings::of_caller(request.directory.as_deref().map(Path::new), &request.environment)
}

/// Where a caller is who does not say.
pub(super) fn nowhere() -> Surroundings {
    surroundings(&TokenRequest::default())
}

fn patience(seconds: Option<u32>) -> Duration {
    seconds.map_or(DEFAULT_PATIENCE, |seconds| Duration::from_secs(seconds.into()))
}

/// As long as a person waits.
const DEFAULT_PATIENCE: Duration = Duration::from_secs(30);

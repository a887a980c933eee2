//! Handing out and refreshing.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body as AnswerBody;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use bursar_core::engine::broker::HandOut;
use bursar_core::lifecycle::account::Generation;
use bursar_core::lifecycle::reference::AccountReference;
use bursar_core::lifecycle::refresh::Ask;
use bursar_core::secret::Secret;
use http::HeaderValue;
use http::header::CONTENT_TYPE;
use jiff::SignedDuration;

use super::Api;
use super::extract::{Body, Named};
use super::failures::OpensTokens;
use super::refusal::Refusal;
use super::wire::{RefreshRequest, TokenDocument, TokenRequest};
use crate::context::Surroundings;
use crate::desk::Desk;
use crate::exit::{Exit, Failure};

/// Hand out an access token
///
/// It lives at least as long as was asked for; it is refreshed for that if need be. A token that the caller saw refused
/// is not handed out again.
#[utoipa::path(
    post,
    path = "/v1/accounts/{account}/token",
    operation_id = "hand_out_token",
    tag = "tokens",
    params(("account" = String, Path, description = "A reference, provider, nickname or identity")),
    request_body = TokenRequest,
    responses((status = 200, description = "The token", body = TokenDocument<'_>), OpensTokens)
)]
pub(super) async fn hand_out(
    State(api): State<Api>,
    Named(account): Named,
    Body(request): Body<TokenRequest>,
) -> Result<Response, Refusal> {
    let handed = handed_out(&api.desk, &account, &request).await;
    let handed = handed.map_err(|failure| Refusal::from(failure).of_vault(api.desk.engine().is_locked()))?;
    Ok(TokenDocument::of(&handed, api.desk.now()).into_response())
}

/// Refresh an account now, whatever the windows say
#[utoipa::path(
    post,
    path = "/v1/accounts/{account}/refresh",
    operation_id = "refresh_account",
    tag = "tokens",
    params(("account" = String, Path, description = "A reference, provider, nickname or identity")),
    request_body = RefreshRequest,
    responses((status = 204, description = "Refreshed"), OpensTokens)
)]
pub(super) async fn refresh(
    State(api): State<Api>,
    Named(account): Named,
    Body(request): Body<RefreshRequest>,
) -> Result<http::StatusCode, Refusal> {
    let account = api.desk.resolve(&account, &nowhere()).await?;
    let generation = request.newer_than.map_or(account.generation, Generation);
    let refreshed = api.desk.refresh_after(&account.reference, generation, patience(request.wait)).await;
    refreshed.map_err(|failure| Refusal::from(failure).of_vault(api.desk.engine().is_locked()))?;
    Ok(http::StatusCode::NO_CONTENT)
}

/// What the request asks for, from the desk.
pub(super) async fn handed_out(
    desk: &Desk,
    account: &str,
    request: &TokenRequest,
) -> Result<Arc<HandOut>, Failure> {
    let surroundings = || surroundings(request);
    if request.unchecked {
        let account = desk.resolve(account, &surroundings()).await?;
        return desk.hand_out_unchecked(&account.reference).await;
    }
    desk.hand_out_named(account, surroundings, &ask(request)?, patience(request.wait)).await
}

/// The same of one account and no other, whatever is like its name.
pub(super) async fn handed_out_of(
    desk: &Desk,
    reference: &AccountReference,
    request: &TokenRequest,
) -> Result<Arc<HandOut>, Failure> {
    if request.unchecked {
        return desk.hand_out_unchecked(reference).await;
    }
    desk.hand_out(reference, &ask(request)?, patience(request.wait)).await
}

fn ask(request: &TokenRequest) -> Result<Ask, Failure> {
    if request.rejected_fingerprint.as_ref().is_some_and(|print| print.to_string().len() != FINGERPRINT) {
        // It would fit no token, and the refused one would come back as if it were good.
        return Err(Failure::new(Exit::Usage, "`rejected_fingerprint` is not the fingerprint of a token")
            .hint("see /v1/openapi.json"));
    }
    let rejected = request.rejected.as_ref().map(Secret::fingerprint);
    Ok(Ask {
        min_valid: request.min_valid.map(|seconds| SignedDuration::from_secs(seconds.into())),
        rejected: rejected.or_else(|| request.rejected_fingerprint.clone()),
        ..Ask::default()
    })
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

impl IntoResponse for TokenDocument<'_> {
    fn into_response(self) -> Response {
        // Most documents fit in here, and the answer that is asked for most does not grow its buffer on the way.
        let mut text = Vec::with_capacity(USUAL_DOCUMENT);
        // A buffer takes everything, and the document has no keys that JSON cannot have.
        let _always = serde_json::to_writer(&mut text, &self);
        let mut answer = Response::new(AnswerBody::from(text));
        answer.headers_mut().insert(CONTENT_TYPE, JSON);
        answer
    }
}

/// With a token as long as those of large providers.
const USUAL_DOCUMENT: usize = 2 * 1024;
const JSON: HeaderValue = HeaderValue::from_static("application/json");
/// As long as a person waits.
const DEFAULT_PATIENCE: Duration = Duration::from_secs(30);
/// 128 bits in base64url.
const FINGERPRINT: usize = 22;

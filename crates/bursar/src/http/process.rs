//! The process that serves the API: how it is doing, and what it can be told.

use std::fmt;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bursar_core::ports::key_source::MasterKey;
use bursar_core::secret::Secret;
use futures::future::BoxFuture;
use http::StatusCode;
use zeroize::Zeroizing;

use super::Api;
use super::extract::Body;
use super::failures::UsesTheStore;
use super::refusal::Refusal;
use super::wire::{AgentDocument, FailureDocument, UnlockRequest};
use crate::config::Config;
use crate::config::environment::Environment;
use crate::exit::Failure;

/// What the API wants of the process it runs in.
pub trait Host: Send + Sync + fmt::Debug {
    /// How it is doing.
    fn show(&self) -> BoxFuture<'_, Result<AgentDocument, Failure>>;

    /// The configuration in force.
    fn config(&self) -> Arc<Config>;

    /// The process's environment.
    fn environment(&self) -> &Environment;

    /// Ends it after the work under way.
    fn stop(&self);

    /// Opens the vault, with a key that a person has opened or the one it fetches itself.
    fn unlock(&self, key: Option<MasterKey>) -> BoxFuture<'_, Result<(), Failure>>;

    /// Forgets the key.
    fn lock(&self) -> BoxFuture<'_, Result<(), Failure>>;
}

/// Tell how the agent is doing
#[utoipa::path(
    get,
    path = "/v1/agent",
    operation_id = "show_agent",
    tag = "agent",
    responses((status = 200, description = "How it is doing", body = AgentDocument), UsesTheStore)
)]
pub(super) async fn show(State(api): State<Api>) -> Result<Json<AgentDocument>, Refusal> {
    Ok(Json(api.host.show().await?))
}

/// Stop the agent after the refreshes under way
#[utoipa::path(
    post,
    path = "/v1/agent/stop",
    operation_id = "stop_agent",
    tag = "agent",
    responses((status = 202, description = "It is stopping"))
)]
pub(super) async fn stop(State(api): State<Api>) -> StatusCode {
    api.host.stop();
    StatusCode::ACCEPTED
}

/// Open the vault
#[utoipa::path(
    post,
    path = "/v1/vault/unlock",
    operation_id = "unlock_vault",
    tag = "vault",
    request_body = UnlockRequest,
    responses(
        (status = 204, description = "It is open"),
        (status = 400, description = "That is no master key", body = FailureDocument),
        (status = 413, description = "The request is too large", body = FailureDocument),
        (status = 423, description = "The key does not open it, or there is no way to the key", body = FailureDocument),
        UsesTheStore,
    )
)]
pub(super) async fn unlock(
    State(api): State<Api>,
    Body(request): Body<UnlockRequest>,
) -> Result<StatusCode, Refusal> {
    let key = request.master_key.as_ref().map(read_key).transpose()?;
    api.host.unlock(key).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Make the agent forget the key
#[utoipa::path(
    post,
    path = "/v1/vault/lock",
    operation_id = "lock_vault",
    tag = "vault",
    responses((status = 204, description = "It is locked"), UsesTheStore)
)]
pub(super) async fn lock(State(api): State<Api>) -> Result<StatusCode, Refusal> {
    api.host.lock().await?;
    Ok(StatusCode::NO_CONTENT)
}

fn read_key(text: &Secret) -> Result<MasterKey, Refusal> {
    let bytes = STANDARD.decode(text.expose()).map(Zeroizing::new);
    let key = bytes.ok().and_then(|bytes| <[u8; 32]>::try_from(bytes.as_slice()).ok());
    key.map(MasterKey::new)
        .ok_or_else(|| Refusal::new(StatusCode::BAD_REQUEST, "usage", "that is no master key"))
}

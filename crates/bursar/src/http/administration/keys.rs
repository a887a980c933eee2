//! Signing keys over HTTP.

use axum::Json;
use bursar_core::engine::issuer::AuthorizationServer;
use http::StatusCode;

use super::documents::KeyDocument;
use super::door::Acting;
use super::failures::missing;
use crate::http::extract::Named;
use crate::http::failures::UsesTheStore;
use crate::http::refusal::Refusal;

/// List the keys that are published
#[utoipa::path(
    get,
    path = "/v1/keys",
    operation_id = "list_keys",
    tag = "keys",
    responses((status = 200, description = "The oldest first", body = [KeyDocument]), UsesTheStore)
)]
pub(super) async fn list(Acting(server): Acting) -> Result<Json<Vec<KeyDocument>>, Refusal> {
    Ok(Json(documents(&server).await?))
}

/// Publish a successor of every key; it signs when all who verify know it
#[utoipa::path(
    post,
    path = "/v1/keys/renew",
    operation_id = "renew_keys",
    tag = "keys",
    responses((status = 200, description = "All keys afterwards", body = [KeyDocument]), UsesTheStore)
)]
pub(super) async fn renew(Acting(server): Acting) -> Result<Json<Vec<KeyDocument>>, Refusal> {
    server.renew_keys().await?;
    Ok(Json(documents(&server).await?))
}

/// Remove a key that somebody else may have, and refuse what it signed at once
///
/// Who verifies tokens by a copy of the published keys takes them until that copy is old.
#[utoipa::path(
    delete,
    path = "/v1/keys/{id}",
    operation_id = "remove_key",
    tag = "keys",
    params(("id" = String, Path, description = "Its id (`kid`)")),
    responses((status = 204, description = "It is removed"), UsesTheStore)
)]
pub(super) async fn remove(Acting(server): Acting, Named(id): Named) -> Result<StatusCode, Refusal> {
    if server.remove_key(&id).await? { Ok(StatusCode::NO_CONTENT) } else { Err(missing("key")) }
}

async fn documents(server: &AuthorizationServer) -> Result<Vec<KeyDocument>, Refusal> {
    let now = server.now();
    Ok(server.keys().await?.iter().map(|key| KeyDocument::new(key, now)).collect())
}

//! Reading accounts.

use axum::Json;
use axum::extract::State;

use super::Api;
use super::extract::Named;
use super::refusal::Refusal;
use super::wire::FailureDocument;

/// List every account with how it is doing.
#[utoipa::path(
    get,
    path = "/v1/accounts",
    responses((status = 200, description = "All accounts, by provider and nickname", body = [serde_json::Value]))
)]
pub(super) async fn list(State(api): State<Api>) -> Result<Json<serde_json::Value>, Refusal> {
    Ok(Json(api.host.accounts(None).await?))
}

/// Show one account, or those of one provider.
#[utoipa::path(
    get,
    path = "/v1/accounts/{account}",
    params(("account" = String, Path, description = "A reference, provider, nickname or identity")),
    responses(
        (status = 200, description = "The accounts it means", body = [serde_json::Value]),
        (status = 404, description = "No such account", body = FailureDocument),
    )
)]
pub(super) async fn show(
    State(api): State<Api>,
    Named(account): Named,
) -> Result<Json<serde_json::Value>, Refusal> {
    Ok(Json(api.host.accounts(Some(&account)).await?))
}

//! Refusals over HTTP.

use axum::Json;

use super::documents::RefusalDocument;
use super::door::Acting;
use super::failures::missing;
use crate::http::extract::Named;
use crate::http::failures::UsesTheStore;
use crate::http::refusal::Refusal;

/// Tell why the server refused a request
#[utoipa::path(
    get,
    path = "/v1/refusals/{id}",
    operation_id = "explain_refusal",
    tag = "refusals",
    params(("id" = String, Path, description = "The id that was told with the error")),
    responses((status = 200, description = "The whole reason", body = RefusalDocument), UsesTheStore)
)]
pub(super) async fn explain(
    Acting(server): Acting,
    Named(id): Named,
) -> Result<Json<RefusalDocument>, Refusal> {
    let refusal = server.noted_refusal(&id).await?.ok_or_else(|| missing("refusal"))?;
    Ok(Json(RefusalDocument::from(&refusal)))
}

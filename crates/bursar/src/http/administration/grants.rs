//! Grants over HTTP.

use axum::Json;
use bursar_core::engine::issuer::administration::grants::GrantsOf;
use http::StatusCode;
use serde::Deserialize;
use utoipa::IntoParams;

use super::documents::GrantDocument;
use super::door::Acting;
use super::failures::missing;
use super::pages::{PageDocument, bounded};
use crate::http::extract::{Asked, Named};
use crate::http::failures::UsesTheStore;
use crate::http::refusal::Refusal;

/// Which grants are wanted.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct GrantQuery {
    /// Only those of the user of this id.
    user: Option<String>,
    /// Only those for the client of this id.
    client: Option<String>,
    /// What the page comes after, as the page before it has told.
    after: Option<String>,
    /// At most so many; 100 unless told, and never more than 500.
    limit: Option<usize>,
}

/// List what users let clients do
#[utoipa::path(
    get,
    path = "/v1/grants",
    operation_id = "list_grants",
    tag = "grants",
    params(GrantQuery),
    responses((status = 200, description = "Grants; a page may be short before the last", body = PageDocument<GrantDocument>), UsesTheStore)
)]
pub(super) async fn list(
    Acting(server): Acting,
    Asked(query): Asked<GrantQuery>,
) -> Result<Json<PageDocument<GrantDocument>>, Refusal> {
    let of = GrantsOf { user: query.user.as_deref(), client: query.client.as_deref() };
    let page = server.grants(of, query.after.as_deref(), bounded(query.limit)).await?;
    Ok(Json(PageDocument::until(page.grants.iter().map(GrantDocument::from).collect(), page.next)))
}

/// Take a grant back and end everything issued under it
#[utoipa::path(
    delete,
    path = "/v1/grants/{id}",
    operation_id = "withdraw_grant",
    tag = "grants",
    params(("id" = String, Path, description = "Its id")),
    responses((status = 204, description = "It is taken back"), UsesTheStore)
)]
pub(super) async fn withdraw(Acting(server): Acting, Named(id): Named) -> Result<StatusCode, Refusal> {
    let withdrawn = server.withdraw_grant_of_key(&id).await?;
    if withdrawn.is_some() { Ok(StatusCode::NO_CONTENT) } else { Err(missing("grant")) }
}

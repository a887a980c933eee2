//! Clients over HTTP.

use axum::Json;
use bursar_core::engine::issuer::administration::clients::NewClient;
use bursar_core::oauth::scope::Scope;
use bursar_core::oauth::server::client_metadata::ClientMetadata;
use bursar_core::provider::duration::parse_duration;
use http::StatusCode;
use jiff::SignedDuration;
use serde::Deserialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::documents::{AddedClientDocument, ClientDocument};
use super::door::Acting;
use super::failures::{missing, unacceptable};
use super::pages::{PageDocument, PageQuery};
use crate::http::extract::{Asked, Body, Named};
use crate::http::failures::{ChangesRecords, UsesTheStore};
use crate::http::refusal::Refusal;

/// A client as it is wanted.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewClientBody {
    /// What it says of itself, as in RFC 7591 §2.
    #[schema(value_type = Object)]
    metadata: Map<String, Value>,
    /// All it may ask for; absent or empty: whatever the resources offer.
    #[serde(default)]
    scope: String,
    /// Whether its refresh tokens are replaced with every use.
    #[serde(default = "yes")]
    rotates: bool,
}

impl NewClientBody {
    /// As the use case wants it.
    pub(super) fn wish(&self) -> Result<NewClient, Refusal> {
        let metadata = metadata(&self.metadata)?;
        Ok(NewClient { metadata, scope: scope(&self.scope)?, rotates: self.rotates })
    }

    /// What people shall call it, if that is said.
    pub(super) fn name(&self) -> Option<&str> {
        self.metadata.get("client_name").and_then(Value::as_str)
    }
}

/// What shall be different; whatever is absent stays.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ClientChangeBody {
    /// All it says of itself from now on, as in RFC 7591 §2.
    #[schema(value_type = Object)]
    metadata: Option<Map<String, Value>>,
    /// All it may ask for; empty: whatever the resources offer.
    scope: Option<String>,
    /// Whether its refresh tokens are replaced with every use.
    rotates: Option<bool>,
}

/// How a secret is replaced.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RenewalBody {
    /// How long the old one still works, such as `24h`, which is what it is unless told.
    overlap: Option<String>,
}

/// List clients, removed ones included
#[utoipa::path(
    get,
    path = "/v1/clients",
    operation_id = "list_clients",
    tag = "clients",
    params(PageQuery),
    responses((status = 200, description = "In the order of their ids", body = PageDocument<ClientDocument>), UsesTheStore)
)]
pub(super) async fn list(
    Acting(server): Acting,
    Asked(query): Asked<PageQuery>,
) -> Result<Json<PageDocument<ClientDocument>>, Refusal> {
    let clients = server.clients(query.after.as_deref(), query.limit()).await?;
    Ok(Json(PageDocument::of(
        &clients,
        query.limit(),
        |client| client.document.id.clone(),
        |client| ClientDocument::from(&client.document),
    )))
}

/// Add a client
#[utoipa::path(
    post,
    path = "/v1/clients",
    operation_id = "add_client",
    tag = "clients",
    request_body = NewClientBody,
    responses((status = 201, description = "With its secret, which is told this once", body = AddedClientDocument), ChangesRecords)
)]
pub(super) async fn add(
    Acting(server): Acting,
    Body(body): Body<NewClientBody>,
) -> Result<(StatusCode, Json<AddedClientDocument>), Refusal> {
    let (client, secret) = server.add_client(body.wish()?).await?;
    Ok((StatusCode::CREATED, Json(AddedClientDocument::new(&client, secret.as_ref()))))
}

/// Show one client
#[utoipa::path(
    get,
    path = "/v1/clients/{id}",
    operation_id = "show_client",
    tag = "clients",
    params(("id" = String, Path, description = "Its id")),
    responses((status = 200, description = "The client", body = ClientDocument), UsesTheStore)
)]
pub(super) async fn show(Acting(server): Acting, Named(id): Named) -> Result<Json<ClientDocument>, Refusal> {
    let client = server.client(&id).await?.ok_or_else(|| missing("client"))?;
    Ok(Json(ClientDocument::from(&client.document)))
}

/// Change a client
#[utoipa::path(
    patch,
    path = "/v1/clients/{id}",
    operation_id = "change_client",
    tag = "clients",
    params(("id" = String, Path, description = "Its id")),
    request_body = ClientChangeBody,
    responses((status = 200, description = "With a secret if it has just got its first", body = AddedClientDocument), ChangesRecords)
)]
pub(super) async fn change(
    Acting(server): Acting,
    Named(id): Named,
    Body(body): Body<ClientChangeBody>,
) -> Result<Json<AddedClientDocument>, Refusal> {
    let metadata = body.metadata.as_ref().map(metadata).transpose()?;
    let scope = body.scope.as_deref().map(scope).transpose()?;
    let changed = server
        .update_client(&id, &|client| {
            if let Some(metadata) = &metadata {
                client.metadata.clone_from(metadata);
            }
            if let Some(scope) = &scope {
                client.scope.clone_from(scope);
            }
            client.rotates = body.rotates.unwrap_or(client.rotates);
        })
        .await?
        .ok_or_else(|| missing("client"))?;
    Ok(Json(AddedClientDocument::new(&changed.client, changed.secret.as_ref())))
}

/// Give a client another secret
#[utoipa::path(
    post,
    path = "/v1/clients/{id}/secret",
    operation_id = "renew_client_secret",
    tag = "clients",
    params(("id" = String, Path, description = "Its id")),
    request_body = RenewalBody,
    responses((status = 200, description = "With the new secret, which is told this once", body = AddedClientDocument), ChangesRecords)
)]
pub(super) async fn renew_secret(
    Acting(server): Acting,
    Named(id): Named,
    Body(body): Body<RenewalBody>,
) -> Result<Json<AddedClientDocument>, Refusal> {
    let overlap = match &body.overlap {
        Some(text) => parse_duration(text).map_err(|error| unacceptable(error.to_string()))?,
        None => USUAL_OVERLAP,
    };
    let renewed = server.renew_client_secret(&id, overlap).await?.ok_or_else(|| missing("client"))?;
    Ok(Json(AddedClientDocument::new(&renewed.client, renewed.secret.as_ref())))
}

/// Remove a client and end everything issued to it
#[utoipa::path(
    delete,
    path = "/v1/clients/{id}",
    operation_id = "remove_client",
    tag = "clients",
    params(("id" = String, Path, description = "Its id")),
    responses((status = 204, description = "It is removed"), UsesTheStore)
)]
pub(super) async fn remove(Acting(server): Acting, Named(id): Named) -> Result<StatusCode, Refusal> {
    if server.remove_client(&id).await? { Ok(StatusCode::NO_CONTENT) } else { Err(missing("client")) }
}

fn metadata(object: &Map<String, Value>) -> Result<ClientMetadata, Refusal> {
    ClientMetadata::from_object(object).map_err(|error| unacceptable(error.description()))
}

fn scope(text: &str) -> Result<Option<Scope>, Refusal> {
    let scope = Scope::parse(text).map_err(|error| unacceptable(error.to_string()))?;
    Ok(Some(scope).filter(|scope| !scope.is_empty()))
}

fn yes() -> bool {
    true
}

/// As on the command line.
const USUAL_OVERLAP: SignedDuration = SignedDuration::from_hours(24);

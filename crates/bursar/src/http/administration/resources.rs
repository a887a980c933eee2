//! Resources over HTTP.

use std::collections::{BTreeMap, BTreeSet};

use axum::Json;
use bursar_core::engine::issuer::AuthorizationServer;
use bursar_core::engine::issuer::records::resource::{Resource, TokenFormat};
use http::StatusCode;
use jiff::SignedDuration;
use serde::Deserialize;
use utoipa::ToSchema;

use super::documents::{ResourceDocument, format_named};
use super::door::Acting;
use super::failures::{exists, missing, unacceptable};
use super::pages::{PageDocument, PageQuery};
use crate::http::extract::{Asked, Body, Named};
use crate::http::failures::{ChangesRecords, UsesTheStore};
use crate::http::refusal::Refusal;
use crate::http::wire::FailureDocument;

/// A resource as it is wanted.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewResourceBody {
    /// Its address, as clients will name it.
    url: String,
    /// What is said of it.
    #[serde(default)]
    said: ResourceFacts,
}

impl NewResourceBody {
    /// Its address.
    pub(super) fn url(&self) -> &str {
        &self.url
    }

    /// As the use case of `server` wants it.
    pub(super) fn wish(&self, server: &AuthorizationServer) -> Result<Resource, Refusal> {
        let format = self.said.format()?;
        let mut resource = Resource {
            url: self.url.clone(),
            name: None,
            scopes: BTreeMap::new(),
            tools: BTreeMap::new(),
            format: server.rules().access_format,
            access_lifetime: None,
            introspectors: Vec::new(),
            requires_proof: false,
            created_at: server.now(),
        };
        self.said.apply(&mut resource, format);
        Ok(resource)
    }
}

/// What is said of a resource; whatever is absent stays, or is as usual.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ResourceFacts {
    /// For people; empty: nothing.
    name: Option<String>,
    /// Every scope it knows, with words for the consent page.
    scopes: Option<BTreeMap<String, String>>,
    /// Its MCP tools, each with the scopes it needs; the consent page tells them.
    tools: Option<BTreeMap<String, BTreeSet<String>>>,
    /// How its access tokens look: `es256` (usual), `eddsa`, `rs256` or `opaque`.
    format: Option<String>,
    /// How many seconds its access tokens live; 0: as long as all others.
    access_lifetime: Option<u32>,
    /// Clients that may introspect its tokens, by id.
    introspectors: Option<Vec<String>>,
    /// Whether only proven keys are let in (RFC 9449).
    requires_proof: Option<bool>,
}

/// List resources
#[utoipa::path(
    get,
    path = "/v1/resources",
    operation_id = "list_resources",
    tag = "resources",
    params(PageQuery),
    responses((status = 200, description = "In the order of their addresses", body = PageDocument<ResourceDocument>), UsesTheStore)
)]
pub(super) async fn list(
    Acting(server): Acting,
    Asked(query): Asked<PageQuery>,
) -> Result<Json<PageDocument<ResourceDocument>>, Refusal> {
    let resources = server.resources(query.after.as_deref(), query.limit()).await?;
    Ok(Json(PageDocument::of(
        &resources,
        query.limit(),
        |resource| resource.document.url.clone(),
        |resource| document(&server, &resource.document),
    )))
}

/// Add a resource
#[utoipa::path(
    post,
    path = "/v1/resources",
    operation_id = "add_resource",
    tag = "resources",
    request_body = NewResourceBody,
    responses((status = 201, description = "The resource", body = ResourceDocument), (status = 409, description = "There is one at this address", body = FailureDocument), ChangesRecords)
)]
pub(super) async fn add(
    Acting(server): Acting,
    Body(body): Body<NewResourceBody>,
) -> Result<(StatusCode, Json<ResourceDocument>), Refusal> {
    let resource = body.wish(&server)?;
    if server.add_resource(&resource).await? {
        Ok((StatusCode::CREATED, Json(document(&server, &resource))))
    } else {
        Err(exists("there is a resource at this address already"))
    }
}

/// Show one resource
#[utoipa::path(
    get,
    path = "/v1/resources/{url}",
    operation_id = "show_resource",
    tag = "resources",
    params(("url" = String, Path, description = "Its address, percent-encoded")),
    responses((status = 200, description = "The resource", body = ResourceDocument), UsesTheStore)
)]
pub(super) async fn show(
    Acting(server): Acting,
    Named(url): Named,
) -> Result<Json<ResourceDocument>, Refusal> {
    let resource = server.resource(&url).await?.ok_or_else(|| missing("resource"))?;
    Ok(Json(document(&server, &resource.document)))
}

/// Change a resource
#[utoipa::path(
    patch,
    path = "/v1/resources/{url}",
    operation_id = "change_resource",
    tag = "resources",
    params(("url" = String, Path, description = "Its address, percent-encoded")),
    request_body = ResourceFacts,
    responses((status = 200, description = "The resource", body = ResourceDocument), ChangesRecords)
)]
pub(super) async fn change(
    Acting(server): Acting,
    Named(url): Named,
    Body(said): Body<ResourceFacts>,
) -> Result<Json<ResourceDocument>, Refusal> {
    let format = said.format()?;
    let changed = server.update_resource(&url, &|resource| said.apply(resource, format)).await?;
    Ok(Json(document(&server, &changed.ok_or_else(|| missing("resource"))?)))
}

/// Remove a resource: nothing is issued for it any more
#[utoipa::path(
    delete,
    path = "/v1/resources/{url}",
    operation_id = "remove_resource",
    tag = "resources",
    params(("url" = String, Path, description = "Its address, percent-encoded")),
    responses((status = 204, description = "It is removed; its tokens stay good until their end"), UsesTheStore)
)]
pub(super) async fn remove(Acting(server): Acting, Named(url): Named) -> Result<StatusCode, Refusal> {
    if server.remove_resource(&url).await? { Ok(StatusCode::NO_CONTENT) } else { Err(missing("resource")) }
}

impl ResourceFacts {
    fn format(&self) -> Result<Option<TokenFormat>, Refusal> {
        let unknown = || unacceptable("`format` is one of es256, eddsa, rs256 and opaque");
        self.format.as_deref().map(|name| format_named(name).ok_or_else(unknown)).transpose()
    }

    fn apply(&self, resource: &mut Resource, format: Option<TokenFormat>) {
        if let Some(name) = &self.name {
            resource.name = Some(name.clone()).filter(|name| !name.is_empty());
        }
        if let Some(scopes) = &self.scopes {
            resource.scopes.clone_from(scopes);
        }
        if let Some(tools) = &self.tools {
            resource.tools.clone_from(tools);
        }
        if let Some(seconds) = self.access_lifetime {
            resource.access_lifetime = (seconds > 0).then(|| SignedDuration::from_secs(seconds.into()));
        }
        if let Some(introspectors) = &self.introspectors {
            resource.introspectors.clone_from(introspectors);
        }
        resource.format = format.unwrap_or(resource.format);
        resource.requires_proof = self.requires_proof.unwrap_or(resource.requires_proof);
    }
}

pub(super) fn document(server: &AuthorizationServer, resource: &Resource) -> ResourceDocument {
    ResourceDocument::new(resource, server.announcement(resource).ok().as_ref())
}

//! Sandboxes over HTTP: at the server around them, and only there.

use axum::Json;
use bursar_core::engine::issuer::rules::Quotas;
use bursar_core::engine::sandboxes::{
    HostName, NewSandbox, Sandbox, SandboxError, SandboxName, SandboxSettings,
};
use bursar_core::provider::duration::parse_duration;
use http::StatusCode;
use jiff::SignedDuration;
use serde::Deserialize;
use utoipa::ToSchema;

use super::documents::SandboxDocument;
use super::door::ActingOnSandboxes;
use super::failures::{exists, missing, unacceptable};
use super::pages::{PageDocument, PageQuery};
use super::seed::{SeedBody, SeededDocument, sow};
use crate::exit::Failure;
use crate::http::extract::{Asked, Body, Named};
use crate::http::failures::{ChangesRecords, UsesTheStore};
use crate::http::refusal::Refusal;
use crate::http::wire::FailureDocument;
use crate::sandboxes::address::issuer_of;

/// A sandbox as it is wanted.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewSandboxBody {
    /// What people shall call it: 1 to 63 of `a-z`, `0-9` and `-`.
    name: String,
    /// A host of its own, without port; absent: it is beneath the server's address.
    host: Option<String>,
    /// After how long it ends by itself, such as `1h`; absent: never.
    lifetime: Option<String>,
    /// How many clients it may have; absent: as many as come.
    clients: Option<u64>,
    /// How many users it may have; absent: as many as come.
    users: Option<u64>,
    /// How many grants it may have; absent: as many as come.
    grants: Option<u64>,
    /// How many accounts it may hold; absent: as many as come.
    accounts: Option<u64>,
    /// How many seconds its access tokens live; absent: as long as the server's.
    access_token_seconds: Option<u32>,
    /// How many seconds its refresh tokens live that are not used; absent: as long as the server's.
    refresh_token_seconds: Option<u32>,
    /// Whether programs nobody knows may register there; absent: as at the server.
    open_registration: Option<bool>,
}

/// List sandboxes
#[utoipa::path(
    get,
    path = "/v1/sandboxes",
    operation_id = "list_sandboxes",
    tag = "sandboxes",
    params(PageQuery),
    responses((status = 200, description = "In the order of their names; a page may be short before the last", body = PageDocument<SandboxDocument>), UsesTheStore)
)]
pub(super) async fn list(
    acting: ActingOnSandboxes,
    Asked(query): Asked<PageQuery>,
) -> Result<Json<PageDocument<SandboxDocument>>, Refusal> {
    let (page, next) = acting.sandboxes.page(query.after.as_deref(), query.limit()).await?;
    let items = page.iter().map(|sandbox| document(&acting, sandbox)).collect();
    Ok(Json(PageDocument::until(items, next)))
}

/// Make a sandbox
#[utoipa::path(
    post,
    path = "/v1/sandboxes",
    operation_id = "add_sandbox",
    tag = "sandboxes",
    request_body = NewSandboxBody,
    responses((status = 201, description = "The sandbox", body = SandboxDocument), (status = 409, description = "The name or the host is taken", body = FailureDocument), ChangesRecords)
)]
pub(super) async fn add(
    acting: ActingOnSandboxes,
    Body(body): Body<NewSandboxBody>,
) -> Result<(StatusCode, Json<SandboxDocument>), Refusal> {
    let wish = body.wish()?;
    let around = &acting.servers.around().rules().issuer;
    issuer_of(around, wish.name.as_str(), wish.host.as_ref())
        .map_err(|error| unacceptable(error.to_string()))?;
    let sandbox = acting.sandboxes.add(wish).await.map_err(of_sandbox)?;
    Ok((StatusCode::CREATED, Json(document(&acting, &sandbox))))
}

/// Show one sandbox
#[utoipa::path(
    get,
    path = "/v1/sandboxes/{name}",
    operation_id = "show_sandbox",
    tag = "sandboxes",
    params(("name" = String, Path, description = "Its name")),
    responses((status = 200, description = "The sandbox", body = SandboxDocument), UsesTheStore)
)]
pub(super) async fn show(
    acting: ActingOnSandboxes,
    Named(name): Named,
) -> Result<Json<SandboxDocument>, Refusal> {
    Ok(Json(document(&acting, &called(&acting, &name).await?)))
}

/// End a sandbox; nothing in it can be read any more
#[utoipa::path(
    delete,
    path = "/v1/sandboxes/{name}",
    operation_id = "remove_sandbox",
    tag = "sandboxes",
    params(("name" = String, Path, description = "Its name")),
    responses((status = 204, description = "It has ended"), UsesTheStore)
)]
pub(super) async fn remove(acting: ActingOnSandboxes, Named(name): Named) -> Result<StatusCode, Refusal> {
    if acting.sandboxes.remove(&name).await? { Ok(StatusCode::NO_CONTENT) } else { Err(missing("sandbox")) }
}

/// Empty a sandbox: new keys, and nobody in it
///
/// Its name, host, settings and end stay.
#[utoipa::path(
    post,
    path = "/v1/sandboxes/{name}/reset",
    operation_id = "reset_sandbox",
    tag = "sandboxes",
    params(("name" = String, Path, description = "Its name")),
    responses((status = 200, description = "The sandbox, empty", body = SandboxDocument), UsesTheStore)
)]
pub(super) async fn reset(
    acting: ActingOnSandboxes,
    Named(name): Named,
) -> Result<Json<SandboxDocument>, Refusal> {
    let sandbox = acting.sandboxes.reset(&name).await.map_err(of_sandbox)?;
    Ok(Json(document(&acting, &sandbox.ok_or_else(|| missing("sandbox"))?)))
}

/// Add clients, resources and users to a sandbox
///
/// What is there already stays.
#[utoipa::path(
    post,
    path = "/v1/sandboxes/{name}/seed",
    operation_id = "seed_sandbox",
    tag = "sandboxes",
    params(("name" = String, Path, description = "Its name")),
    request_body = SeedBody,
    responses((status = 200, description = "What was added, with secrets and passwords that are told this once", body = SeededDocument), ChangesRecords)
)]
pub(super) async fn seed(
    acting: ActingOnSandboxes,
    Named(name): Named,
    Body(body): Body<SeedBody>,
) -> Result<Json<SeededDocument>, Refusal> {
    let sandbox = called(&acting, &name).await?;
    let server = acting.server_of(&sandbox).ok_or_else(|| missing("sandbox"))?;
    Ok(Json(sow(&server, body).await?))
}

impl NewSandboxBody {
    fn wish(self) -> Result<NewSandbox, Refusal> {
        let told = |error: &dyn std::error::Error| unacceptable(error.to_string());
        let seconds = |seconds: Option<u32>| match seconds {
            Some(0) => Err(unacceptable("tokens live for a second at least")),
            Some(seconds) => Ok(Some(SignedDuration::from_secs(seconds.into()))),
            None => Ok(None),
        };
        Ok(NewSandbox {
            name: SandboxName::parse(&self.name).map_err(|error| told(&error))?,
            host: self.host.as_deref().map(HostName::parse).transpose().map_err(|error| told(&error))?,
            lifetime: self
                .lifetime
                .as_deref()
                .map(parse_duration)
                .transpose()
                .map_err(|error| told(&error))?,
            settings: SandboxSettings {
                quotas: Quotas {
                    clients: self.clients,
                    users: self.users,
                    grants: self.grants,
                    accounts: self.accounts,
                },
                access_token: seconds(self.access_token_seconds)?,
                refresh_token: seconds(self.refresh_token_seconds)?,
                open_registration: self.open_registration,
            },
        })
    }
}

async fn called(acting: &ActingOnSandboxes, name: &str) -> Result<Sandbox, Refusal> {
    acting.sandboxes.named(name).await?.ok_or_else(|| missing("sandbox"))
}

fn document(acting: &ActingOnSandboxes, sandbox: &Sandbox) -> SandboxDocument {
    SandboxDocument::new(sandbox, &acting.servers.around().rules().issuer)
}

fn of_sandbox(error: SandboxError) -> Refusal {
    match error {
        SandboxError::Exists { .. } | SandboxError::HostIsTaken { .. } => exists(error.to_string()),
        other => Failure::from(other).into(),
    }
}

//! Data keys over HTTP: at the server of the installation, and not at those of sandboxes. Nothing secret is told or taken.

use axum::Json;
use bursar_core::engine::issuer::AuthorizationServer;
use bursar_core::engine::vault::rekeying::RekeyError;
use bursar_core::provider::duration::parse_duration;
use http::StatusCode;
use jiff::SignedDuration;
use serde::Deserialize;
use utoipa::ToSchema;

use super::documents::VaultDocument;
use super::door::Acting;
use super::failures::unacceptable;
use crate::exit::Failure;
use crate::http::extract::Body;
use crate::http::failures::{ChangesRecords, UsesTheStore};
use crate::http::refusal::Refusal;
use crate::http::wire::FailureDocument;

/// How new data keys are wanted.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RekeyBody {
    /// How long the old keys stay after all seal with the new ones, such as `2h`; absent: an hour.
    keep_old: Option<String>,
}

/// Show the data key, and how far a change of data keys is
#[utoipa::path(
    get,
    path = "/v1/vault",
    operation_id = "show_vault",
    tag = "vault",
    responses(
        (status = 200, description = "What there is", body = VaultDocument),
        (status = 404, description = "There is no vault yet", body = FailureDocument),
        UsesTheStore
    )
)]
pub(super) async fn show(Acting(server): Acting) -> Result<Json<VaultDocument>, Refusal> {
    document(&server).await.map(Json)
}

/// Make new data keys, and seal everything anew while all goes on
///
/// The server goes on with it by itself; so does an agent, or `bursar vault rekey`. Asked for while a change is under way, this
/// begins no other.
#[utoipa::path(
    post,
    path = "/v1/vault/rekey",
    operation_id = "rekey_vault",
    tag = "vault",
    request_body = RekeyBody,
    responses(
        (status = 202, description = "A change is under way", body = VaultDocument),
        (status = 404, description = "There is no vault yet", body = FailureDocument),
        (status = 409, description = "A change of the master key is not finished", body = FailureDocument),
        (status = 423, description = "The server cannot have the master key, which wraps the new one", body = FailureDocument),
        ChangesRecords
    )
)]
pub(super) async fn rekey(
    Acting(server): Acting,
    Body(body): Body<RekeyBody>,
) -> Result<(StatusCode, Json<VaultDocument>), Refusal> {
    let kept_for = match body.keep_old.as_deref().map(parse_duration) {
        None => USUALLY_KEPT,
        Some(Ok(said)) if !said.is_negative() => said,
        Some(_) => return Err(unacceptable("`keep_old` is no duration").hint("write one such as 2h")),
    };
    server.announce_data_keys(kept_for).await.map_err(refused)?;
    Ok((StatusCode::ACCEPTED, Json(document(&server).await?)))
}

async fn document(server: &AuthorizationServer) -> Result<VaultDocument, Refusal> {
    let facts = server.engine().vault_facts().await?.ok_or_else(no_vault)?;
    Ok(VaultDocument::new(&facts, &server.engine().rekeyings().await?))
}

fn refused(error: RekeyError) -> Refusal {
    match error {
        RekeyError::NoVault => no_vault(),
        RekeyError::MasterKeyChanging => {
            Refusal::new(StatusCode::CONFLICT, "master_key_changing", error.to_string()).hint(
                "finish it with `bursar vault rotate --finish` on a machine that has the new master key",
            )
        }
        RekeyError::Vault(error) => Failure::from(error).into(),
        RekeyError::Store(error) => Failure::from(error).into(),
    }
}

fn no_vault() -> Refusal {
    Refusal::new(StatusCode::NOT_FOUND, "not_found", "there is no vault yet")
        .hint("the server makes one when it needs it first")
}

/// As on the command line.
const USUALLY_KEPT: SignedDuration = SignedDuration::from_hours(1);

//! Accounts: how they are doing, and the changes that touch no token.

use axum::Json;
use axum::extract::State;
use bursar_core::lifecycle::calendar::calendar;
use bursar_core::lifecycle::shown::Warn;
use http::StatusCode;
use jiff::tz::TimeZone;

use super::Api;
use super::extract::Named;
use super::failures::{NamesAccounts, OpensTokens, UsesTheStore};
use super::refusal::Refusal;
use super::tokens::nowhere;
use super::wire::{AccountDocument, DeadlineDocument, LogoutDocument};
use crate::account_view::ShownAccounts;
use crate::exit::Failure;
use crate::logged_out::LoggedOut;

/// List every account
#[utoipa::path(
    get,
    path = "/v1/accounts",
    operation_id = "list_accounts",
    tag = "accounts",
    responses((status = 200, description = "All accounts, by provider and nickname", body = [AccountDocument]), UsesTheStore)
)]
pub(super) async fn list(State(api): State<Api>) -> Result<Json<Vec<AccountDocument>>, Refusal> {
    Ok(Json(shown(&api, None).await?))
}

/// Show one account, or those of one provider
#[utoipa::path(
    get,
    path = "/v1/accounts/{account}",
    operation_id = "show_account",
    tag = "accounts",
    params(("account" = String, Path, description = "A reference, provider, nickname or identity")),
    responses((status = 200, description = "The accounts it means", body = [AccountDocument]), NamesAccounts)
)]
pub(super) async fn show(
    State(api): State<Api>,
    Named(account): Named,
) -> Result<Json<Vec<AccountDocument>>, Refusal> {
    Ok(Json(shown(&api, Some(&account)).await?))
}

/// Log out: revoke a login at its provider, and forget it
///
/// It is gone here in every case; the answer tells what became of it at the provider.
#[utoipa::path(
    delete,
    path = "/v1/accounts/{account}",
    operation_id = "log_out",
    tag = "accounts",
    params(("account" = String, Path, description = "A reference, or whatever names one account")),
    responses((status = 200, description = "It is gone", body = LogoutDocument), OpensTokens)
)]
pub(super) async fn log_out(
    State(api): State<Api>,
    Named(account): Named,
) -> Result<Json<LogoutDocument>, Refusal> {
    let account = api.desk.resolve(&account, &nowhere()).await?;
    let engine = api.desk.engine();
    let logged_out = LoggedOut::of(&engine, account).await;
    let logged_out = logged_out.map_err(|failure| Refusal::from(failure).of_vault(engine.is_locked()))?;
    Ok(Json(LogoutDocument::from(&logged_out)))
}

/// Stop handing out an account; it is still kept fresh
#[utoipa::path(
    post,
    path = "/v1/accounts/{account}/pause",
    operation_id = "pause_account",
    tag = "accounts",
    params(("account" = String, Path, description = "A reference, or whatever names one account")),
    responses((status = 204, description = "It is paused, as it may have been before"), NamesAccounts)
)]
pub(super) async fn pause(State(api): State<Api>, Named(account): Named) -> Result<StatusCode, Refusal> {
    set_paused(&api, &account, true).await
}

/// Hand out a paused account again
#[utoipa::path(
    post,
    path = "/v1/accounts/{account}/resume",
    operation_id = "resume_account",
    tag = "accounts",
    params(("account" = String, Path, description = "A reference, or whatever names one account")),
    responses((status = 204, description = "It is handed out, as it may have been before"), NamesAccounts)
)]
pub(super) async fn resume(State(api): State<Api>, Named(account): Named) -> Result<StatusCode, Refusal> {
    set_paused(&api, &account, false).await
}

/// List what will need a person, and when
#[utoipa::path(
    get,
    path = "/v1/deadlines",
    operation_id = "list_deadlines",
    tag = "accounts",
    responses((status = 200, description = "Every deadline of every login, the earliest first", body = [DeadlineDocument]), UsesTheStore)
)]
pub(super) async fn deadlines(State(api): State<Api>) -> Result<Json<Vec<DeadlineDocument>>, Refusal> {
    let overview = api.desk.engine().overview().await?;
    let now = api.desk.now();
    let deadlines = calendar(&overview.accounts);
    Ok(Json(deadlines.iter().map(|deadline| DeadlineDocument::of(deadline, now)).collect()))
}

async fn shown(api: &Api, wanted: Option<&str>) -> Result<Vec<AccountDocument>, Failure> {
    let config = api.host.config();
    let warn = Warn { access: config.status.warn, grant: config.status.warn_grant };
    let shown = ShownAccounts::of(&api.desk.engine(), wanted, warn, TimeZone::UTC).await?;
    Ok(shown.views.iter().map(AccountDocument::from).collect())
}

async fn set_paused(api: &Api, account: &str, paused: bool) -> Result<StatusCode, Refusal> {
    let account = api.desk.resolve(account, &nowhere()).await?;
    api.desk.engine().set_paused(&account.reference, paused).await?;
    Ok(StatusCode::NO_CONTENT)
}

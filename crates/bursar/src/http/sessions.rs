//! Sessions: uses of accounts that somebody declares, so that nothing they use is taken away.

use axum::Json;
use axum::extract::State;
use bursar_core::engine::sessions::{NewSession, Purpose};
use bursar_core::ports::processes::ProcessId;
use http::StatusCode;
use jiff::{SignedDuration, Timestamp};

use super::extract::{Body, Named};
use super::failures::{ChangesAccounts, UsesTheStore};
use super::refusal::Refusal;
use super::tokens::nowhere;
use super::wire::{FailureDocument, RenewRequest, SessionDocument, SessionRequest};
use super::{Api, Caller};

/// List the uses under way
#[utoipa::path(
    get,
    path = "/v1/sessions",
    operation_id = "list_sessions",
    tag = "sessions",
    responses((status = 200, description = "All that are alive", body = [SessionDocument]), UsesTheStore)
)]
pub(super) async fn list(State(api): State<Api>) -> Result<Json<Vec<SessionDocument>>, Refusal> {
    let sessions = api.desk.engine().sessions().await?;
    Ok(Json(sessions.into_iter().map(SessionDocument::from).collect()))
}

/// Declare a use
///
/// It lives as long as its process, or as long as it is renewed; meanwhile cleaning up leaves its accounts alone.
#[utoipa::path(
    post,
    path = "/v1/sessions",
    operation_id = "open_session",
    tag = "sessions",
    request_body = SessionRequest,
    responses((status = 201, description = "It has begun", body = SessionDocument), ChangesAccounts)
)]
pub(super) async fn open(
    State(api): State<Api>,
    caller: Caller,
    Body(request): Body<SessionRequest>,
) -> Result<(StatusCode, Json<SessionDocument>), Refusal> {
    let mut accounts = Vec::new();
    for account in &request.accounts {
        accounts.push(api.desk.resolve(account, &nowhere()).await?.reference);
    }
    if accounts.is_empty() {
        return Err(Refusal::new(StatusCode::BAD_REQUEST, "usage", "a session needs an account"));
    }
    let session = NewSession {
        accounts,
        owner: owner(&api, caller, request.process)?,
        purpose: Purpose::Lease { label: request.label },
        until: request.seconds.map(|seconds| after(api.desk.now(), seconds)),
        token: None,
        routes: Vec::new(),
    };
    let session = api.desk.engine().open_session(session).await?;
    Ok((StatusCode::CREATED, Json(session.into())))
}

/// Give a session a longer life
#[utoipa::path(
    put,
    path = "/v1/sessions/{id}",
    operation_id = "renew_session",
    tag = "sessions",
    params(("id" = String, Path, description = "The session's name")),
    request_body = RenewRequest,
    responses(
        (status = 204, description = "Renewed"),
        (status = 400, description = "The request cannot be understood", body = FailureDocument),
        (status = 404, description = "No such session", body = FailureDocument),
        (status = 413, description = "The request is too large", body = FailureDocument),
        UsesTheStore,
    )
)]
pub(super) async fn renew(
    State(api): State<Api>,
    Named(id): Named,
    Body(request): Body<RenewRequest>,
) -> Result<StatusCode, Refusal> {
    let until = after(api.desk.now(), request.seconds);
    found(api.desk.engine().renew_session(&id, until).await?)
}

/// End a session
#[utoipa::path(
    delete,
    path = "/v1/sessions/{id}",
    operation_id = "end_session",
    tag = "sessions",
    params(("id" = String, Path, description = "The session's name")),
    responses(
        (status = 204, description = "Ended"),
        (status = 404, description = "No such session", body = FailureDocument),
        UsesTheStore,
    )
)]
pub(super) async fn end(State(api): State<Api>, Named(id): Named) -> Result<StatusCode, Refusal> {
    found(api.desk.engine().end_session(&id).await?)
}

fn owner(api: &Api, caller: Caller, process: Option<u32>) -> Result<ProcessId, Refusal> {
    let engine = api.desk.engine();
    let processes = &engine.ports().processes;
    let number = process.or(caller.process);
    number.and_then(|number| processes.find(number)).ok_or_else(|| {
        Refusal::new(StatusCode::BAD_REQUEST, "usage", "the session's process is not running")
            .hint("name a running process in `process`")
    })
}

fn found(found: bool) -> Result<StatusCode, Refusal> {
    if found {
        Ok(StatusCode::NO_CONTENT)
    } else {
        Err(Refusal::new(StatusCode::NOT_FOUND, "no_such_session", "there is no such session"))
    }
}

fn after(now: Timestamp, seconds: u32) -> Timestamp {
    now.saturating_add(SignedDuration::from_secs(seconds.into())).unwrap_or(Timestamp::MAX)
}

//! Logging in for a program that has a person of its own to show things to.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use bursar_core::lifecycle::reference::Nickname;
use http::StatusCode;
use serde::Deserialize;
use utoipa::IntoParams;

use super::Api;
use super::extract::{Asked, Body, Named};
use super::refusal::Refusal;
use super::wire::{FailureDocument, LoginAnswer, LoginDocument, LoginRequest};
use crate::exit::{Exit, Failure};
use crate::login_plan::Wish;
use crate::logins::{AnswerError, Attempt, NewLogin};

/// Begin a login
///
/// The answer says what the person has to open or enter. No browser is opened. At most 16 logins wait at a time.
#[utoipa::path(
    post,
    path = "/v1/logins",
    operation_id = "begin_login",
    tag = "logins",
    request_body = LoginRequest,
    responses(
        (status = 201, description = "It waits for its person", body = LoginDocument),
        (status = 400, description = "Something is missing or makes no sense", body = FailureDocument),
        (status = 403, description = "This provider cannot be used safely", body = FailureDocument),
        (status = 409, description = "The provider refused to begin", body = FailureDocument),
        (status = 413, description = "The request is too large", body = FailureDocument),
        (status = 423, description = "The vault is locked", body = FailureDocument),
        (status = 429, description = "Too many logins are waiting", body = FailureDocument),
        (status = 500, description = "Something else went wrong", body = FailureDocument),
        (status = 503, description = "Not now", body = FailureDocument),
    )
)]
pub(super) async fn begin(
    State(api): State<Api>,
    Body(request): Body<LoginRequest>,
) -> Result<(StatusCode, Json<LoginDocument>), Refusal> {
    let (engine, config) = (api.desk.engine(), api.host.config());
    let begun = api.logins.begin(&engine, &config, api.host.environment(), wanted(request)?).await;
    let attempt = begun.map_err(|error| Refusal::from(error).of_vault(engine.is_locked()))?;
    Ok((StatusCode::CREATED, Json(LoginDocument::from(&*attempt))))
}

/// List the logins under way
///
/// Those that have ended are told of for ten minutes more.
#[utoipa::path(
    get,
    path = "/v1/logins",
    operation_id = "list_logins",
    tag = "logins",
    responses((status = 200, description = "The earliest to end first", body = [LoginDocument]))
)]
pub(super) async fn list(State(api): State<Api>) -> Json<Vec<LoginDocument>> {
    Json(api.logins.all().iter().map(|attempt| LoginDocument::from(&**attempt)).collect())
}

/// How long to wait for news.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
pub(super) struct Patience {
    /// Answer when the login has ended, or after so many seconds, 60 at most; left out: at once.
    wait: Option<u32>,
}

/// Show how far a login is
#[utoipa::path(
    get,
    path = "/v1/logins/{id}",
    operation_id = "show_login",
    tag = "logins",
    params(("id" = String, Path, description = "The login's name"), Patience),
    responses(
        (status = 200, description = "How far it is", body = LoginDocument),
        (status = 400, description = "The query cannot be understood", body = FailureDocument),
        (status = 404, description = "No such login", body = FailureDocument),
    )
)]
pub(super) async fn show(
    State(api): State<Api>,
    Named(id): Named,
    Asked(patience): Asked<Patience>,
) -> Result<Json<LoginDocument>, Refusal> {
    let attempt = find(&api, &id)?;
    if let Some(seconds) = patience.wait {
        let limit = Duration::from_secs(seconds.into()).min(LONGEST_WAIT);
        attempt.ended(limit, &*api.desk.engine().ports().clock).await;
    }
    Ok(Json(LoginDocument::from(&*attempt)))
}

/// Hand over the address a browser ended at
///
/// The answer tells how the login ended: an answer that is not this login's fails it.
#[utoipa::path(
    post,
    path = "/v1/logins/{id}/answer",
    operation_id = "answer_login",
    tag = "logins",
    params(("id" = String, Path, description = "The login's name")),
    request_body = LoginAnswer,
    responses(
        (status = 200, description = "How it ended", body = LoginDocument),
        (status = 400, description = "A login with a code takes no answer", body = FailureDocument),
        (status = 404, description = "No such login", body = FailureDocument),
        (status = 409, description = "It does not wait any more", body = FailureDocument),
        (status = 413, description = "The request is too large", body = FailureDocument),
    )
)]
pub(super) async fn answer(
    State(api): State<Api>,
    Named(id): Named,
    Body(answer): Body<LoginAnswer>,
) -> Result<Json<LoginDocument>, Refusal> {
    let attempt = find(&api, &id)?;
    let engine = api.desk.engine();
    attempt.answer(&engine, answer.redirect_url)?;
    attempt.ended(LONGEST_WAIT, &*engine.ports().clock).await;
    Ok(Json(LoginDocument::from(&*attempt)))
}

/// Cancel a login, or forget one that has ended
#[utoipa::path(
    delete,
    path = "/v1/logins/{id}",
    operation_id = "cancel_login",
    tag = "logins",
    params(("id" = String, Path, description = "The login's name")),
    responses(
        (status = 204, description = "It is gone"),
        (status = 404, description = "No such login", body = FailureDocument),
        (status = 409, description = "Its account is being stored right now", body = FailureDocument),
    )
)]
pub(super) async fn cancel(State(api): State<Api>, Named(id): Named) -> Result<StatusCode, Refusal> {
    api.logins.cancel(&*find(&api, &id)?)?;
    Ok(StatusCode::NO_CONTENT)
}

fn wanted(request: LoginRequest) -> Result<NewLogin, Failure> {
    let nickname = request.nickname.as_deref().map(Nickname::parse).transpose();
    let nickname = nickname.map_err(|error| {
        Failure::of(Exit::Usage, &error).hint("give `as` a name without spaces, `:` and `/`, or leave it out")
    })?;
    let wish = Wish {
        target: request.target,
        nickname,
        client_id: request.client_id,
        scopes: request.scopes,
        resource: request.resource,
        variables: request.variables.into_iter().collect(),
        ..Wish::default()
    };
    Ok(NewLogin {
        wish,
        client_secret: request.client_secret.filter(|secret| !secret.is_empty()),
        way: request.way.into(),
        limit: request.seconds.map(|seconds| Duration::from_secs(seconds.into())),
    })
}

fn find(api: &Api, id: &str) -> Result<Arc<Attempt>, Refusal> {
    api.logins.find(id).ok_or_else(|| {
        Refusal::new(StatusCode::NOT_FOUND, "no_such_login", "there is no such login")
            .hint("it may have been forgotten; begin another one with POST /v1/logins")
    })
}

impl From<AnswerError> for Refusal {
    fn from(error: AnswerError) -> Self {
        let (status, word, hint) = match error {
            AnswerError::NotWaiting => (StatusCode::CONFLICT, "too_late", "see how it ended with GET"),
            AnswerError::ByDevice => {
                (StatusCode::BAD_REQUEST, "usage", "the person enters `user_code` at `verification_uri`")
            }
        };
        Self::new(status, word, error.to_string()).hint(hint)
    }
}

/// Proxies and clients give up on silence after a minute.
const LONGEST_WAIT: Duration = Duration::from_mins(1);

//! The first administrator, by the code that the server has left on its own machine.

use axum::Json;
use axum::extract::Extension;
use axum::extract::State;
use bursar_core::engine::issuer::AuthorizationServer;
use bursar_core::engine::issuer::administration::first_code::FirstCodeError;
use bursar_core::secret::Secret;
use http::{HeaderMap, StatusCode};
use serde::Deserialize;
use utoipa::ToSchema;

use super::documents::UserDocument;
use super::failures::of_user;
use crate::exit::Failure;
use crate::http::extract::Body;
use crate::http::failures::ChangesRecords;
use crate::http::refusal::Refusal;
use crate::http::this_machine::is_here;
use crate::http::wire::FailureDocument;
use crate::server::Source;

/// The code, and who the first administrator shall be.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct FirstAdministratorBody {
    /// The code from the server's machine.
    #[schema(value_type = String, format = Password)]
    code: Secret,
    /// What they type to sign in.
    username: String,
    /// Their password.
    #[schema(value_type = String, format = Password)]
    password: Secret,
}

/// Become the first administrator of a new server, on its own machine
#[utoipa::path(
    post,
    path = "/v1/first-administrator",
    operation_id = "claim_first_code",
    tag = "users",
    request_body = FirstAdministratorBody,
    responses(
        (status = 201, description = "The administrator", body = UserDocument),
        (status = 403, description = "Not from this machine, the code is not good, or there is an administrator", body = FailureDocument),
        ChangesRecords
    )
)]
pub(super) async fn claim(
    State(server): State<AuthorizationServer>,
    source: Option<Extension<Source>>,
    headers: HeaderMap,
    Body(body): Body<FirstAdministratorBody>,
) -> Result<(StatusCode, Json<UserDocument>), Refusal> {
    if !is_here(source.as_deref(), &headers) {
        return Err(Refusal::new(
            StatusCode::FORBIDDEN,
            "denied",
            "this is only done on the server's own machine",
        )
        .hint("run `bursar user add NAME --admin` there"));
    }
    let claimed = server.claim_first_code(&body.code, &body.username, body.password).await;
    let user = claimed.map_err(|error| match error {
        FirstCodeError::User(error) => of_user(error),
        other => Failure::from(other).into(),
    })?;
    Ok((StatusCode::CREATED, Json(UserDocument::from(&user))))
}

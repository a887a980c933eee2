//! The API about itself.

use axum::response::IntoResponse;
use http::header::CONTENT_TYPE;

/// Describe the API
#[utoipa::path(
    get,
    path = "/v1/openapi.json",
    operation_id = "describe_api",
    tag = "api",
    responses((status = 200, description = "This document", body = Object, content_type = "application/json"))
)]
pub(super) async fn show() -> impl IntoResponse {
    ([(CONTENT_TYPE, "application/json")], super::openapi())
}

/// Tell that the process lives
#[utoipa::path(
    get,
    path = "/healthz",
    operation_id = "check_health",
    tag = "api",
    responses((status = 200, description = "`ok`", body = String, content_type = "text/plain"))
)]
pub(super) async fn health() -> &'static str {
    "ok"
}

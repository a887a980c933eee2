//! The one API, as HTTP and JSON: what the agent answers on its socket, with the document that describes it.
//!
//! Each operation is a handler in a file of its own group: extract, one call, respond. `wire` has what goes over the
//! line, `serving` the connections, `refusal` how failures look. Who may call at all was decided before: by the
//! socket's mode and the peer's user, or by [`session_door`].

mod accounts;
mod caller;
mod events;
mod extract;
mod process;
mod refusal;
pub mod serving;
mod session_door;
mod sessions;
mod tokens;
pub mod wire;

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub use self::caller::Caller;
pub use self::process::Host;
pub use self::session_door::{SessionDoor, session_door};
use crate::desk::Desk;

/// What handlers work with.
#[derive(Clone, Debug)]
pub struct Api {
    /// Hands out, and reads records.
    pub desk: Desk,
    /// The process that serves the API.
    pub host: Arc<dyn Host>,
}

/// All routes of the API.
pub fn router(api: Api) -> Router {
    let (router, document) = routes().split_for_parts();
    let text = serde_json::to_string_pretty(&document).unwrap_or_default();
    router
        .route("/v1/openapi.json", axum::routing::get(move || openapi_json(text.clone())))
        .route("/healthz", axum::routing::get(|| async { "ok" }))
        .fallback(refusal::unknown_route)
        .method_not_allowed_fallback(refusal::wrong_method)
        .layer(DefaultBodyLimit::max(LARGEST_BODY))
        .with_state(api)
}

/// The document that describes the API, as JSON.
pub fn openapi() -> String {
    let (_, document) = routes().split_for_parts();
    let mut text = serde_json::to_string_pretty(&document).unwrap_or_default();
    text.push('\n');
    text
}

fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::with_openapi(Description::openapi())
        .routes(routes!(accounts::list))
        .routes(routes!(accounts::show))
        .routes(routes!(tokens::hand_out))
        .routes(routes!(tokens::refresh))
        .routes(routes!(sessions::list, sessions::open))
        .routes(routes!(sessions::renew, sessions::end))
        .routes(routes!(events::stream))
        .routes(routes!(process::show))
        .routes(routes!(process::stop))
        .routes(routes!(process::unlock))
        .routes(routes!(process::lock))
}

async fn openapi_json(text: String) -> impl axum::response::IntoResponse {
    ([(http::header::CONTENT_TYPE, "application/json")], text)
}

#[derive(OpenApi)]
#[openapi(info(
    title = "bursar",
    description = "Accounts, hand-outs, sessions and events. The agent serves it on a Unix socket that only its own \
                   user can open."
))]
struct Description;

/// The largest legitimate request carries one refused token, and tokens end at some kilobytes.
const LARGEST_BODY: usize = 64 * 1024;

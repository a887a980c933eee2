//! Administration of the authorization server over HTTP: clients, users, resources, keys, grants and refusals.
//!
//! The same operations as on the command line, one handler each. Who may call is decided before, by `door`.

mod clients;
pub(crate) mod documents;
mod door;
mod failures;
mod first_administrator;
mod grants;
mod keys;
mod pages;
mod refusals;
mod resources;
mod users;

use axum::Router;
use axum::middleware::from_fn_with_state;
use bursar_core::engine::issuer::AuthorizationServer;
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{refusal, wire};

/// All routes of administration, beneath `/v1`. Requests must carry the extension `server::Source`.
pub fn router(server: &AuthorizationServer) -> Router {
    let (guarded, _) = guarded().split_for_parts();
    let (open, _) = open().split_for_parts();
    let routes = guarded
        .route_layer(from_fn_with_state(server.clone(), door::admit))
        .merge(open)
        .method_not_allowed_fallback(refusal::wrong_method)
        .with_state(server.clone());
    // An issuer may have a path, under which everything of it is.
    match server.rules().issuer.as_url().path().trim_end_matches('/') {
        "" => routes,
        base => Router::new().nest(base, routes),
    }
}

/// The document that describes them, as JSON.
pub fn openapi() -> String {
    let (_, mut document) = guarded().split_for_parts();
    let (_, open) = open().split_for_parts();
    document.merge(open);
    let mut text = serde_json::to_string_pretty(&document).unwrap_or_default();
    text.push('\n');
    text
}

fn guarded() -> OpenApiRouter<AuthorizationServer> {
    OpenApiRouter::with_openapi(Description::openapi())
        .routes(routes!(clients::list, clients::add))
        .routes(routes!(clients::show, clients::change, clients::remove))
        .routes(routes!(clients::renew_secret))
        .routes(routes!(users::list, users::add))
        .routes(routes!(users::show, users::change, users::remove))
        .routes(routes!(users::set_password))
        .routes(routes!(users::disable))
        .routes(routes!(users::enable))
        .routes(routes!(resources::list, resources::add))
        .routes(routes!(resources::show, resources::change, resources::remove))
        .routes(routes!(keys::list))
        .routes(routes!(keys::renew))
        .routes(routes!(keys::remove))
        .routes(routes!(grants::list))
        .routes(routes!(grants::withdraw))
        .routes(routes!(refusals::explain))
}

fn open() -> OpenApiRouter<AuthorizationServer> {
    OpenApiRouter::new().routes(routes!(first_administrator::claim))
}

#[derive(OpenApi)]
#[openapi(
    info(
        title = "bursar administration",
        version = "1",
        description = "Clients, users, resources, keys, grants and refusals of the authorization server. Every call \
                       carries an access token of this same server as `Authorization: Bearer`, with the scope \
                       `bursar:admin`, or `bursar:read` to look only. Addresses and ids in paths are percent-encoded. \
                       Members may be added to every answer."
    ),
    components(schemas(wire::FailureDocument)),
    tags(
        (name = "clients", description = "Programs that ask for tokens."),
        (name = "users", description = "People who sign in."),
        (name = "resources", description = "APIs that take tokens."),
        (name = "keys", description = "What signs tokens."),
        (name = "grants", description = "What users let clients do."),
        (name = "refusals", description = "Why a request got nothing."),
    )
)]
struct Description;

//! Administration of the authorization server over HTTP: clients, users, resources, keys, grants and refusals, and what is
//! about the installation as a whole.
//!
//! The same operations as on the command line, one handler each. Who may call is decided before, by `door`.

mod clients;
pub(crate) mod documents;
mod door;
mod events;
mod failures;
mod first_administrator;
mod grants;
mod keys;
mod pages;
mod refusals;
mod resources;
mod sandboxes;
pub(crate) mod seed;
mod users;
mod vault;

use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::routing::get;
use bursar_core::engine::issuer::AuthorizationServer;
use bursar_core::engine::issuer::administration::admission::Access;
use utoipa::OpenApi;
use utoipa::openapi::OpenApi as OpenApiDocument;
use utoipa::openapi::path::{Operation, PathItem};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::failures::failure;
use super::{description, refusal, wire};
use crate::sandboxes::SandboxServers;

/// All routes of administration, beneath `/v1`. Requests must carry the extension `server::Source`.
pub fn router(server: &AuthorizationServer) -> Router {
    let (guarded, _) = guarded().split_for_parts();
    let (open, _) = open().split_for_parts();
    let routes = guarded
        // Described where the agent's are.
        .route(EVENTS, get(events::stream))
        .route_layer(from_fn_with_state(server.clone(), door::admit))
        .merge(open)
        .method_not_allowed_fallback(refusal::wrong_method)
        .with_state(server.clone());
    beneath(server, routes)
}

/// An issuer may have a path, under which everything of it is.
fn beneath(server: &AuthorizationServer, routes: Router) -> Router {
    match server.rules().issuer.as_url().path().trim_end_matches('/') {
        "" => routes,
        base => Router::new().nest(base, routes),
    }
}

/// The routes about the installation as a whole, beneath `/v1` of its own server: those of sandboxes have none of them.
pub fn installation_router(servers: &SandboxServers) -> Router {
    let server = servers.around();
    let (routes, _) = about_the_vault().split_for_parts();
    let routes = routes
        .route_layer(from_fn_with_state(server.clone(), door::admit))
        .method_not_allowed_fallback(refusal::wrong_method)
        .with_state(server.clone());
    sandbox_router(servers).merge(beneath(server, routes))
}

fn sandbox_router(servers: &SandboxServers) -> Router {
    let (routes, _) = about_sandboxes().split_for_parts();
    let server = servers.around();
    let routes = routes
        .route_layer(from_fn_with_state(server.clone(), door::admit_to_sandboxes))
        .method_not_allowed_fallback(refusal::wrong_method)
        .with_state(servers.clone());
    beneath(server, routes)
}

/// What describes them, as a part of the whole API.
pub(super) fn described() -> OpenApiDocument {
    let (_, mut document) = guarded().split_for_parts();
    document.merge(about_the_vault().split_for_parts().1);
    for (path, operations) in &mut document.paths.paths {
        let names = path.contains('{');
        operations.get.iter_mut().for_each(|operation| guard(operation, Access::Read.scope(), names));
        let PathItem { put, post, delete, patch, .. } = operations;
        let changes = [put, post, delete, patch].into_iter().flatten();
        changes.for_each(|operation| guard(operation, Access::Change.scope(), names));
    }
    let token = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).description(Some(TOKEN)).build();
    let components = document.components.get_or_insert_default();
    components.add_security_scheme(SCHEME, SecurityScheme::Http(token));
    let (_, mut sandboxes) = about_sandboxes().split_for_parts();
    for (path, operations) in &mut sandboxes.paths.paths {
        let PathItem { get, post, delete, .. } = operations;
        let all = [get, post, delete].into_iter().flatten();
        all.for_each(|operation| guard(operation, Access::Sandboxes.scope(), path.contains('{')));
    }
    document.merge(sandboxes);
    let (_, open) = open().split_for_parts();
    document.merge(open);
    document
}

/// Tells in the description of the whole API what the door asks of the operations that an agent serves too, to whoever can
/// open its socket.
pub(super) fn describe_shared(document: &mut OpenApiDocument) {
    let events = document.paths.paths.get_mut(EVENTS).and_then(|path| path.get.as_mut());
    if let Some(operation) = events {
        guard(operation, Access::Read.scope(), false);
        operation.security.get_or_insert_default().push(SecurityRequirement::default());
    }
}

/// Tells what the door asks of an operation, and how it ends there; `names`: or because there is nothing of that name.
fn guard(operation: &mut Operation, scope: &str, names: bool) {
    operation.security = Some(vec![SecurityRequirement::new(SCHEME, [scope])]);
    let mut add = |status: &str, description: &str| {
        let responses = &mut operation.responses.responses;
        responses.entry(status.to_owned()).or_insert_with(|| failure(description).into());
    };
    add("401", "There is no token, or it is not good");
    add("403", "The token is good for less");
    if names {
        add("404", "There is nothing of this name");
    }
}

fn guarded() -> OpenApiRouter<AuthorizationServer> {
    OpenApiRouter::with_openapi(Description::openapi())
        .routes(routes!(clients::list, clients::add))
        .routes(routes!(clients::show, clients::change, clients::remove))
        .routes(routes!(clients::renew_secret))
        .routes(routes!(users::list, users::add))
        .routes(routes!(users::show, users::change, users::remove))
        .routes(routes!(users::set_password))
        .routes(routes!(users::reset_password))
        .routes(routes!(users::free))
        .routes(routes!(users::forget_passkeys))
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

fn about_the_vault() -> OpenApiRouter<AuthorizationServer> {
    OpenApiRouter::new().routes(routes!(vault::show)).routes(routes!(vault::rekey))
}

fn about_sandboxes() -> OpenApiRouter<SandboxServers> {
    OpenApiRouter::new()
        .routes(routes!(sandboxes::list, sandboxes::add))
        .routes(routes!(sandboxes::show, sandboxes::remove))
        .routes(routes!(sandboxes::reset))
        .routes(routes!(sandboxes::seed))
}

fn open() -> OpenApiRouter<AuthorizationServer> {
    OpenApiRouter::new().routes(routes!(first_administrator::claim)).routes(routes!(description::show))
}

/// Of both processes, each with its own.
const EVENTS: &str = "/v1/events";
const SCHEME: &str = "access_token";
const TOKEN: &str = "An access token of this same server with the scope `bursar:admin`, or `bursar:read` to look only; for sandboxes `bursar:sandboxes`; one that is \
                     bound to a key comes as `Authorization: DPoP` with its proof";

#[derive(OpenApi)]
#[openapi(
    components(schemas(wire::FailureDocument)),
    tags(
        (name = "clients", description = "Programs that ask for tokens."),
        (name = "users", description = "People who sign in."),
        (name = "resources", description = "APIs that take tokens."),
        (name = "keys", description = "What signs tokens."),
        (name = "grants", description = "What users let clients do."),
        (name = "refusals", description = "Why a request got nothing."),
        (name = "sandboxes", description = "Tenants: each is an authorization server with all of this of its own."),
    )
)]
struct Description;

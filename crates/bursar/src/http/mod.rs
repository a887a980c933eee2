//! The one API, as HTTP and JSON: what the agent answers on its socket, with the document that describes it.
//!
//! Each operation is a handler in a file of its own group: extract, one call, respond. `wire` has what goes over the
//! line, `serving` the connections, `refusal` how failures look. Who may call at all was decided before: by the
//! socket's mode and the peer's user, or by [`session_door`].

mod accounts;
pub mod administration;
mod bearing;
mod caller;
pub(crate) mod cause;
mod description;
mod events;
mod extract;
mod failures;
mod login_refusal;
mod logins;
pub mod oauth;
pub mod pages;
mod process;
mod proofs;
mod refusal;
mod sandboxes;
pub mod serving;
mod session_door;
mod sessions;
mod this_machine;
mod tokens;
pub mod wire;

use std::sync::Arc;

use axum::Router;
use bursar_core::engine::sandboxes::SandboxName;
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub use self::caller::Caller;
pub use self::process::Host;
pub use self::sandboxes::AgentSandboxes;
pub use self::session_door::{SessionDoor, Told, session_door};
use crate::desk::Desk;
use crate::logins::Logins;

/// What handlers work with.
#[derive(Clone, Debug)]
pub struct Api {
    /// Hands out, and reads records.
    pub desk: Desk,
    /// The process that serves the API.
    pub host: Arc<dyn Host>,
    /// Logins under way.
    pub logins: Logins,
}

/// All routes of the API.
pub fn router(api: Api) -> Router {
    let (router, _) = routes().split_for_parts();
    router.fallback(refusal::unknown_route).method_not_allowed_fallback(refusal::wrong_method).with_state(api)
}

/// The routes about accounts alone, for the accounts of one sandbox.
pub fn sandbox_router(api: Api) -> Router {
    let (router, _) = account_routes().split_for_parts();
    router.fallback(refusal::unknown_route).method_not_allowed_fallback(refusal::wrong_method).with_state(api)
}

/// What comes before the paths of the API for what is in a sandbox.
pub fn place_of(sandbox: &SandboxName) -> String {
    format!("/s/{sandbox}")
}

/// The document that describes the whole API, of the agent and of the server, as JSON.
pub fn openapi() -> String {
    let (_, mut document) = routes().split_for_parts();
    document.merge(administration::described());
    administration::describe_shared(&mut document);
    let mut text = serde_json::to_string_pretty(&document).unwrap_or_default();
    text.push('\n');
    text
}

fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::with_openapi(Description::openapi())
        .merge(account_routes())
        .routes(routes!(process::show))
        .routes(routes!(process::stop))
        .routes(routes!(process::unlock))
        .routes(routes!(process::lock))
        .routes(routes!(description::show))
        .routes(routes!(description::health))
}

fn account_routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(accounts::list))
        .routes(routes!(accounts::show, accounts::log_out))
        .routes(routes!(accounts::pause))
        .routes(routes!(accounts::resume))
        .routes(routes!(accounts::deadlines))
        .routes(routes!(tokens::hand_out))
        .routes(routes!(tokens::refresh))
        .routes(routes!(proofs::make))
        .routes(routes!(sessions::list, sessions::open))
        .routes(routes!(sessions::renew, sessions::end))
        .routes(routes!(logins::list, logins::begin))
        .routes(routes!(logins::show, logins::cancel))
        .routes(routes!(logins::answer))
        .routes(routes!(events::stream))
}

#[derive(OpenApi)]
#[openapi(
    info(
        title = "bursar",
        version = "1",
        description = "Two processes serve parts of it. The agent: accounts, hand-outs, sessions, logins and events, on a \
                       Unix socket that only its own user can open; who can open it may do everything there. The \
                       server: clients, users, resources, keys, grants, refusals and events of the authorization server, \
                       for whoever shows the token that the operation names; ids and addresses in paths are \
                       percent-encoded. Every failure is one document with a stable word, a sentence and a hint. \
                       Members may be added to every answer."
    ),
    components(schemas(wire::FailureDocument)),
    tags(
        (name = "accounts", description = "Logins that bursar holds."),
        (name = "tokens", description = "Handing out and refreshing."),
        (name = "sessions", description = "Uses of accounts, so that nothing in use is taken away."),
        (name = "logins", description = "Logging in for a program that has a person of its own to show things to."),
        (name = "events", description = "What happens, as it happens."),
        (name = "agent", description = "The process that serves the API."),
        (name = "vault", description = "The key to everything."),
        (name = "api", description = "The API itself."),
    )
)]
struct Description;

//! The endpoints of the authorization server, as HTTP: extract, one call of the use case, respond.
//!
//! What may be asked where is the engine's table of checks; here is only how it travels: forms, headers, cookies, pages.

mod account;
mod authorize;
mod cookies;
mod cors;
mod device;
mod discovery;
mod failure;
mod form;
mod logout;
mod met;
mod missing;
mod passkey_sign_in;
mod registration;
mod reset;
mod set_up;
mod sign_in;
mod source;
mod token;
mod users;

use std::sync::Arc;

use axum::Router;
use axum::routing::{get, post};
use bursar_core::engine::issuer::AuthorizationServer;
use bursar_core::oauth::server::server_metadata::{Endpoint, WellKnown};

use self::cookies::Cookies;
pub(crate) use self::failure::told;
use super::pages::{Language, Look};

/// What the endpoints work with.
#[derive(Clone, Debug)]
pub struct Issuing {
    /// The use cases.
    pub server: AuthorizationServer,
    /// How pages look, in the language of the request. Shared, because every request has all of this for itself.
    pub look: Arc<Look>,
    german: Arc<Look>,
    cookies: Arc<Cookies>,
    /// Where somebody whose page is lost begins again, as a path; `None`: in the application that sent them.
    beginning: Option<&'static str>,
}

impl Issuing {
    /// The endpoints of `server`.
    pub fn new(server: AuthorizationServer, look: Arc<Look>) -> Self {
        let rules = server.rules();
        let cookies = Arc::new(Cookies::of(&rules.issuer, rules.sandbox.as_ref()));
        let german = Arc::new(look.in_language(Language::German));
        Self { server, look, german, cookies, beginning: None }
    }
}

impl Issuing {
    /// A path of ours as browsers see it.
    fn path(&self, path: &str) -> String {
        let base = self.server.rules().issuer.as_url().path();
        format!("{}{path}", base.trim_end_matches('/'))
    }
}

/// All routes of the authorization server.
pub fn router(issuing: Issuing) -> Router {
    let issuer = issuing.server.rules().issuer.clone();
    let base = issuer.as_url().path().trim_end_matches('/').to_owned();
    let mut open = Router::new();
    for path in WellKnown::paths_of(&issuer) {
        open = open.route(&path, get(discovery::server));
    }
    let resource = WellKnown::ProtectedResource.path();
    open = open
        .route(resource, get(discovery::resource))
        .route(&format!("{resource}/{{*path}}"), get(discovery::resource));
    let mut beneath = Router::new().route(Endpoint::Keys.path(), get(discovery::keys));
    let mut pages = Router::new()
        .route("/", get(sign_in::arrive))
        .route(authorize::CONTINUE, get(authorize::go_on))
        .route(sign_in::PATH, get(sign_in::arrive).post(sign_in::sign_in))
        .route(passkey_sign_in::PATH, post(passkey_sign_in::sign_in))
        .route(passkey_sign_in::SCRIPT, get(passkey_sign_in::script))
        .route(reset::PATH, get(reset::page).post(reset::set))
        .route(set_up::PATH, get(set_up::page).post(set_up::claim))
        .merge(account::routes())
        .route(authorize::CONSENT, post(authorize::decide))
        .route(logout::LEAVE, post(logout::leave))
        .route(Endpoint::EndSession.path(), get(logout::begin).post(logout::begin))
        .route(logout::DECISION, post(logout::decide))
        .route(Endpoint::DeviceVerification.path(), get(device::page).post(device::typed))
        .route(device::DECISION, post(device::decide))
        .route(users::SESSION_TOKEN, post(users::session_token));
    for path in paths(Endpoint::Token) {
        beneath = beneath.route(path, post(token::token));
    }
    beneath = beneath
        .route(Endpoint::Introspection.path(), post(token::introspect))
        .route(Endpoint::Revocation.path(), post(token::revoke))
        .route(Endpoint::PushedAuthorizationRequest.path(), post(token::push))
        .route(Endpoint::DeviceAuthorization.path(), post(device::begin))
        .route(Endpoint::UserInfo.path(), get(users::userinfo).post(users::userinfo));
    for path in paths(Endpoint::Registration) {
        let one = format!("{path}/{{id}}");
        beneath = beneath
            .route(path, post(registration::register))
            .route(&one, get(registration::show).put(registration::change).delete(registration::withdraw));
    }
    for path in paths(Endpoint::Authorization) {
        pages = pages.route(path, get(authorize::begin).post(authorize::begin_by_form));
    }
    // Before they are opened to other origins: browsers ask by a method of their own whether they may.
    let programs = open.merge(nested(&base, beneath)).method_not_allowed_fallback(missing::wrong_method);
    cors::open(programs)
        .merge(nested(&base, pages).method_not_allowed_fallback(missing::wrong_method))
        .fallback(missing::nothing_here)
        .with_state(issuing)
}

fn nested(base: &str, router: Router<Issuing>) -> Router<Issuing> {
    if base.is_empty() { router } else { Router::new().nest(base, router) }
}

/// Where an endpoint is: clients of 2025 look for some of them at the root.
fn paths(endpoint: Endpoint) -> impl Iterator<Item = &'static str> {
    [Some(endpoint.path()), endpoint.fallback_path()].into_iter().flatten()
}

//! What commands that look after the authorization server have in common: the server on the store of this machine.

use bursar_core::engine::Engine;
use bursar_core::engine::issuer::AuthorizationServer;
use bursar_core::engine::issuer::records::user::User;
use bursar_core::engine::sandboxes::Sandbox;
use bursar_core::oauth::url::Issuer;
use serde::Serialize;
use serde_json::Value;

use super::app::App;
use crate::exit::{Exit, Failure};
use crate::issuing::authorization_server;
use crate::sandboxes::address::issuer_of;
use crate::server::PublicUrl;

/// The authorization server that a command is about, in the hands of whoever runs it: of the sandbox it works in, or the server
/// itself.
pub(super) async fn server_of(app: &App) -> Result<AuthorizationServer, Failure> {
    let around = server_around(app).await?;
    match &app.sandbox {
        Some(sandbox) => server_within(&around, sandbox),
        None => Ok(around),
    }
}

/// The authorization server of a sandbox, in the same hands.
pub(super) fn server_within(
    around: &AuthorizationServer,
    sandbox: &Sandbox,
) -> Result<AuthorizationServer, Failure> {
    let issuer = issuer_of(&around.rules().issuer, sandbox.name.as_str(), sandbox.host.as_ref());
    let issuer = issuer.map_err(|error| {
        Failure::of(Exit::Usage, &error).hint("see that `server.public_url` is what the server is known by")
    })?;
    Ok(around.of_sandbox(sandbox, issuer).acting_as(COMMAND_LINE))
}

/// There is no sandbox of this name.
pub(super) fn missing_sandbox(name: &str) -> Failure {
    Failure::new(Exit::Error, format!("there is no sandbox `{name}`"))
        .hint("see what there is with `bursar sandbox list`")
}

/// The authorization server itself, in the hands of whoever runs the command, by the name that it has said of itself.
pub(super) async fn server_around(app: &App) -> Result<AuthorizationServer, Failure> {
    server_around_on(app, &app.installation).await
}

/// The same on another store.
pub(super) async fn server_around_on(app: &App, engine: &Engine) -> Result<AuthorizationServer, Failure> {
    let configured = PublicUrl::configured(&app.config.server);
    let said = engine.public_name(configured.as_str()).await?;
    let url = said.as_ref().map_or(configured.as_str(), Issuer::as_str);
    Ok(authorization_server(engine, &app.config, url)?.acting_as(COMMAND_LINE))
}

/// The user of this id or name. Ids come first: no name may take one's place.
pub(super) async fn user_called(server: &AuthorizationServer, called: &str) -> Result<User, Failure> {
    let by_id = server.user(called).await?;
    let user = match by_id {
        Some(user) => Some(user),
        None => server.user_named(called).await?,
    };
    user.map(|user| user.document).ok_or_else(|| {
        Failure::new(Exit::Error, format!("there is no user `{called}`"))
            .hint("see who there is with `bursar user list`")
    })
}

/// A document for `--json`.
pub(super) fn value(document: &impl Serialize) -> Value {
    serde_json::to_value(document).unwrap_or_default()
}

/// `text`, unless it is empty.
pub(super) fn unless_empty(text: &str) -> Option<String> {
    Some(text.to_owned()).filter(|text| !text.is_empty())
}

/// How many records are read at a time.
pub(super) const PAGE: usize = 256;
/// Whoever can open the store may do everything; who that is, the system knows.
pub(super) const COMMAND_LINE: &str = "command-line";

//! The authorization server as this program runs it: its rules from the configuration, what it does by itself, its routes.

use std::sync::Arc;
use std::time::Duration;

use bursar_core::engine::Engine;
use bursar_core::engine::issuer::AuthorizationServer;
use bursar_core::engine::issuer::rules::Rules;
use bursar_core::oauth::url::Issuer;

use crate::config::Config;
use crate::exit::{Exit, Failure};
use crate::http::administration;
use crate::http::oauth::{Issuing, router};
use crate::http::pages::Look;
use crate::passwords::Argon2Passwords;
use crate::server::{Chore, Ground, House};

/// The authorization server of `engine`'s sandbox, known by `public_url`.
pub fn authorization_server(
    engine: &Engine,
    _config: &Config,
    public_url: &str,
) -> Result<AuthorizationServer, Failure> {
    let issuer = Issuer::parse(public_url).map_err(|error| {
        Failure::of(Exit::Usage, &error)
            .hint("say an https address, or one of this machine, in `server.public_url`")
    })?;
    let passwords = Argon2Passwords::new(Arc::clone(&engine.ports().random));
    Ok(AuthorizationServer::new(engine.clone(), Rules::of(issuer), Arc::new(passwords)))
}

/// Everything that a server has inside.
pub fn house(ground: &Ground) -> Result<House, Failure> {
    let server = authorization_server(&ground.engine, &ground.config, ground.public_url.as_str())?;
    let router = router(Issuing::new(server.clone(), Look::default()));
    let router = router.merge(administration::router(&server));
    Ok(House { router, chores: chores(&server) })
}

fn chores(server: &AuthorizationServer) -> Vec<Chore> {
    let (keys, tidy) = (server.clone(), server.clone());
    vec![
        Chore::new("signing keys", LOOK_AT_KEYS, move || {
            let server = keys.clone();
            async move {
                server.published_keys().await?;
                server.rotate_keys().await?;
                Ok(())
            }
        }),
        Chore::new("what has ended", TIDY_UP, move || {
            let server = tidy.clone();
            async move {
                server.tidy_up().await?;
                Ok(())
            }
        }),
    ]
}

/// Keys live for months.
const LOOK_AT_KEYS: Duration = Duration::from_hours(1);
/// Answers that may be asked for again are kept for a minute.
const TIDY_UP: Duration = Duration::from_secs(30);

//! The authorization server as this program runs it: its rules from the configuration, what it does by itself, its routes.

use std::io::Read as _;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bursar_core::engine::Engine;
use bursar_core::engine::issuer::AuthorizationServer;
use bursar_core::engine::issuer::rules::{Quotas, Rules, Teller};
use bursar_core::engine::issuer::session_rules::{SessionRules, SessionSigning, SessionSigningError};
use bursar_core::engine::vault::rekeying::Rekeyer;
use bursar_core::oauth::url::Issuer;
use bursar_core::ports::clock::Clock;

use crate::config::Config;
use crate::config::environment::Environment;
use crate::config::issuing::{BrandConfig, IssuingConfig, SessionsConfig};
use crate::config::secret_source::SecretSourceError;
use crate::exit::{Exit, Failure};
use crate::http::administration;
use crate::http::oauth::{Issuing, router};
use crate::http::pages::Look;
use crate::http::pages::brand::{Brand, BrandError, Logo};
use crate::passwords::Argon2Passwords;
use crate::sandboxes::SandboxServers;
use crate::server::{Chore, Ground, House, PublicUrl};

/// The authorization server of `engine`'s sandbox, known by `public_url`, for commands that look after it: it issues no
/// session tokens, and so reads no secret for them.
///
/// # Errors
/// The address cannot be an issuer, or the configuration says what no server can do.
pub fn authorization_server(
    engine: &Engine,
    config: &Config,
    public_url: &str,
) -> Result<AuthorizationServer, Failure> {
    let rules = Rules { tells_of_logouts: Teller::TheServer, ..rules(config.issuing()?, public_url)? };
    Ok(server(engine, rules))
}

/// Everything that a server has inside.
///
/// # Errors
/// As [`authorization_server`], or a secret or a picture cannot be read.
pub async fn house(ground: &Ground, environment: &Environment) -> Result<House, Failure> {
    let config = ground.config.issuing()?;
    let mut rules = rules(config, ground.public_url.as_str())?;
    let clock = &*ground.engine.ports().clock;
    rules.sessions.signing = session_signing(&config.sessions, environment, clock).await?;
    say_name(ground, &rules.issuer).await;
    let server = server(&ground.engine, rules);
    let look = Arc::new(look(&config.brand)?);
    let sandboxes = SandboxServers::new(server.clone(), Arc::clone(&look));
    let router = router(Issuing::new(server.clone(), look));
    let router =
        router.merge(administration::router(&server)).merge(administration::installation_router(&sandboxes));
    let chores = chores(&ground.engine, &server).into_iter().chain(sandbox_chores(&sandboxes)).collect();
    Ok(House { router, chores, refusals: Some(server), sandboxes: Some(sandboxes) })
}

/// Somebody who goes on with changes of data keys, beside other work.
///
/// # Errors
/// The configuration says what no server can do.
pub fn rekeyer(engine: &Engine, config: &Config) -> Result<Rekeyer, Failure> {
    // How long tokens live is the same whatever the server is called.
    let lives = rules(config.issuing()?, "http://localhost")?.made_lives();
    Ok(Rekeyer::new(engine.clone(), lives, RESEALED_A_SECOND))
}

/// Tells the commands beside it by what name the server is known.
async fn say_name(ground: &Ground, issuer: &Issuer) {
    let configured = PublicUrl::configured(&ground.config.server);
    if let Err(error) = ground.engine.say_public_name(issuer, configured.as_str()).await {
        tracing::warn!(%error, "commands beside this server may name another issuer than it does");
    }
}

fn server(engine: &Engine, rules: Rules) -> AuthorizationServer {
    let passwords = Argon2Passwords::new(Arc::clone(&engine.ports().random));
    AuthorizationServer::new(engine.clone(), rules, Arc::new(passwords))
}

/// The rules of the server known by `public_url`, all but the secrets that sign sessions: [`session_signing`] reads those.
///
/// # Errors
/// The address cannot be an issuer.
pub fn rules(config: &IssuingConfig, public_url: &str) -> Result<Rules, Failure> {
    let issuer = Issuer::parse(public_url).map_err(|error| {
        Failure::of(Exit::Usage, &error)
            .hint("say an https address, or one of this machine, in `server.public_url`")
    })?;
    let IssuingConfig { registration, sessions, .. } = config;
    Ok(Rules {
        issuer,
        sandbox: None,
        lifetimes: config.lifetimes,
        access_format: config.access_format,
        key_age: config.key_age,
        open_registration: registration.open,
        registration_limits: registration.limits,
        metadata_documents: registration.metadata_documents,
        guarded_proxy: registration.guarded_proxy.clone(),
        unused_client: registration.unused_client,
        proof_nonces: config.proof_nonces,
        complete_verification_uri: config.complete_verification_uri,
        sessions: SessionRules {
            audience: sessions.audience.clone(),
            lifetime: sessions.lifetime,
            signing: SessionSigning::new(sessions.algorithm, Vec::new())
                .unwrap_or_else(|_needs_secret| SessionRules::default().signing),
            names: sessions.names.clone(),
            clients: sessions.clients.clone(),
        },
        allowed_users: config.allowed_users.clone(),
        reset_ends_logins: config.reset_ends_logins,
        events_kept: config.events_kept,
        quotas: Quotas::default(),
        tells_of_logouts: Teller::AtOnce,
    })
}

/// What signs session tokens, with the secrets it needs.
///
/// # Errors
/// A secret cannot be read, or could be guessed.
pub async fn session_signing(
    config: &SessionsConfig,
    environment: &Environment,
    clock: &dyn Clock,
) -> Result<SessionSigning, Failure> {
    let mut secrets = Vec::with_capacity(config.secrets.len());
    for source in &config.secrets {
        let secret = source.read(environment, clock).await.map_err(|error| {
            let hint = error.hint();
            Failure::of(Exit::Usage, &UnusableError::Secret(error)).hint(hint)
        })?;
        secrets.push(secret);
    }
    SessionSigning::new(config.algorithm, secrets).map_err(|error| {
        Failure::of(Exit::Usage, &UnusableError::Signing(error))
            .hint("make a secret with: openssl rand -base64 48")
    })
}

/// How the server's pages look.
///
/// # Errors
/// The picture cannot be read, or is none.
pub fn look(config: &BrandConfig) -> Result<Look, Failure> {
    let usual = Brand::default();
    let logo = config.logo.as_deref().map(logo).transpose()?;
    Ok(Look::new(Brand { name: config.name.clone(), logo, colour: config.colour.unwrap_or(usual.colour) }))
}

fn logo(path: &Path) -> Result<Logo, Failure> {
    let path = path.to_owned();
    let unusable = |error: UnusableError| {
        Failure::of(Exit::Usage, &error).hint("name a small PNG, JPEG, WebP or SVG file in `brand.logo`")
    };
    let read = || {
        // A pipe would be waited for.
        if !std::fs::metadata(&path)?.is_file() {
            return Err(std::io::ErrorKind::InvalidInput.into());
        }
        let mut bytes = Vec::new();
        std::fs::File::open(&path)?.take(LARGEST_PICTURE).read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    match read() {
        Err(source) => Err(unusable(UnusableError::Unread { path, source })),
        Ok(bytes) => {
            Logo::of_picture(&bytes).map_err(|source| unusable(UnusableError::Logo { path, source }))
        }
    }
}

/// Something the configuration names cannot be used.
#[derive(Debug, thiserror::Error)]
enum UnusableError {
    #[error("the secret that signs session tokens cannot be read")]
    Secret(#[source] SecretSourceError),
    #[error("session tokens cannot be signed")]
    Signing(#[source] SessionSigningError),
    #[error("cannot read the logo {}", path.display())]
    Unread { path: PathBuf, source: std::io::Error },
    #[error("{} cannot be the logo", path.display())]
    Logo { path: PathBuf, source: BrandError },
}

fn chores(engine: &Engine, server: &AuthorizationServer) -> Vec<Chore> {
    let (engine, keys, tidy, telling) = (engine.clone(), server.clone(), server.clone(), server.clone());
    let rekeyer = Rekeyer::new(engine.clone(), server.rules().made_lives(), RESEALED_A_SECOND);
    let vaulted = engine.clone();
    vec![
        Chore::new("data keys", LOOK_AT_DATA_KEYS, move || {
            let (rekeyer, engine) = (rekeyer.clone(), vaulted.clone());
            async move {
                if engine.is_unlocked() {
                    rekeyer.go_on().await?;
                }
                Ok(())
            }
        }),
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
        Chore::new("ends of sessions", TELL_OF_LOGOUTS, move || {
            let server = telling.clone();
            async move {
                server.tell_of_logouts().await?;
                Ok(())
            }
        }),
        Chore::new("held accounts", LOOK_AFTER_ACCOUNTS, move || {
            let engine = engine.clone();
            async move { Ok(engine.keep_house().await?) }
        }),
    ]
}

fn sandbox_chores(sandboxes: &SandboxServers) -> [Chore; 4] {
    let [near, all, telling, telling_all] = [(); 4].map(|()| sandboxes.clone());
    [
        Chore::new("sandboxes", TIDY_UP, move || {
            let sandboxes = near.clone();
            async move { Ok(sandboxes.look_after().await?) }
        }),
        Chore::new("all sandboxes", LOOK_AT_KEYS, move || {
            let sandboxes = all.clone();
            async move { Ok(sandboxes.look_after_all().await?) }
        }),
        Chore::new("ends of sessions in sandboxes", TELL_OF_LOGOUTS, move || {
            let sandboxes = telling.clone();
            async move {
                sandboxes.tell_of_logouts().await;
                Ok(())
            }
        }),
        Chore::new("ends of sessions in all sandboxes", TELL_IN_ALL, move || {
            let sandboxes = telling_all.clone();
            async move { Ok(sandboxes.tell_of_logouts_in_all().await?) }
        }),
    ]
}

/// A change of them waits longer than that for everybody to know of it.
const LOOK_AT_DATA_KEYS: Duration = Duration::from_secs(5);
/// Less than a tenth of what the slowest store writes.
const RESEALED_A_SECOND: NonZeroU32 = NonZeroU32::MIN.saturating_add(199);
/// Keys live for months.
const LOOK_AT_KEYS: Duration = Duration::from_hours(1);
/// What is short-lived is gone soon after its end.
const TIDY_UP: Duration = Duration::from_secs(30);
/// Whoever ends a session tells at once: this is for what failed, or what a command has ended.
const TELL_OF_LOGOUTS: Duration = Duration::from_secs(10);
/// Where nobody asks for a sandbox, commands alone end sessions there; each costs the store a look.
const TELL_IN_ALL: Duration = Duration::from_hours(1);
/// Often enough for retries of revocations, seldom enough not to be noticed.
const LOOK_AFTER_ACCOUNTS: Duration = Duration::from_mins(5);
/// More than fits into a page: what is larger is refused by its size, not cut.
const LARGEST_PICTURE: u64 = 64 * 1024;

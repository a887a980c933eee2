//! What the operator says about the authorization server, as values: the sections from `[lifetimes]` to `[brand]`.
//!
//! Checks what keys say together. Reads no secret and no picture: that is for whoever runs a server.

use std::path::PathBuf;

use bursar_core::engine::issuer::records::resource::TokenFormat;
use bursar_core::engine::issuer::rules::{Lifetimes, ProofNonces, RegistrationLimits};
use bursar_core::engine::issuer::session_rules::AllowedUsers;
use bursar_core::oauth::jose::Algorithm;
use bursar_core::oauth::server::session_token::ClaimNames;
use bursar_core::provider::duration::write_duration;
use bursar_core::secret::Secret;
use jiff::SignedDuration;

use super::error::ConfigError;
use super::secret_keys;
use super::secret_source::SecretSource;
use super::settings::Settings;
use crate::http::pages::brand::Colour;

/// What the authorization server is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IssuingConfig {
    /// How long what is issued lives.
    pub lifetimes: Lifetimes,
    /// What is assumed of tokens of linked accounts whose provider states no lifetime.
    pub external_token: SignedDuration,
    /// How access tokens look.
    pub access_format: TokenFormat,
    /// How long a key signs.
    pub key_age: SignedDuration,
    /// What is asked of proofs of possession.
    pub proof_nonces: ProofNonces,
    /// Clients that bring themselves.
    pub registration: RegistrationConfig,
    /// Who may sign in.
    pub allowed_users: AllowedUsers,
    /// Whether devices are given an address with the code in it.
    pub complete_verification_uri: bool,
    /// Whether logins end when a password is set by who does not know the one before it.
    pub reset_ends_logins: bool,
    /// Session tokens of an application.
    pub sessions: SessionsConfig,
    /// How long events are kept.
    pub events_kept: SignedDuration,
    /// How pages look.
    pub brand: BrandConfig,
}

/// Section `[registration]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RegistrationConfig {
    /// Whether programs nobody knows may register themselves.
    pub open: bool,
    /// Whether addresses may be client ids.
    pub metadata_documents: bool,
    /// The proxy through which documents of strangers are fetched.
    pub guarded_proxy: Option<Secret>,
    /// Clients that brought themselves are forgotten after so long without use.
    pub unused_client: SignedDuration,
    /// How much one network may register.
    pub limits: RegistrationLimits,
}

/// Section `[sessions]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionsConfig {
    /// The application in `aud`; `None`: the issuer.
    pub audience: Option<String>,
    /// How long a token lasts.
    pub lifetime: SignedDuration,
    /// What signs.
    pub algorithm: Algorithm,
    /// Where the secrets for `HS256` are, the current one first; none for any other algorithm.
    pub secrets: Vec<SecretSource>,
    /// How the application calls the claims.
    pub names: ClaimNames,
    /// The clients that are parts of the application.
    pub clients: Vec<String>,
}

/// Section `[brand]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BrandConfig {
    /// Who people deal with.
    pub name: String,
    /// The file with the picture.
    pub logo: Option<PathBuf>,
    /// The colour of the main button; `None`: the usual one.
    pub colour: Option<Colour>,
}

/// Takes the server's values out of all that were read.
pub(super) fn read(settings: &mut Settings) -> Result<IssuingConfig, ConfigError> {
    Ok(IssuingConfig {
        lifetimes: lifetimes(settings)?,
        external_token: settings.duration("lifetimes.external_token").unwrap_or_default(),
        access_format: access_format(settings.text("tokens.access_format").as_deref()),
        key_age: settings.duration("tokens.key_age").unwrap_or_default(),
        proof_nonces: match settings.text("tokens.proof_nonces").as_deref() {
            Some("required") => ProofNonces::Required,
            _ => ProofNonces::Accepted,
        },
        registration: RegistrationConfig {
            open: settings.flag("registration.open"),
            metadata_documents: settings.flag("registration.metadata_documents"),
            // An empty one would be no proxy, and nobody to guard.
            guarded_proxy: settings
                .text("registration.guarded_proxy")
                .filter(|proxy| !proxy.is_empty())
                .map(Secret::new),
            unused_client: settings.duration("registration.unused_client").unwrap_or_default(),
            limits: RegistrationLimits {
                different: settings.number("registration.different_an_hour").into(),
                stored: settings.number("registration.stored_an_hour").into(),
            },
        },
        allowed_users: AllowedUsers::new(settings.words("sign_in.allowed_users")),
        complete_verification_uri: settings.flag("sign_in.complete_verification_uri"),
        reset_ends_logins: settings.flag("sign_in.reset_ends_logins"),
        sessions: sessions(settings)?,
        events_kept: settings.duration("housekeeping.events_kept").unwrap_or_default(),
        brand: BrandConfig {
            name: settings.text("brand.name").unwrap_or_default(),
            logo: settings.path("brand.logo"),
            colour: settings.text("brand.colour").and_then(|text| text.parse().ok()),
        },
    })
}

fn lifetimes(settings: &mut Settings) -> Result<Lifetimes, ConfigError> {
    let mut said = |name: &str| settings.duration(&format!("lifetimes.{name}")).unwrap_or_default();
    let mut lifetimes = Lifetimes {
        code: said("authorization_code"),
        access: said("access_token"),
        refresh: said("refresh_token"),
        login: said("login"),
        retry_window: said("retry_window"),
        id_token: said("id_token"),
        browser_session: said("browser_session"),
        device_code: said("device_code"),
    };
    if lifetimes.refresh > lifetimes.login {
        // Who shortens only the login means both.
        if settings.is_written("lifetimes.refresh_token") {
            let login = write_duration(lifetimes.login);
            settings.refuse(
                "lifetimes.refresh_token",
                &format!(
                    "is longer than `lifetimes.login` ({login}), after which users sign in again anyway"
                ),
            )?;
        }
        lifetimes.refresh = lifetimes.login;
    }
    Ok(lifetimes)
}

fn sessions(settings: &mut Settings) -> Result<SessionsConfig, ConfigError> {
    let algorithm = settings.text("sessions.algorithm");
    let algorithm = algorithm.and_then(|name| Algorithm::from_name(&name)).unwrap_or(Algorithm::Es256);
    let secret = secret_of(settings, &SECRET)?;
    let previous = secret_of(settings, &PREVIOUS_SECRET)?;
    if algorithm != Algorithm::Hs256 {
        let mut names = SECRET.iter().chain(&PREVIOUS_SECRET).map(|name| format!("sessions.{name}"));
        if let Some(path) = names.find(|path| settings.is_written(path)) {
            let detail = format!("is for HS256, but `sessions.algorithm` is {algorithm}");
            settings.refuse(&path, &detail)?;
        }
    } else if secret.is_none() {
        let detail = "needs a secret: set `sessions.secret_file`, `sessions.secret_command` or \
                      BURSAR_SESSIONS_SECRET";
        settings.refuse("sessions.algorithm", detail)?;
    }
    let names = settings.variables("sessions.claims");
    let names = match ClaimNames::new(names) {
        Ok(names) => names,
        Err(error) => {
            settings.refuse("sessions.claims", &format!("cannot be used: {error}"))?;
            ClaimNames::default()
        }
    };
    Ok(SessionsConfig {
        audience: settings.text("sessions.audience"),
        lifetime: settings.duration("sessions.lifetime").unwrap_or_default(),
        algorithm,
        secrets: secret.into_iter().chain(previous).collect(),
        names,
        clients: settings.words("sessions.clients"),
    })
}

/// The secret that one of three keys says.
fn secret_of(
    settings: &mut Settings,
    names: &[&'static str; 3],
) -> Result<Option<SecretSource>, ConfigError> {
    let found = names.map(|name| {
        let path = format!("sessions.{name}");
        settings.take(&path).map(|value| (name, value, settings.place(&path)))
    });
    secret_keys::chosen(found.into_iter().flatten()).map_err(|twice| ConfigError::BadValue {
        place: twice.place,
        key: format!("sessions.{}", twice.name),
        detail: twice.detail,
    })
}

fn access_format(name: Option<&str>) -> TokenFormat {
    match name {
        Some("eddsa") => TokenFormat::Jwt(Algorithm::EdDsa),
        Some("rs256") => TokenFormat::Jwt(Algorithm::Rs256),
        Some("opaque") => TokenFormat::Opaque,
        _ => TokenFormat::Jwt(Algorithm::Es256),
    }
}

/// The keys that say a secret, and those that say the one before it.
const SECRET: [&str; 3] = ["secret", "secret_file", "secret_command"];
const PREVIOUS_SECRET: [&str; 3] = ["previous_secret", "previous_secret_file", "previous_secret_command"];

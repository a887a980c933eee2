//! `bursar jwt verify`: tells whether a token is good, and if not, which rule it breaks.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bursar_core::oauth::jose::{
    Algorithm, ClaimError, Claims, CompactToken, HmacKey, KeySet, PublicKey, Times, TokenError,
};
use bursar_core::oauth::url::EndpointUrl;
use bursar_core::ports::clock::Clock;
use bursar_core::ports::upstream::{Body, Response, SendLimits};
use bursar_core::secret::Secret;
use serde_json::json;

use super::inputs::Inputs;
use super::{keys, mint, shown_time};
use crate::cli::arguments::jwt::VerifyCommand;
use crate::cli::printer::Printer;
use crate::config::Config;
use crate::config::environment::Environment;
use crate::config::paths::Paths;
use crate::exit::{Exit, Failure};
use crate::system::SystemClock;
use crate::wiring::{self, Seams};

pub(super) fn run(
    command: &VerifyCommand,
    environment: &Environment,
    printer: &Printer,
    seams: Seams,
) -> Result<Exit, Failure> {
    let clock = seams.clock.unwrap_or_else(|| Arc::new(SystemClock));
    let inputs = Inputs::default();
    let key = key(command, &inputs, environment, &clock)?;
    let token = inputs.token(&command.token)?;
    match judged(&token, &key, command, &*clock) {
        Ok(claims) => {
            let claims = claims.as_map();
            if printer.json {
                printer.document(&json!({ "schema": 1, "valid": true, "claims": claims }));
            } else {
                printer.document(&json!(claims));
            }
            let end = shown_time(claims, "exp").unwrap_or_default();
            printer.say(&format!("the token is good until {end}"));
            if command.issuer.is_none() {
                printer.say("who issued it was not checked: add `--issuer`");
            }
            Ok(Exit::Ok)
        }
        Err(error) => {
            if printer.json {
                printer.document(&json!({
                    "schema": 1, "valid": false, "error": error.word(), "message": error.to_string(),
                }));
            }
            Err(Failure::of(Exit::Error, &error).hint(error.hint()))
        }
    }
}

/// What a token must be signed with.
enum Key {
    Secret(HmacKey),
    Public(Box<PublicKey>),
    Set(KeySet, Algorithm),
}

impl Key {
    fn algorithm(&self) -> Algorithm {
        match self {
            Self::Secret(_) => Algorithm::Hs256,
            Self::Public(key) => key.algorithm(),
            Self::Set(_, algorithm) => *algorithm,
        }
    }
}

fn judged(
    token: &Secret,
    key: &Key,
    command: &VerifyCommand,
    clock: &dyn Clock,
) -> Result<Claims, VerifyError> {
    let token = CompactToken::parse(token.expose())?;
    let header = token.header();
    if header.algorithm != key.algorithm() {
        return Err(VerifyError::Algorithm { found: header.algorithm, expected: key.algorithm() });
    }
    let claims = match key {
        Key::Secret(secret) => token.verify_hmac(secret)?,
        Key::Public(key) => token.verify(key)?,
        Key::Set(keys, algorithm) => {
            let key = keys.find(header.key_id.as_deref(), *algorithm);
            token.verify(key.ok_or(VerifyError::UnknownKey)?)?
        }
    };
    if let Some(typ) = &command.typ
        && !header.is_type(typ)
    {
        return Err(VerifyError::Type { expected: typ.clone() });
    }
    let times = Times { tolerance: command.tolerance, ..Times::default() };
    claims.required_time("exp")?;
    times.check(claims, clock.now())?;
    if let Some(expected) = &command.issuer {
        let found = claims.required_text("iss")?;
        if found != expected {
            return Err(VerifyError::Issuer { found: found.to_owned(), expected: expected.clone() });
        }
    }
    let audience = claims.texts("aud")?;
    match &command.audience {
        Some(expected) if audience.is_empty() => {
            return Err(VerifyError::NoAudience { expected: expected.clone() });
        }
        Some(expected) if !audience.contains(&expected.as_str()) => {
            return Err(VerifyError::Audience { found: audience.join(", "), expected: expected.clone() });
        }
        // RFC 7519 §4.1.3: whoever is not among those it is for must refuse it.
        None if !audience.is_empty() => {
            return Err(VerifyError::UncheckedAudience { found: audience.join(", ") });
        }
        _ => {}
    }
    for name in &command.require {
        if claims.value(name).is_none_or(serde_json::Value::is_null) {
            return Err(VerifyError::Missing { name: name.clone() });
        }
    }
    Ok(claims.clone())
}

fn key(
    command: &VerifyCommand,
    inputs: &Inputs,
    environment: &Environment,
    clock: &Arc<dyn Clock>,
) -> Result<Key, Failure> {
    let key = match (&command.secret_file, &command.key_file, &command.jwks) {
        (Some(file), _, _) => Key::Secret(mint::secret(&inputs.private(file)?)?),
        (None, Some(file), _) => Key::Public(Box::new(keys::public(&inputs.public(file)?)?)),
        (None, None, Some(place)) => {
            let algorithm = command.algorithm.unwrap_or(Algorithm::Es256);
            Key::Set(key_set(place, inputs, environment, clock)?, algorithm)
        }
        (None, None, None) => {
            return Err(Failure::new(Exit::Usage, "there is nothing to verify with")
                .hint("give `--secret-file`, `--key-file` or `--jwks`"));
        }
    };
    match command.algorithm {
        Some(algorithm) if algorithm != key.algorithm() => {
            let message = format!("the key is for {}, not for {algorithm}", key.algorithm());
            Err(Failure::new(Exit::Usage, message).hint("name the key's own algorithm, or another key"))
        }
        // A public secret is none: whoever has the keys could sign.
        Some(Algorithm::Hs256) if matches!(key, Key::Set(..)) => {
            Err(Failure::new(Exit::Usage, "HS256 has no public keys").hint("give `--secret-file`"))
        }
        _ => Ok(key),
    }
}

fn key_set(
    place: &str,
    inputs: &Inputs,
    environment: &Environment,
    clock: &Arc<dyn Clock>,
) -> Result<KeySet, Failure> {
    let unusable = |error: &(dyn std::error::Error + 'static)| {
        Failure::of(Exit::Usage, error).hint("name the URL or file of a JWK Set (RFC 7517 §5)")
    };
    if !place.contains("://") {
        let text = inputs.public(Path::new(place))?;
        return KeySet::read(text.expose().as_bytes()).map_err(|error| unusable(&error));
    }
    let url = EndpointUrl::parse(place).map_err(|error| unusable(&error))?;
    let answer = fetched(&url, environment, clock)?;
    if answer.status() != http::StatusCode::OK {
        let message = format!("{url} answers with status {}", answer.status().as_u16());
        return Err(Failure::new(Exit::Unavailable, message)
            .hint("find the address as `jwks_uri` in the metadata of the issuer"));
    }
    KeySet::read(answer.body().expose()).map_err(|error| unusable(&error))
}

fn fetched(
    url: &EndpointUrl,
    environment: &Environment,
    clock: &Arc<dyn Clock>,
) -> Result<Response, Failure> {
    let config = Config::load(environment, &Paths::resolve(environment)?)?;
    let request = http::Request::get(url.as_str())
        .header(http::header::ACCEPT, "application/jwk-set+json, application/json")
        .body(Body::default())
        .map_err(|error| Failure::of(Exit::Usage, &error))?;
    let limits = SendLimits { time: PATIENCE, body: LARGEST, ..SendLimits::default() };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::of(Exit::Error, &error))?;
    let answer = runtime.block_on(async {
        wiring::outgoing(environment, &config.network, clock).send(request, limits).await
    });
    runtime.shutdown_background();
    answer
        .map_err(|error| Failure::of(Exit::Unavailable, &error).hint("try again, or save the keys in a file"))
}

/// Why a token is not good. What it says itself is shown escaped: anybody may have written it.
#[derive(Debug, thiserror::Error)]
enum VerifyError {
    #[error(transparent)]
    Token(#[from] TokenError),
    #[error(transparent)]
    Claim(#[from] ClaimError),
    #[error("the token is signed with {found}, and {expected} is wanted")]
    Algorithm { found: Algorithm, expected: Algorithm },
    #[error("the token is signed with a key that is not among these")]
    UnknownKey,
    #[error("the token is no `{expected}`")]
    Type { expected: String },
    #[error("the token is from `{}`, not from `{expected}`", found.escape_debug())]
    Issuer { found: String, expected: String },
    #[error("the token is for `{}`, not for `{expected}`", found.escape_debug())]
    Audience { found: String, expected: String },
    #[error("the token does not say that it is for `{expected}`")]
    NoAudience { expected: String },
    #[error("the token is for `{}`, and nobody said who is asking", found.escape_debug())]
    UncheckedAudience { found: String },
    #[error("the token lacks the claim `{name}`")]
    Missing { name: String },
}

impl VerifyError {
    /// What programs tell the reasons apart by.
    fn word(&self) -> &'static str {
        match self {
            Self::Token(TokenError::Empty) => "empty",
            Self::Token(TokenError::BadSignature) => "bad_signature",
            Self::Token(TokenError::WrongAlgorithm | TokenError::UnsupportedAlgorithm)
            | Self::Algorithm { .. } => "wrong_algorithm",
            Self::Token(_) => "malformed",
            Self::Claim(ClaimError::Missing { .. }) | Self::Missing { .. } => "missing_claim",
            Self::Claim(ClaimError::Invalid { .. }) => "invalid_claim",
            Self::Claim(ClaimError::Expired { .. }) => "expired",
            Self::Claim(ClaimError::NotYet { .. }) => "not_yet_valid",
            Self::Claim(ClaimError::IssuedInFuture { .. }) => "issued_in_future",
            Self::UnknownKey => "unknown_key",
            Self::Type { .. } => "wrong_type",
            Self::Issuer { .. } => "wrong_issuer",
            Self::Audience { .. } | Self::NoAudience { .. } | Self::UncheckedAudience { .. } => {
                "wrong_audience"
            }
        }
    }

    fn hint(&self) -> &'static str {
        match self {
            Self::Token(TokenError::Empty) => "give the token on stdin, or name its file",
            Self::Token(TokenError::BadSignature) => {
                "it was changed, or signed by somebody else; do not use it"
            }
            Self::Algorithm { .. } | Self::UnknownKey => {
                "see what it says with `bursar jwt decode`, and which keys its issuer publishes"
            }
            Self::Token(_) => "see whether all of it was copied: three parts with dots between them",
            Self::Claim(ClaimError::Expired { .. }) => "get a new one from its issuer",
            Self::Claim(ClaimError::NotYet { .. } | ClaimError::IssuedInFuture { .. }) => {
                "compare the clocks of this machine and of the issuer"
            }
            Self::UncheckedAudience { .. } => "say who you are with `--audience`",
            _ => "it is not meant for this use; see what it says with `bursar jwt decode`",
        }
    }
}

const PATIENCE: Duration = Duration::from_secs(10);
/// A hundred RSA keys.
const LARGEST: usize = 64 * 1024;

//! Whom the sample lets in: the bearer of an access token (RFC 9068 §4) of its issuer, for itself, that has not ended.

use std::sync::Arc;
use std::time::Duration;

use axum::response::{IntoResponse as _, Response};
use bursar_core::oauth::jose::{CompactToken, KeySet, KeySetError, PublicKey, Times, TokenError};
use bursar_core::oauth::scope::Scope;
use bursar_core::oauth::server::access_token::{AccessToken, AccessTokenError, Expected, verify};
use bursar_core::oauth::server::resource_metadata::{ChallengeScheme, Refusal, ResourceChallenge};
use bursar_core::ports::clock::Clock;
use bursar_core::ports::upstream::{Body, SendError, SendLimits, Upstream};
use http::header::{AUTHORIZATION, WWW_AUTHENTICATE};
use http::{HeaderMap, StatusCode};
use jiff::SignedDuration;
use serde_json::Value;
use tokio::sync::Mutex;

use super::TOOLS;

/// Judges tokens with the keys that the issuer publishes.
#[derive(Debug)]
pub(in crate::demo) struct Door {
    resource: String,
    metadata_url: String,
    issuer: String,
    upstream: Arc<dyn Upstream>,
    clock: Arc<dyn Clock>,
    /// The keys, and when they were fetched.
    keys: Mutex<Option<(KeySet, Duration)>>,
}

/// Nobody comes in.
#[derive(Debug, thiserror::Error)]
pub(in crate::demo) enum TurnedAway {
    /// There is no token.
    #[error("there is no token")]
    NoToken,
    /// It is no token, or not signed by a key of the issuer.
    #[error("the token is not by the issuer")]
    Forged(#[from] TokenError),
    /// No key of the issuer has this name.
    #[error("the token is signed by an unknown key")]
    UnknownKey,
    /// It is not for this, or not for now.
    #[error("the token is not good here")]
    NotGood(#[from] AccessTokenError),
    /// The issuer does not tell its keys.
    #[error("the issuer's keys cannot be fetched")]
    NoKeys(#[source] KeysError),
}

/// The keys cannot be had.
#[derive(Debug, thiserror::Error)]
pub(in crate::demo) enum KeysError {
    /// The issuer does not answer.
    #[error(transparent)]
    Send(#[from] SendError),
    /// It names no address, or none that can be asked.
    #[error("the issuer's metadata names no keys")]
    Unnamed,
    /// What is there are no keys.
    #[error(transparent)]
    Unreadable(#[from] KeySetError),
}

impl Door {
    /// Of the resource known as `resource`, whose tokens come from `issuer`.
    pub(in crate::demo) fn new(
        resource: &str,
        metadata_url: String,
        issuer: &str,
        upstream: Arc<dyn Upstream>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let (resource, issuer) = (resource.to_owned(), issuer.to_owned());
        Self { resource, metadata_url, issuer, upstream, clock, keys: Mutex::default() }
    }

    /// The only origin whose pages may ask; the sample and its issuer share it.
    pub(super) fn origin(&self) -> &str {
        &self.issuer
    }

    /// The token that a request brings, if it is good.
    pub(super) async fn admit(&self, headers: &HeaderMap) -> Result<AccessToken, TurnedAway> {
        let token = CompactToken::parse(bearer(headers).ok_or(TurnedAway::NoToken)?)?;
        let key = self.key_of(&token).await?;
        let expected = Expected {
            issuer: &self.issuer,
            audience: Some(&self.resource),
            now: self.clock.now(),
            // One machine has one clock.
            times: Times { tolerance: SignedDuration::ZERO, ..Times::default() },
        };
        Ok(verify(&token, &key, &expected)?)
    }

    /// What they hear who are not let in (RFC 6750 §3, RFC 9728 §5.1).
    pub(super) fn refusal(&self, turned_away: &TurnedAway) -> Response {
        tracing::debug!(?turned_away, "the sample refuses");
        let refusal = match turned_away {
            TurnedAway::NoToken => None,
            TurnedAway::NoKeys(_) => return StatusCode::SERVICE_UNAVAILABLE.into_response(),
            TurnedAway::Forged(_) | TurnedAway::UnknownKey | TurnedAway::NotGood(_) => {
                Some(Refusal::InvalidToken)
            }
        };
        self.challenge(refusal, TOOLS[0].scope)
    }

    /// What they hear whose token does not reach as far as `scope` (RFC 6750 §3.1).
    pub(super) fn wants_more(&self, scope: &str) -> Response {
        self.challenge(Some(Refusal::InsufficientScope), scope)
    }

    fn challenge(&self, refusal: Option<Refusal<'_>>, scope: &str) -> Response {
        let challenge = ResourceChallenge {
            scheme: ChallengeScheme::Bearer,
            resource_metadata: Some(&self.metadata_url),
            scope: Some(&Scope::from_answer(scope)),
            refusal,
        };
        (challenge.status(), [(WWW_AUTHENTICATE, challenge.to_text())]).into_response()
    }

    /// The key that a token says it is signed with. An unknown name may be that of a new key.
    async fn key_of(&self, token: &CompactToken<'_>) -> Result<PublicKey, TurnedAway> {
        let header = token.header();
        let find = |keys: &KeySet| keys.find(header.key_id.as_deref(), header.algorithm).cloned();
        let mut known = self.keys.lock().await;
        let now = self.clock.stopwatch();
        if let Some((keys, fetched_at)) = &*known {
            match find(keys) {
                Some(key) => return Ok(key),
                None if now.saturating_sub(*fetched_at) < SELDOM => return Err(TurnedAway::UnknownKey),
                None => {}
            }
        }
        let keys = self.fetched_keys().await.map_err(TurnedAway::NoKeys)?;
        let key = find(&keys);
        *known = Some((keys, now));
        key.ok_or(TurnedAway::UnknownKey)
    }

    async fn fetched_keys(&self) -> Result<KeySet, KeysError> {
        let metadata =
            self.fetched(&format!("{}/.well-known/oauth-authorization-server", self.issuer)).await?;
        let metadata: Value = serde_json::from_slice(metadata.expose()).unwrap_or_default();
        let place = metadata["jwks_uri"].as_str().ok_or(KeysError::Unnamed)?;
        Ok(KeySet::read(self.fetched(place).await?.expose())?)
    }

    async fn fetched(&self, url: &str) -> Result<Body, KeysError> {
        let request = http::Request::get(url).body(Body::default()).map_err(|_| KeysError::Unnamed)?;
        Ok(self.upstream.send(request, SendLimits::default()).await?.into_body())
    }
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// Whoever makes up names of keys makes nobody fetch them all the time.
const SELDOM: Duration = Duration::from_secs(1);

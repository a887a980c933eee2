//! Assertions as authorization grants (RFC 7523 §2.1, §3; RFC 7521 §4.1): who asserts, about whom, for whom.
//!
//! Says what is asserted and signs it for one call. It stores no key and sends nothing: [`super::token`] writes the request.

mod service_account;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

pub use self::service_account::{ServiceAccount, ServiceAccountError};
use super::signing::{SigningError, SigningKey};
use crate::ports::random::{Random, unguessable};
use crate::secret::Secret;

/// What is asserted again and again; nothing secret.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Assertion {
    /// Who asserts: `iss`.
    pub issuer: String,
    /// About whom: `sub`. Google wants none unless another user is meant.
    pub subject: Option<String>,
    /// For whom: `aud`, nearly always the token endpoint.
    pub audience: String,
    /// Which key signs: `kid`.
    pub key_id: Option<String>,
    /// How it signs, for people; the key alone decides.
    pub algorithm: String,
    /// What else is claimed.
    pub claims: ExtraClaims,
}

impl Assertion {
    /// Signs it for one call at `now`, which is the provider's time, not ours.
    ///
    /// # Errors
    /// `key` is no private key in PEM or JWK form, or signing failed.
    pub fn sign(&self, key: &Secret, now: Timestamp, random: &dyn Random) -> Result<Secret, SigningError> {
        let expires = now.saturating_add(LIFETIME).unwrap_or(Timestamp::MAX);
        let mut claims = self.claims.0.clone();
        claims.insert("iss".into(), json!(self.issuer));
        if let Some(subject) = &self.subject {
            claims.insert("sub".into(), json!(subject));
        }
        claims.insert("aud".into(), json!(self.audience));
        claims.insert("jti".into(), json!(unguessable(random).expose()));
        claims.insert("iat".into(), json!(now.as_second()));
        claims.insert("exp".into(), json!(expires.as_second()));
        signing_key(key, self.key_id.as_deref())?.sign("JWT", &Value::Object(claims))
    }

    /// Whom it is about: the subject, else the issuer itself.
    pub fn about(&self) -> &str {
        self.subject.as_deref().unwrap_or(&self.issuer)
    }

    /// Whether the scope is asked for by a claim, so that the request does not ask again.
    pub fn names_scope(&self) -> bool {
        self.claims.0.contains_key("scope")
    }
}

/// Reads a private key, PEM or JWK; `key_id` names it, whatever it calls itself.
///
/// # Errors
/// There is no readable private key, or it is of a kind that cannot sign.
pub fn signing_key(text: &Secret, key_id: Option<&str>) -> Result<SigningKey, SigningError> {
    let key = if text.expose().trim_start().starts_with('{') {
        SigningKey::from_jwk(text)?
    } else {
        SigningKey::from_pem(text, None)?
    };
    Ok(match key_id {
        Some(key_id) => key.named(key_id),
        None => key,
    })
}

/// Claims beyond those an assertion always has (RFC 7523 §3, item 8).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ExtraClaims(Map<String, Value>);

impl ExtraClaims {
    /// Adds one.
    ///
    /// # Errors
    /// The claim has a rule of its own, so that nobody says it twice.
    pub fn add(&mut self, name: &str, value: impl Into<Value>) -> Result<(), ReservedClaim> {
        if RESERVED.contains(&name) {
            return Err(ReservedClaim(name.to_owned()));
        }
        self.0.insert(name.to_owned(), value.into());
        Ok(())
    }

    /// Whether there is one of this name.
    pub fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }
}

/// A claim that every assertion has.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the claim `{0}` is set by other means")]
pub struct ReservedClaim(String);

/// RFC 7519 §4.1.
const RESERVED: [&str; 7] = ["iss", "sub", "aud", "exp", "nbf", "iat", "jti"];

/// The strictest servers take three minutes, Google an hour. It is dated by the server's own clock, so that no room is
/// needed for clocks that differ.
const LIFETIME: SignedDuration = SignedDuration::from_mins(3);

#[cfg(test)]
mod tests;

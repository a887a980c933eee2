//! Access tokens as JWTs (RFC 9068), and the same claims wherever else a token keeps them.
//!
//! Writes the claims and reads them again. Whether a token has been revoked since is for `engine::issuer`.

use jiff::Timestamp;
use jiff::fmt::serde::timestamp::second;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::oauth::jose::{ClaimError, Claims, CompactToken, PublicKey, Thumbprint, Times, TokenError};
use crate::oauth::scope::Scope;

/// The `typ` of the header (RFC 9068 §2.1), which keeps an access token from being taken for any other kind.
pub const TYPE: &str = "at+jwt";

/// What an access token says (RFC 9068 §2.2), ready to be signed or sealed.
#[derive(Clone, Debug, Serialize)]
pub struct AccessTokenClaims<'a> {
    /// The authorization server.
    pub iss: &'a str,
    /// The user, or the client itself if there is none.
    pub sub: &'a str,
    /// The resources it is for.
    pub aud: Audience<'a>,
    /// The client it was given to.
    pub client_id: &'a str,
    /// When it was made.
    #[serde(with = "second::required")]
    pub iat: Timestamp,
    /// When it ends.
    #[serde(with = "second::required")]
    pub exp: Timestamp,
    /// Its name.
    pub jti: &'a str,
    /// What it may be used for; left out if nothing is said.
    #[serde(skip_serializing_if = "Scope::is_empty")]
    pub scope: &'a Scope,
    /// When the user signed in (§2.2.1).
    #[serde(with = "second::optional", skip_serializing_if = "Option::is_none")]
    pub auth_time: Option<Timestamp>,
    /// How well the sign-in was done (§2.2.1).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub acr: Option<&'a str>,
    /// By which means (§2.2.1, RFC 8176).
    #[serde(skip_serializing_if = "<[&str]>::is_empty")]
    pub amr: &'a [&'a str],
    /// The key the sender must have (RFC 9449 §6.1).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cnf: Option<Confirmation<'a>>,
    /// The family of refresh tokens it belongs to: revoking the one ends the other.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sid: Option<&'a str>,
    /// The consent it rests on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grant: Option<&'a str>,
    /// What an operator has added.
    #[serde(flatten)]
    pub other: &'a OtherClaims,
}

/// Whom a token is for: one name stands alone (RFC 7519 §4.1.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Audience<'a> {
    /// One.
    One(&'a str),
    /// Several.
    Several(&'a [&'a str]),
}

impl<'a> From<&'a [&'a str]> for Audience<'a> {
    fn from(audience: &'a [&'a str]) -> Self {
        match audience {
            [one] => Self::One(one),
            several => Self::Several(several),
        }
    }
}

/// What the sender of a token must prove (RFC 7800 §3.1).
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Confirmation<'a> {
    /// The thumbprint of its key.
    pub jkt: &'a Thumbprint,
}

/// Claims beyond those that have a rule of their own.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(transparent)]
pub struct OtherClaims(Map<String, Value>);

impl OtherClaims {
    /// Takes claims an operator wants in tokens.
    ///
    /// # Errors
    /// One of them has a rule of its own, and would be said twice.
    pub fn new(claims: Map<String, Value>) -> Result<Self, ReservedClaim> {
        match claims.keys().find(|name| RESERVED.contains(&name.as_str())) {
            Some(name) => Err(ReservedClaim(name.clone())),
            None => Ok(Self(claims)),
        }
    }

    /// What is left of `claims` without those that have a rule of their own.
    pub fn among(claims: &Claims) -> Self {
        let others = claims.as_map().iter().filter(|(name, _)| !RESERVED.contains(&name.as_str()));
        Self(others.map(|(name, value)| (name.clone(), value.clone())).collect())
    }

    /// The claims.
    pub fn as_map(&self) -> &Map<String, Value> {
        &self.0
    }
}

/// A claim that tokens have anyway.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the claim `{}` is set by other means", .0.escape_debug())]
pub struct ReservedClaim(String);

/// Those of access and ID tokens alike: whoever could add `nonce` or `at_hash` could make one pass for the other.
const RESERVED: [&str; 20] = [
    "iss",
    "sub",
    "aud",
    "client_id",
    "iat",
    "nbf",
    "exp",
    "jti",
    "scope",
    "auth_time",
    "acr",
    "amr",
    "cnf",
    "sid",
    "grant",
    "nonce",
    "at_hash",
    "c_hash",
    "azp",
    "act",
];

/// An access token that is ours and has not ended.
#[derive(Clone, Debug, PartialEq)]
pub struct AccessToken {
    /// The user, or the client itself.
    pub subject: String,
    /// The resources it is for; at least one.
    pub audience: Vec<String>,
    /// The client it was given to.
    pub client_id: String,
    /// When it was made.
    pub issued_at: Timestamp,
    /// When it ends.
    pub expires_at: Timestamp,
    /// Its name.
    pub id: String,
    /// What it may be used for.
    pub scope: Scope,
    /// When the user signed in.
    pub authenticated_at: Option<Timestamp>,
    /// How well the sign-in was done.
    pub authentication_class: Option<String>,
    /// By which means.
    pub authentication_methods: Vec<String>,
    /// The key the sender must prove to have, if it is bound to one.
    pub key: Option<Thumbprint>,
    /// The family of refresh tokens it belongs to.
    pub family: Option<String>,
    /// The consent it rests on.
    pub grant: Option<String>,
    /// What an operator has added.
    pub other: OtherClaims,
}

impl AccessToken {
    /// Whether it is for `resource`, compared byte for byte.
    pub fn is_for(&self, resource: &str) -> bool {
        self.audience.iter().any(|audience| audience == resource)
    }
}

/// What a token must say to be honoured.
#[derive(Clone, Copy, Debug)]
pub struct Expected<'a> {
    /// We, who must have made it.
    pub issuer: &'a str,
    /// The resource that was sent it; `None` where the caller looks at the audience itself.
    pub audience: Option<&'a str>,
    /// The time.
    pub now: Timestamp,
    /// How far clocks may differ.
    pub times: Times,
}

/// Verifies a token that is a JWT (RFC 9068 §4) with the key that its header names.
///
/// # Errors
/// It is no access token, not signed with `key`, not from the issuer, not for the audience or not for now.
pub fn verify(
    token: &CompactToken<'_>,
    key: &PublicKey,
    expected: &Expected<'_>,
) -> Result<AccessToken, AccessTokenError> {
    if !token.header().is_type(TYPE) {
        return Err(AccessTokenError::OtherKind);
    }
    read(token.verify(key)?, expected)
}

/// Reads claims that are known to be ours: from a verified or a sealed token.
///
/// # Errors
/// They are not from the issuer, not for the audience or not for now, or one is missing.
pub fn read(claims: &Claims, expected: &Expected<'_>) -> Result<AccessToken, AccessTokenError> {
    if claims.required_text("iss")? != expected.issuer {
        return Err(AccessTokenError::WrongIssuer);
    }
    let audience = claims.texts("aud")?;
    if audience.is_empty() {
        return Err(ClaimError::Missing { name: "aud" }.into());
    }
    if expected.audience.is_some_and(|resource| !audience.contains(&resource)) {
        return Err(AccessTokenError::WrongAudience);
    }
    let (issued_at, expires_at) = (claims.required_time("iat")?, claims.required_time("exp")?);
    expected.times.check(claims, expected.now)?;
    let owned = |text: &str| text.to_owned();
    let invalid = |name| move |_| ClaimError::Invalid { name };
    Ok(AccessToken {
        subject: claims.required_text("sub")?.to_owned(),
        audience: audience.into_iter().map(owned).collect(),
        client_id: claims.required_text("client_id")?.to_owned(),
        issued_at,
        expires_at,
        id: claims.required_text("jti")?.to_owned(),
        scope: Scope::parse(claims.text("scope")?.unwrap_or_default())
            .map_err(|_| ClaimError::Invalid { name: "scope" })?,
        authenticated_at: claims.time("auth_time")?,
        authentication_class: claims.text("acr")?.map(owned),
        authentication_methods: claims.texts("amr")?.into_iter().map(owned).collect(),
        key: confirmed_key(claims)?.map(Thumbprint::parse).transpose().map_err(invalid("cnf"))?,
        family: claims.text("sid")?.map(owned),
        grant: claims.text("grant")?.map(owned),
        other: OtherClaims::among(claims),
    })
}

/// An access token that must not be honoured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AccessTokenError {
    /// Another kind of token, such as an ID token or a proof (RFC 9068 §4, RFC 8725 §3.11).
    #[error("the token is no access token")]
    OtherKind,
    /// It is not signed as it should be.
    #[error(transparent)]
    Token(#[from] TokenError),
    /// Somebody else made it.
    #[error("the access token is from another issuer")]
    WrongIssuer,
    /// It is for another resource.
    #[error("the access token is for another resource")]
    WrongAudience,
    /// A claim is missing or wrong, or the token is not for now.
    #[error(transparent)]
    Claim(#[from] ClaimError),
}

/// A confirmation of a kind that is not known here must not be overlooked: the token is bound to something.
fn confirmed_key(claims: &Claims) -> Result<Option<&str>, ClaimError> {
    match claims.value("cnf") {
        None => Ok(None),
        Some(confirmation) => match confirmation.get("jkt").and_then(Value::as_str) {
            Some(thumbprint) => Ok(Some(thumbprint)),
            None => Err(ClaimError::Invalid { name: "cnf" }),
        },
    }
}

#[cfg(test)]
mod tests;

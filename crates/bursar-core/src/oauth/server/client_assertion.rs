//! `private_key_jwt`: a client proves who it is with its key (RFC 7523 §3; OIDC Core §9).
//!
//! Judges one assertion. Whether its `jti` has been seen before is for the one who can remember; and every error is
//! `invalid_client` to the peer.

use jiff::{SignedDuration, Timestamp};

use crate::oauth::jose::{Algorithm, ClaimError, CompactToken, KeySet, Times, TokenError};

/// What an assertion must say.
#[derive(Clone, Copy, Debug)]
pub struct Expected<'a> {
    /// The client, which asserts about itself.
    pub client_id: &'a str,
    /// Its keys.
    pub keys: &'a KeySet,
    /// The only algorithm it may use, if it has registered one (`token_endpoint_auth_signing_alg`).
    pub algorithm: Option<Algorithm>,
    /// Our names: the issuer, and the token endpoint where policy allows it.
    pub audiences: &'a [&'a str],
    /// The time.
    pub now: Timestamp,
}

/// An assertion that holds once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assertion {
    /// Its name, which must not be seen twice from one client.
    pub id: String,
    /// Until when a copy could be used.
    pub expires_at: Timestamp,
}

/// Who wants to prove itself, for a request that does not say `client_id` (RFC 7521 §4.2); nothing is proven yet.
pub fn claimed_client(assertion: &str) -> Option<String> {
    let token = CompactToken::parse(assertion).ok()?;
    token.unverified().required_text("sub").ok().map(str::to_owned)
}

/// Judges an assertion.
///
/// # Errors
/// The first rule that it breaks.
pub fn verify(assertion: &str, expected: &Expected<'_>) -> Result<Assertion, AssertionError> {
    let token = CompactToken::parse(assertion)?;
    let header = token.header();
    if header.typ.is_some() && !TYPES.iter().any(|typ| header.is_type(typ)) {
        return Err(AssertionError::OtherKind);
    }
    if expected.algorithm.is_some_and(|algorithm| algorithm != header.algorithm) {
        return Err(TokenError::WrongAlgorithm.into());
    }
    let key =
        expected.keys.find(header.key_id.as_deref(), header.algorithm).ok_or(AssertionError::UnknownKey)?;
    let claims = token.verify(key)?;
    for name in ["iss", "sub"] {
        if claims.required_text(name)? != expected.client_id {
            return Err(AssertionError::OtherClient);
        }
    }
    match claims.texts("aud")?.as_slice() {
        [] => return Err(ClaimError::Missing { name: "aud" }.into()),
        [audience] if expected.audiences.contains(audience) => {}
        // An assertion for several servers could be used by one of them at another.
        _ => return Err(AssertionError::WrongAudience),
    }
    let expires_at = claims.required_time("exp")?;
    let times = Times::default();
    times.check(claims, expected.now)?;
    if expires_at.duration_since(expected.now) > MAXIMUM_LIFETIME {
        return Err(AssertionError::TooLong { until: expires_at });
    }
    let id = claims.required_text("jti")?;
    if id.len() > MAXIMUM_ID {
        return Err(ClaimError::Invalid { name: "jti" }.into());
    }
    // A copy passes for as long as the tolerance says.
    let expires_at = expires_at.saturating_add(times.tolerance).unwrap_or(Timestamp::MAX);
    Ok(Assertion { id: id.to_owned(), expires_at })
}

/// An assertion that proves nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AssertionError {
    /// It cannot be read, or is not signed as it should be (RFC 7523 §3 items 8 and 9).
    #[error("the client assertion cannot be believed")]
    Token(#[from] TokenError),
    /// Another kind of token, such as an access token (RFC 8725 §3.11).
    #[error("the token is no client assertion")]
    OtherKind,
    /// The client has no such key, or has several and the assertion names none.
    #[error("the client has no key of the name and algorithm that the assertion says")]
    UnknownKey,
    /// Items 1 and 2: it is by or about somebody else.
    #[error("the client assertion is not by and about the client")]
    OtherClient,
    /// Item 3: it is for another server, or for several.
    #[error("the client assertion is not for this server alone")]
    WrongAudience,
    /// Item 4: it could be used for too long.
    #[error("the client assertion ends at {until}, more than ten minutes from now")]
    TooLong {
        /// Its end.
        until: Timestamp,
    },
    /// Items 3 to 7: a claim is missing or wrong, or it is not for now.
    #[error("a claim of the client assertion is missing or not valid")]
    Claim(#[from] ClaimError),
}

/// The general type, and the one that newer clients write to keep assertions apart from all else.
const TYPES: [&str; 2] = ["JWT", "client-authentication+jwt"];

/// Item 4 lets a server bound it; real clients write one to five minutes, and every name is remembered that long.
const MAXIMUM_LIFETIME: SignedDuration = SignedDuration::from_mins(10);

/// Identifiers have 22 to 64 characters.
const MAXIMUM_ID: usize = 128;

#[cfg(test)]
mod tests;

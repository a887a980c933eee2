//! ID tokens that we issue (OIDC Core §2), and those that come back as a hint (OIDC RP-Initiated Logout §2).

use aws_lc_rs::digest::{SHA256, SHA512, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use jiff::fmt::serde::timestamp::second;
use serde::Serialize;

use super::access_token::OtherClaims;
use crate::oauth::jose::{Algorithm, ClaimError, CompactToken, PublicKey, TokenError};
use crate::secret::Secret;

/// The `typ` of the header. Clients know no other; an access token has one of its own, so that neither passes for the other.
pub const TYPE: &str = "JWT";

/// What an ID token says, ready to be signed.
#[derive(Clone, Debug, Serialize)]
pub struct IdTokenClaims<'a> {
    /// The authorization server.
    pub iss: &'a str,
    /// The user.
    pub sub: &'a str,
    /// The client, which is its only audience.
    pub aud: &'a str,
    /// When it was made.
    #[serde(with = "second::required")]
    pub iat: Timestamp,
    /// When it ends.
    #[serde(with = "second::required")]
    pub exp: Timestamp,
    /// When the user signed in.
    #[serde(with = "second::optional", skip_serializing_if = "Option::is_none")]
    pub auth_time: Option<Timestamp>,
    /// What the client sent, exactly.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nonce: Option<&'a str>,
    /// What [`access_token_hash`] gives for the access token beside it (§3.1.3.6).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at_hash: Option<&'a str>,
    /// How well the sign-in was done.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub acr: Option<&'a str>,
    /// By which means (RFC 8176).
    #[serde(skip_serializing_if = "<[&str]>::is_empty")]
    pub amr: &'a [&'a str],
    /// The client again, for those that ask for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub azp: Option<&'a str>,
    /// The session at the server (OIDC Back-Channel Logout §2.1).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sid: Option<&'a str>,
    /// Profile and operator's claims.
    #[serde(flatten)]
    pub other: &'a OtherClaims,
}

/// The left half of the access token's hash, made with the hash of the ID token's own algorithm (OIDC Core §3.1.3.6).
pub fn access_token_hash(algorithm: Algorithm, access_token: &Secret) -> String {
    let hash = match algorithm {
        // The standard knows no hash for EdDSA; everybody takes the one inside Ed25519 (RFC 8032 §5.1).
        Algorithm::EdDsa => &SHA512,
        Algorithm::Es256 | Algorithm::Rs256 | Algorithm::Hs256 => &SHA256,
    };
    let hash = digest(hash, access_token.expose().as_bytes());
    URL_SAFE_NO_PAD.encode(&hash.as_ref()[..hash.as_ref().len() / 2])
}

/// Whom an ID token of ours is about, whether it has ended or not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hint {
    /// The user.
    pub subject: String,
    /// The client it was made for.
    pub client_id: String,
    /// The session at the server.
    pub session: Option<String>,
}

/// Reads `id_token_hint` (OIDC Core §3.1.2.1): any ID token that we have made, however old.
///
/// # Errors
/// It is no ID token, not signed with `key` or not from the issuer.
pub fn read_hint(token: &CompactToken<'_>, key: &PublicKey, issuer: &str) -> Result<Hint, HintError> {
    if token.header().typ.is_some() && !token.header().is_type(TYPE) {
        return Err(HintError::OtherKind);
    }
    let claims = token.verify(key)?;
    if claims.required_text("iss")? != issuer {
        return Err(HintError::WrongIssuer);
    }
    let audience = claims.texts("aud")?;
    let [client_id] = audience.as_slice() else { return Err(ClaimError::Invalid { name: "aud" }.into()) };
    Ok(Hint {
        subject: claims.required_text("sub")?.to_owned(),
        client_id: (*client_id).to_owned(),
        session: claims.text("sid")?.map(str::to_owned),
    })
}

/// A hint that gives no hint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HintError {
    /// Another kind of token, such as an access token.
    #[error("the token is no ID token")]
    OtherKind,
    /// It is not signed as it should be.
    #[error(transparent)]
    Token(#[from] TokenError),
    /// Somebody else made it.
    #[error("the ID token is from another issuer")]
    WrongIssuer,
    /// A claim is missing or wrong.
    #[error(transparent)]
    Claim(#[from] ClaimError),
}

#[cfg(test)]
mod tests;

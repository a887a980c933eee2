//! Proofs that a sender has a key (RFC 9449), as the server receives them.
//!
//! Judges one proof by the list of §4.3. Whether its `jti` has been seen before is for the one who can remember:
//! [`Proof::ends_at`] says for how long.

mod nonces;
#[cfg(test)]
mod tests;

use std::fmt::Write as _;

use ::url::Url;
use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::{SignedDuration, Timestamp};

pub use self::nonces::DpopNonces;
use crate::oauth::error::ErrorCode;
use crate::oauth::jose::{ClaimError, CompactToken, JwkError, PublicKey, Thumbprint, Times, TokenError};
use crate::secret::Secret;

/// The `typ` of the header (§4.2).
pub const TYPE: &str = "dpop+jwt";

/// The request a proof must be for.
#[derive(Clone, Copy, Debug)]
pub struct Expected<'a> {
    /// The method, in upper case.
    pub method: &'a str,
    /// The address as the world knows it; query and fragment do not count.
    pub url: &'a Url,
    /// The time.
    pub now: Timestamp,
    /// What is asked of the nonce.
    pub nonces: NoncePolicy<'a>,
    /// The access token that is presented with the proof, at a resource.
    pub access_token: Option<&'a Secret>,
}

/// What is asked of the server's nonce (§8).
#[derive(Clone, Copy, Debug)]
pub enum NoncePolicy<'a> {
    /// There are none; whatever is in the proof does not count.
    Unused,
    /// A proof may do without, but must not have an old one.
    Accepted(&'a DpopNonces),
    /// Every proof must have a current one.
    Required(&'a DpopNonces),
}

/// A proof that holds for one request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proof {
    /// The sender's key, to compare with the one a token is bound to (§6).
    pub thumbprint: Thumbprint,
    /// The name of the proof, which must not be seen twice from one key.
    pub id: String,
    /// When the sender says it was made.
    pub issued_at: Timestamp,
    /// The nonce, if there is one that counts.
    pub nonce: Option<String>,
}

impl Proof {
    /// From when on a copy would be refused for its age, so that nobody needs to remember it.
    pub fn ends_at(&self) -> Timestamp {
        self.issued_at.saturating_add(WINDOW).unwrap_or(Timestamp::MAX)
    }
}

/// Judges a proof (§4.3 items 2 to 12, without what needs memory).
///
/// # Errors
/// The first item that it breaks.
pub fn verify(proof: &str, expected: &Expected<'_>) -> Result<Proof, ProofError> {
    let token = CompactToken::parse_with_key(proof)?;
    if !token.header().is_type(TYPE) {
        return Err(ProofError::OtherKind);
    }
    let jwk = token.header().jwk.as_ref().ok_or(ProofError::NoKey)?;
    let key = PublicKey::from_jwk(jwk)?;
    let claims = token.verify(&key)?;
    if claims.required_text("htm")? != expected.method {
        return Err(ProofError::WrongMethod);
    }
    let url = Url::parse(claims.required_text("htu")?).map_err(|_| ClaimError::Invalid { name: "htu" })?;
    if normal(&url) != normal(expected.url) {
        return Err(ProofError::WrongUrl);
    }
    let id = claims.required_text("jti")?;
    if id.len() > MAXIMUM_ID {
        return Err(ClaimError::Invalid { name: "jti" }.into());
    }
    let issued_at = claims.required_time("iat")?;
    if expected.now.duration_since(issued_at).abs() > WINDOW {
        return Err(ProofError::WrongTime { at: issued_at });
    }
    // Nothing asks a proof to say these, but one that says them means them.
    Times { tolerance: WINDOW, maximum_future_issue: WINDOW }.check(claims, expected.now)?;
    if let Some(access_token) = expected.access_token {
        let hash = Secret::new(claims.required_text("ath")?);
        let hashed = URL_SAFE_NO_PAD.encode(digest(&SHA256, access_token.expose().as_bytes()));
        if hash != Secret::new(hashed) {
            return Err(ProofError::WrongAccessToken);
        }
    }
    let nonce = check_nonce(claims.text("nonce")?, expected)?;
    Ok(Proof {
        thumbprint: key.thumbprint().clone(),
        id: id.to_owned(),
        issued_at,
        nonce: nonce.map(str::to_owned),
    })
}

/// A proof that proves nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProofError {
    /// Items 2, 3, 5 and 6: it cannot be read, or is not signed with its key by an asymmetric algorithm.
    #[error("the DPoP proof cannot be believed")]
    Token(#[from] TokenError),
    /// Item 4.
    #[error("the token is no DPoP proof")]
    OtherKind,
    /// Item 6: there is no `jwk` in its header.
    #[error("the DPoP proof brings no key")]
    NoKey,
    /// Items 5 and 7: the key is private, symmetric or of an unknown kind.
    #[error("the key of the DPoP proof cannot be used")]
    Key(#[from] JwkError),
    /// Item 8.
    #[error("the DPoP proof is for another method")]
    WrongMethod,
    /// Item 9.
    #[error("the DPoP proof is for another URL")]
    WrongUrl,
    /// Items 3 and 11: a claim is missing or wrong.
    #[error("a claim of the DPoP proof is missing or not valid")]
    Claim(#[from] ClaimError),
    /// Item 11.
    #[error("the DPoP proof was made at {at}, which is more than five minutes away")]
    WrongTime {
        /// When it says it was made.
        at: Timestamp,
    },
    /// Item 12.
    #[error("the DPoP proof is for another access token")]
    WrongAccessToken,
    /// Item 10: the nonce is missing or no longer current; the sender tries again with the one that is sent along (§8).
    #[error("the DPoP proof needs a current nonce")]
    Nonce,
}

impl ProofError {
    /// The code for the peer (§5, §8).
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::Nonce => ErrorCode::UseDpopNonce,
            _ => ErrorCode::InvalidDpopProof,
        }
    }
}

/// §11.1 speaks of seconds or minutes; clocks of laptops are off by minutes.
const WINDOW: SignedDuration = SignedDuration::from_mins(5);

/// Identifiers have 22 to 64 characters; every one is remembered for minutes.
const MAXIMUM_ID: usize = 256;

fn check_nonce<'a>(nonce: Option<&'a str>, expected: &Expected<'_>) -> Result<Option<&'a str>, ProofError> {
    match (expected.nonces, nonce) {
        (NoncePolicy::Unused, _) | (NoncePolicy::Accepted(_), None) => Ok(None),
        (NoncePolicy::Accepted(nonces) | NoncePolicy::Required(nonces), Some(nonce))
            if nonces.accept(nonce, expected.now) =>
        {
            Ok(Some(nonce))
        }
        _ => Err(ProofError::Nonce),
    }
}

/// An address as it is compared (§4.3: RFC 3986 §6.2.2, §6.2.3): without query and fragment, and percent-encoded only where it
/// must be. Case, default ports and dot segments are settled by reading it.
fn normal(url: &Url) -> String {
    let mut url = url.clone();
    url.set_query(None);
    url.set_fragment(None);
    let text = url.as_str();
    let mut normal = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, encoded)) = rest.split_once('%') {
        normal.push_str(before);
        let byte = encoded.get(..2).and_then(|digits| u8::from_str_radix(digits, 16).ok());
        rest = match byte {
            Some(byte) if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) => {
                normal.push(char::from(byte));
                &encoded[2..]
            }
            Some(byte) => {
                // Writing to a text cannot fail.
                let _ = write!(normal, "%{byte:02X}");
                &encoded[2..]
            }
            None => {
                normal.push('%');
                encoded
            }
        };
    }
    normal.push_str(rest);
    normal
}

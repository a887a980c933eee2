//! Signed tokens in compact form (RFC 7515 §3.1, §5.2; RFC 8725 §3).
//!
//! Takes a token apart strictly, so that there is one way to write it, and verifies its signature with a key that was chosen
//! beforehand. What the claims must say is for the one who knows what the token is for.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value};

use super::{Algorithm, Claims, HmacKey, ObjectError, PublicKey, read_object};

/// A token that can be read; its signature holds only once one of the `verify` functions has said so.
#[derive(Clone, Debug)]
pub struct CompactToken<'a> {
    header: Header,
    claims: Claims,
    message: &'a [u8],
    signature: Vec<u8>,
}

/// What the header says; members that nobody needs to understand are left out.
#[derive(Clone, Debug, PartialEq)]
pub struct Header {
    /// `alg` (RFC 7515 §4.1.1).
    pub algorithm: Algorithm,
    /// `typ` (§4.1.9).
    pub typ: Option<String>,
    /// `kid` (§4.1.4): at most 200 printable characters of ASCII.
    pub key_id: Option<String>,
    /// `jwk` (§4.1.3), where a key may come with the token.
    pub jwk: Option<Map<String, Value>>,
}

impl Header {
    /// Whether the token says that it is of this media type; `application/` before it and upper case mean the same
    /// (RFC 7515 §4.1.9).
    pub fn is_type(&self, typ: &str) -> bool {
        let Some(found) = &self.typ else { return false };
        let found = match found.split_at_checked(PREFIX.len()) {
            Some((prefix, rest)) if prefix.eq_ignore_ascii_case(PREFIX) => rest,
            _ => found,
        };
        found.eq_ignore_ascii_case(typ)
    }
}

impl<'a> CompactToken<'a> {
    /// Takes a token apart. No signature is looked at yet.
    ///
    /// # Errors
    /// The rule that the text breaks.
    pub fn parse(text: &'a str) -> Result<Self, TokenError> {
        let token = Self::parse_with_key(text)?;
        match token.header.jwk {
            // A key in the token proves only that somebody has a key.
            Some(_) => Err(TokenError::ForbiddenMember { name: "jwk" }),
            None => Ok(token),
        }
    }

    /// Takes a token apart that may bring its own key: a `DPoP` proof (RFC 9449 §4.2).
    ///
    /// # Errors
    /// The rule that the text breaks.
    pub fn parse_with_key(text: &'a str) -> Result<Self, TokenError> {
        let [header, payload, signature] = parts(text)?;
        let header = read_header(&object(header)?)?;
        let claims = Claims::new(object(payload)?);
        let message = &text.as_bytes()[..text.len() - signature.len() - 1];
        Ok(Self { header, claims, message, signature: decoded(signature)? })
    }

    /// What the header says, verified or not.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// What the token says, whoever wrote it: to find out which key to ask for, and to show.
    pub fn unverified(&self) -> &Claims {
        &self.claims
    }

    /// The claims, if the token is signed with `key`.
    ///
    /// # Errors
    /// The token names another algorithm than the key's own (RFC 8725 §3.1), or the signature is not by the key.
    pub fn verify(&self, key: &PublicKey) -> Result<&Claims, TokenError> {
        if self.header.algorithm != key.algorithm() {
            return Err(TokenError::WrongAlgorithm);
        }
        if key.verifies(self.message, &self.signature) {
            Ok(&self.claims)
        } else {
            Err(TokenError::BadSignature)
        }
    }

    /// The claims, if the token is signed with a secret of ours.
    ///
    /// # Errors
    /// The token names another algorithm than `HS256`, or the signature is not by the secret.
    pub fn verify_hmac(&self, key: &HmacKey) -> Result<&Claims, TokenError> {
        if self.header.algorithm != Algorithm::Hs256 {
            return Err(TokenError::WrongAlgorithm);
        }
        key.verify(self.message, &self.signature).map(|()| &self.claims)
    }
}

/// Shows a token to a human: header and claims of whatever algorithm, believed by nobody.
///
/// # Errors
/// The text is not three parts with objects in the first two.
pub fn decode(text: &str) -> Result<Decoded, TokenError> {
    let [header, payload, _] = parts(text)?;
    Ok(Decoded { header: object(header)?, claims: object(payload)? })
}

/// A token as [`decode`] shows it.
#[derive(Clone, Debug, PartialEq)]
pub struct Decoded {
    /// The header with all its members.
    pub header: Map<String, Value>,
    /// The claims.
    pub claims: Map<String, Value>,
}

/// A token that cannot be read, or is not signed as it should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// There is nothing.
    #[error("there is no token")]
    Empty,
    /// Larger than any honest token.
    #[error("the token has more than {MAXIMUM_BYTES} bytes")]
    TooLarge,
    /// Five parts are an encrypted token (RFC 7516 §3.1), which nobody asked for.
    #[error("the token is encrypted")]
    Encrypted,
    /// Not three parts of unpadded base64url in its only form (RFC 7515 §2, §3.1).
    #[error("the token is not three parts of base64url")]
    Malformed,
    /// Header or payload is no object that everybody reads alike.
    #[error("the header or the claims of the token cannot be read")]
    Object(#[from] ObjectError),
    /// `alg` is missing, `none` or unknown here (RFC 7515 §4.1.1, RFC 8725 §3.2).
    #[error("the token is not signed with EdDSA, ES256, RS256 or HS256")]
    UnsupportedAlgorithm,
    /// The header wants something that is done for nobody, or not for this kind of token.
    #[error("the header of the token must not have the member `{name}`")]
    ForbiddenMember {
        /// The member's name.
        name: &'static str,
    },
    /// A member of the header has no valid value.
    #[error("the member `{name}` of the token's header is not valid")]
    InvalidMember {
        /// The member's name.
        name: &'static str,
    },
    /// The key is for another algorithm than the token names.
    #[error("the token names another algorithm than its key is for")]
    WrongAlgorithm,
    /// The signature is by another key, or something was changed.
    #[error("the signature of the token is not valid")]
    BadSignature,
}

/// Whether a text may name a key. Names end up in look-ups and logs; a path or a query cannot do harm there, a line
/// break could.
pub(super) fn is_key_id(text: &str) -> bool {
    (1..=MAXIMUM_KEY_ID).contains(&text.len()) && text.bytes().all(|byte| (0x20..0x7f).contains(&byte))
}

/// Access tokens with many claims reach 4 KiB; servers refuse headers of more than 16.
const MAXIMUM_BYTES: usize = 16 * 1024;

/// Thumbprints have 43 characters, URLs as names 100.
const MAXIMUM_KEY_ID: usize = 200;

/// The longest registered media type in use has 40 characters.
const MAXIMUM_TYPE: usize = 100;

const PREFIX: &str = "application/";

/// What would make us fetch or trust a stranger's key (RFC 8725 §3.10), or read the token in another way (RFC 7515
/// §4.1.11, RFC 7797 §3). None of the extensions `crit` could name is known here.
const FORBIDDEN: [&str; 5] = ["crit", "b64", "jku", "x5u", "x5c"];

fn parts(text: &str) -> Result<[&str; 3], TokenError> {
    if text.trim().is_empty() {
        return Err(TokenError::Empty);
    }
    if text.len() > MAXIMUM_BYTES {
        return Err(TokenError::TooLarge);
    }
    let mut parts = text.split('.');
    match (parts.next(), parts.next(), parts.next(), parts.count()) {
        (Some(header), Some(payload), Some(signature), 0) => Ok([header, payload, signature]),
        (Some(_), Some(_), Some(_), 2) => Err(TokenError::Encrypted),
        _ => Err(TokenError::Malformed),
    }
}

fn read_header(header: &Map<String, Value>) -> Result<Header, TokenError> {
    if let Some(name) = FORBIDDEN.into_iter().find(|name| header.contains_key(*name)) {
        return Err(TokenError::ForbiddenMember { name });
    }
    let algorithm = header.get("alg").and_then(Value::as_str).and_then(Algorithm::from_name);
    let text = |name: &'static str, valid: fn(&str) -> bool| match header.get(name) {
        None => Ok(None),
        Some(Value::String(text)) if valid(text) => Ok(Some(text.clone())),
        Some(_) => Err(TokenError::InvalidMember { name }),
    };
    let jwk = match header.get("jwk") {
        None => None,
        Some(Value::Object(jwk)) => Some(jwk.clone()),
        Some(_) => return Err(TokenError::InvalidMember { name: "jwk" }),
    };
    Ok(Header {
        algorithm: algorithm.ok_or(TokenError::UnsupportedAlgorithm)?,
        typ: text("typ", |typ| (1..=MAXIMUM_TYPE).contains(&typ.len()))?,
        key_id: text("kid", is_key_id)?,
        jwk,
    })
}

fn object(part: &str) -> Result<Map<String, Value>, TokenError> {
    Ok(read_object(&decoded(part)?)?)
}

/// The engine refuses padding, and bits in the last character that mean nothing: with them one token could be written in
/// several ways, and a list of refused tokens would not find it.
fn decoded(part: &str) -> Result<Vec<u8>, TokenError> {
    URL_SAFE_NO_PAD.decode(part).map_err(|_| TokenError::Malformed)
}

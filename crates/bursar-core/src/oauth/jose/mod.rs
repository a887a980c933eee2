//! JSON Web Signatures and Keys (RFC 7515, 7517, 7518, 7519, 8037, with the advice of RFC 8725).
//!
//! Reads tokens and public keys of strangers strictly and verifies signatures. It makes none, `oauth::signing` does; and it
//! does not know what a token is for, `oauth::server` does.

mod algorithm;
mod claims;
mod hmac;
mod jwk;
mod jws;
mod key_set;
mod object;
#[cfg(test)]
mod tests;
mod thumbprint;

pub use self::algorithm::{Algorithm, UnknownAlgorithm};
pub use self::claims::{ClaimError, Claims, Times};
pub use self::hmac::{HmacKey, SecretTooShort};
pub use self::jwk::{JwkError, PublicKey};
pub use self::jws::{CompactToken, Decoded, Header, TokenError, decode};
pub use self::key_set::{KeySet, KeySetError};
pub use self::object::{ObjectError, read_object};
pub use self::thumbprint::{NotAThumbprint, Thumbprint};

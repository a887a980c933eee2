//! JWK Sets (RFC 7517 §5): the keys a client or a server publishes, and which of them a signature is by.

use serde_json::{Map, Value, json};

use super::{Algorithm, JwkError, ObjectError, PublicKey, read_object};

/// The keys of a set that can verify.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeySet(Vec<PublicKey>);

impl KeySet {
    /// A set of our own keys.
    pub fn new(keys: Vec<PublicKey>) -> Self {
        Self(keys)
    }

    /// Reads the bytes of a document.
    ///
    /// # Errors
    /// It is no JSON object, or no set as [`KeySet::from_object`] wants it.
    pub fn read(document: &[u8]) -> Result<Self, KeySetError> {
        Self::from_object(&read_object(document)?)
    }

    /// Reads a set that came inside something else, such as `jwks` of client metadata (RFC 7591 §2).
    ///
    /// Keys of other kinds, for other uses and damaged ones are left out, as RFC 7517 §5 says. Two keys of one algorithm
    /// under one name are refused, because nobody could say which of them signed (§4.5).
    ///
    /// # Errors
    /// There is no list of keys, it is too long, a key is private, or a name stands for two keys.
    pub fn from_object(object: &Map<String, Value>) -> Result<Self, KeySetError> {
        let Some(Value::Array(list)) = object.get("keys") else { return Err(KeySetError::NoKeys) };
        if list.len() > MAXIMUM_KEYS {
            return Err(KeySetError::TooMany);
        }
        let mut keys: Vec<PublicKey> = Vec::new();
        for value in list {
            let Value::Object(jwk) = value else { return Err(KeySetError::NoKeys) };
            let key = match PublicKey::from_jwk(jwk) {
                Ok(key) => key,
                Err(JwkError::Private) => return Err(KeySetError::Private),
                Err(_) => continue,
            };
            if key.key_id().is_some_and(|key_id| find(&keys, key_id, key.algorithm()).is_some()) {
                return Err(KeySetError::DuplicateKeyId);
            }
            keys.push(key);
        }
        Ok(Self(keys))
    }

    /// The set as it is published.
    pub fn to_json(&self) -> Value {
        let keys: Vec<Value> = self.0.iter().map(|key| Value::Object(key.to_jwk())).collect();
        json!({ "keys": keys })
    }

    /// The key of this name and algorithm. Without a name only if the set has a single key of the algorithm: among
    /// several the signer must say which (OIDC Core §10.1).
    pub fn find(&self, key_id: Option<&str>, algorithm: Algorithm) -> Option<&PublicKey> {
        if let Some(key_id) = key_id {
            return find(&self.0, key_id, algorithm);
        }
        let mut fitting = self.0.iter().filter(|key| key.algorithm() == algorithm);
        fitting.next().filter(|_| fitting.next().is_none())
    }

    /// All keys.
    pub fn iter(&self) -> impl Iterator<Item = &PublicKey> {
        self.0.iter()
    }

    /// Whether no key can verify.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// A document that is no usable set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeySetError {
    /// The text cannot be read.
    #[error("the key set cannot be read")]
    Unreadable(#[from] ObjectError),
    /// There is no list of objects under `keys`.
    #[error("the key set has no list `keys`")]
    NoKeys,
    /// Nobody needs so many.
    #[error("the key set has more than {MAXIMUM_KEYS} keys")]
    TooMany,
    /// A key is private: it is known to everybody now.
    #[error("the key set holds a private key")]
    Private,
    /// Two keys of one algorithm have one name.
    #[error("two keys of the key set have the same `kid`")]
    DuplicateKeyId,
}

/// The largest sets of real providers have ten; checking an elliptic point costs some microseconds.
const MAXIMUM_KEYS: usize = 32;

fn find<'a>(keys: &'a [PublicKey], key_id: &str, algorithm: Algorithm) -> Option<&'a PublicKey> {
    keys.iter().find(|key| key.algorithm() == algorithm && key.key_id() == Some(key_id))
}

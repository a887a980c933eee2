//! A key of a client: assertions and proofs made with it, as they should be and as they should not.

use std::sync::atomic::{AtomicU32, Ordering};

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use serde_json::{Value, json};

/// A P-256 key.
pub(super) struct Key {
    pair: EcdsaKeyPair,
    made: AtomicU32,
}

impl Key {
    pub(super) fn new() -> Self {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
        Self { pair, made: AtomicU32::new(0) }
    }

    pub(super) fn jwk(&self) -> Value {
        let point = self.pair.public_key().as_ref();
        let encoded = |range: std::ops::Range<usize>| URL_SAFE_NO_PAD.encode(&point[range]);
        json!({ "kty": "EC", "crv": "P-256", "x": encoded(1..33), "y": encoded(33..65) })
    }

    /// A JWS over exactly this.
    pub(super) fn sign(&self, header: &Value, claims: &Value) -> String {
        self.sign_text(&header.to_string(), &claims.to_string())
    }

    /// The same of texts, which may say what no object can.
    pub(super) fn sign_text(&self, header: &str, claims: &str) -> String {
        let message = joined(header, claims);
        let signature = self.pair.sign(&SystemRandom::new(), message.as_bytes()).unwrap();
        format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature))
    }

    /// A name that no other of this key has.
    pub(super) fn name(&self) -> String {
        format!("made-{}", self.made.fetch_add(1, Ordering::Relaxed))
    }

    /// The claims of a proof for a request (RFC 9449 §4.2).
    pub(super) fn proof_claims(&self, method: &str, url: &str, now: Timestamp) -> Value {
        json!({ "htm": method, "htu": url, "iat": now.as_second(), "jti": self.name() })
    }

    /// A proof with these claims.
    pub(super) fn proof_of(&self, claims: &Value) -> String {
        self.sign(&json!({ "typ": "dpop+jwt", "alg": "ES256", "jwk": self.jwk() }), claims)
    }

    /// A proof as it should be.
    pub(super) fn proof(&self, method: &str, url: &str, now: Timestamp) -> String {
        self.proof_of(&self.proof_claims(method, url, now))
    }
}

/// What is signed.
pub(super) fn message(header: &Value, claims: &Value) -> String {
    joined(&header.to_string(), &claims.to_string())
}

fn joined(header: &str, claims: &str) -> String {
    format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims))
}

/// RFC 9449 §4.2, `ath`.
pub(super) fn token_hash(token: &str) -> String {
    URL_SAFE_NO_PAD.encode(digest(&SHA256, token.as_bytes()))
}

//! A key of a client, and proofs of having it (RFC 9449 §4).

use std::sync::atomic::{AtomicU32, Ordering};

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::oauth::jose::{PublicKey, Thumbprint};
use crate::secret::Secret;

pub(super) const TOKEN: &str = "https://as.test/oauth/token";

/// A key that proves.
pub(super) struct ProofKey {
    pair: EcdsaKeyPair,
    made: AtomicU32,
}

impl ProofKey {
    pub(super) fn new() -> Self {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
        Self { pair, made: AtomicU32::new(0) }
    }

    pub(super) fn thumbprint(&self) -> Thumbprint {
        PublicKey::from_jwk(self.jwk().as_object().unwrap()).unwrap().thumbprint().clone()
    }

    /// A proof for a POST.
    pub(super) fn post(&self, url: &str, now: Timestamp) -> String {
        self.proof(&json!({ "htm": "POST", "htu": url, "iat": now.as_second() }))
    }

    /// A proof that goes with an access token.
    pub(super) fn get(&self, url: &str, now: Timestamp, token: &Secret) -> String {
        let hash = URL_SAFE_NO_PAD.encode(digest(&SHA256, token.expose().as_bytes()));
        self.proof(&json!({ "htm": "GET", "htu": url, "iat": now.as_second(), "ath": hash }))
    }

    /// A proof that says this, and has a name of its own if it says none.
    pub(super) fn proof(&self, claims: &Value) -> String {
        let mut claims = claims.clone();
        let number = self.made.fetch_add(1, Ordering::Relaxed);
        if claims.get("jti").is_none() {
            claims["jti"] = format!("proof-{number}").into();
        }
        let header = json!({ "typ": "dpop+jwt", "alg": "ES256", "jwk": self.jwk() });
        let encoded = |part: &Value| URL_SAFE_NO_PAD.encode(part.to_string());
        let message = format!("{}.{}", encoded(&header), encoded(&claims));
        let signature = self.pair.sign(&SystemRandom::new(), message.as_bytes()).unwrap();
        format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature))
    }

    fn jwk(&self) -> Value {
        let point = self.pair.public_key().as_ref();
        let encoded = |range: std::ops::Range<usize>| URL_SAFE_NO_PAD.encode(&point[range]);
        json!({ "kty": "EC", "crv": "P-256", "x": encoded(1..33), "y": encoded(33..65) })
    }
}

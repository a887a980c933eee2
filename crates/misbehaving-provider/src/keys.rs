//! The provider's signing keys and their JWKS (RFC 7517), made when first needed.

use std::fmt;
use std::sync::OnceLock;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _, RSA_PKCS1_SHA256, RsaKeyPair,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use crate::behaviour::token::IdentityTokenSignature;
use crate::jwt;
use crate::system;

/// One key per algorithm. Key ids are random, so that a restarted provider is not taken for the old one.
pub(crate) struct SigningKeys {
    name: String,
    es256: OnceLock<EcdsaKeyPair>,
    eddsa: OnceLock<Ed25519KeyPair>,
    rs256: OnceLock<RsaKeyPair>,
}

impl Default for SigningKeys {
    fn default() -> Self {
        let name = system::random_text().chars().take(8).collect();
        Self { name, es256: OnceLock::new(), eddsa: OnceLock::new(), rs256: OnceLock::new() }
    }
}

impl fmt::Debug for SigningKeys {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("SigningKeys").field("name", &self.name).finish_non_exhaustive()
    }
}

impl SigningKeys {
    /// A JWT of this `typ` over these claims.
    pub(crate) fn sign(&self, signature: IdentityTokenSignature, kind: &str, claims: &Value) -> String {
        let algorithm = match signature {
            IdentityTokenSignature::Unsigned => "none",
            IdentityTokenSignature::Es256 | IdentityTokenSignature::Forged => "ES256",
            IdentityTokenSignature::Rs256 => "RS256",
            IdentityTokenSignature::EdDsa => "EdDSA",
        };
        let header = json!({ "alg": algorithm, "typ": kind, "kid": self.key_id(algorithm) });
        let unsigned = jwt::unsigned(&header, claims);
        let message = unsigned.as_bytes();
        let signature = match signature {
            IdentityTokenSignature::Unsigned => Vec::new(),
            IdentityTokenSignature::Es256 => self.sign_es256(message),
            IdentityTokenSignature::Forged => self.sign_es256(b"another message"),
            IdentityTokenSignature::EdDsa => self.eddsa().sign(message).as_ref().to_vec(),
            IdentityTokenSignature::Rs256 => self.sign_rs256(message),
        };
        format!("{unsigned}.{}", URL_SAFE_NO_PAD.encode(signature))
    }

    /// The public keys. RSA is there only `with_rsa`, because making the key takes a noticeable time.
    pub(crate) fn jwks(&self, with_rsa: bool) -> Value {
        let text = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        // SEC 1: an uncompressed point is 04, x, y.
        let point = self.es256().public_key().as_ref();
        let (x, y) = (text(&point[1..33]), text(&point[33..65]));
        let mut keys = vec![
            json!({ "kty": "EC", "crv": "P-256", "alg": "ES256", "use": "sig", "kid": self.key_id("ES256"), "x": x, "y": y }),
            json!({ "kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "use": "sig", "kid": self.key_id("EdDSA"),
                "x": text(self.eddsa().public_key().as_ref()) }),
        ];
        if with_rsa || self.rs256.get().is_some() {
            let (modulus, exponent) = rsa_2048_components(self.rs256().public_key().as_ref());
            keys.push(json!({ "kty": "RSA", "alg": "RS256", "use": "sig", "kid": self.key_id("RS256"),
                "n": text(modulus), "e": text(exponent) }));
        }
        json!({ "keys": keys })
    }

    fn key_id(&self, algorithm: &str) -> String {
        format!("{}-{algorithm}", self.name)
    }

    fn sign_es256(&self, message: &[u8]) -> Vec<u8> {
        let signature =
            self.es256().sign(&SystemRandom::new(), message).expect("a generated P-256 key signs");
        signature.as_ref().to_vec()
    }

    fn sign_rs256(&self, message: &[u8]) -> Vec<u8> {
        let key = self.rs256();
        let mut signature = vec![0; key.public_modulus_len()];
        key.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message, &mut signature)
            .expect("a generated RSA key signs");
        signature
    }

    fn es256(&self) -> &EcdsaKeyPair {
        self.es256.get_or_init(|| {
            EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).expect("P-256 keys can be made")
        })
    }

    fn eddsa(&self) -> &Ed25519KeyPair {
        self.eddsa.get_or_init(|| Ed25519KeyPair::generate().expect("Ed25519 keys can be made"))
    }

    fn rs256(&self) -> &RsaKeyPair {
        self.rs256.get_or_init(|| RsaKeyPair::generate(KeySize::Rsa2048).expect("RSA keys can be made"))
    }
}

/// Modulus and exponent out of an `RSAPublicKey` (RFC 8017 §A.1.1) of 2048 bits with exponent 65537, whose DER has a fixed
/// layout: sequence header of 4 bytes, integer header of 4, a zero, 256 bytes, integer header of 2, 3 bytes.
fn rsa_2048_components(der: &[u8]) -> (&[u8], &[u8]) {
    (&der[9..265], &der[267..270])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn published_keys_verify_what_was_signed() {
        let keys = SigningKeys::default();
        let claims = json!({ "sub": "ada" });
        let table = [
            (IdentityTokenSignature::Es256, 0, true),
            (IdentityTokenSignature::Forged, 0, false),
            (IdentityTokenSignature::EdDsa, 1, true),
            (IdentityTokenSignature::Rs256, 2, true),
            (IdentityTokenSignature::Unsigned, 0, false),
        ];
        for (signature, position, verifies) in table {
            let token = keys.sign(signature, "JWT", &claims);
            let key = &keys.jwks(true)["keys"][position];
            assert_eq!(
                jwt::verified_claims(&token, key).as_ref() == Some(&claims),
                verifies,
                "{signature:?}"
            );
        }
    }
}

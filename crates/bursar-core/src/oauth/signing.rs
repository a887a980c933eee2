//! Signatures over claims (RFC 7515 compact form; RFC 7518 §3.3, §3.4; RFC 8037 §3.1).
//!
//! Reads a private key in the forms people have, makes new ones, and signs with the one algorithm that fits the key. It never
//! verifies. Keys and the nonces of ECDSA are drawn inside the cryptographic library, which takes no other source.

use std::fmt;
use std::sync::Arc;

use aws_lc_rs::encoding::AsDer as _;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPairComponents, KeySize, PublicKeyComponents};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _, RSA_PKCS1_SHA256, RsaKeyPair,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rustls_pki_types::PrivateKeyDer;
use rustls_pki_types::pem::PemObject as _;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use zeroize::{Zeroize as _, Zeroizing};

use super::jose::{Algorithm, PublicKey};
use crate::secret::Secret;

/// A private key that signs.
#[derive(Clone)]
pub struct SigningKey {
    key: Arc<Key>,
    key_id: Option<String>,
}

enum Key {
    P256(EcdsaKeyPair),
    Rsa(RsaKeyPair),
    Ed25519(Ed25519KeyPair),
}

impl SigningKey {
    /// Makes a new key, named by its thumbprint (RFC 7638), and its PKCS#8 form (RFC 5958) to be sealed and kept.
    ///
    /// RSA keys have 2048 bits and take some hundred milliseconds, the others some microseconds.
    ///
    /// # Errors
    /// `HS256` has no such keys, or the cryptographic library failed.
    pub fn generate(algorithm: Algorithm) -> Result<(Self, Zeroizing<Vec<u8>>), SigningError> {
        let der = Key::generate(algorithm)?;
        Ok((Self::from_pkcs8(&der)?, der))
    }

    /// Reads a private key in PKCS#8 form (RFC 5958) and names it by its thumbprint.
    ///
    /// # Errors
    /// The key is damaged or of another kind.
    pub fn from_pkcs8(der: &[u8]) -> Result<Self, SigningError> {
        let key = Self { key: Arc::new(Key::from_pkcs8(der)?), key_id: None };
        let thumbprint = key.public_key()?.thumbprint().to_string();
        Ok(key.named(&thumbprint))
    }

    /// Reads the first private key of a PEM file: PKCS#8, SEC 1 or PKCS#1, not encrypted.
    ///
    /// P-256 keys sign with `ES256`, RSA keys of at least 2048 bits with `RS256`, Ed25519 keys with `EdDSA`.
    ///
    /// # Errors
    /// There is no readable private key, or it is of another kind.
    pub fn from_pem(pem: &Secret, key_id: Option<String>) -> Result<Self, SigningError> {
        let Ok(mut der) = PrivateKeyDer::from_pem_slice(pem.expose().as_bytes()) else {
            let encrypted = pem.expose().contains("ENCRYPTED");
            return Err(if encrypted { SigningError::Encrypted } else { SigningError::NotPem });
        };
        let key = Key::from_der(&der);
        der.zeroize();
        Ok(Self { key: Arc::new(key?), key_id })
    }

    /// Reads a private JSON Web Key (RFC 7517 §4; RFC 7518 §6.2, §6.3; RFC 8037 §2), whose `kid` names it.
    ///
    /// # Errors
    /// The text is not such a key, or it is of another kind or for another algorithm.
    pub fn from_jwk(jwk: &Secret) -> Result<Self, SigningError> {
        let jwk: Jwk = serde_json::from_str(jwk.expose()).map_err(|_| SigningError::NotJwk)?;
        let signing_key = Self { key: Arc::new(jwk.key()?), key_id: jwk.kid };
        // RFC 7517 §4.4: a key says at most one algorithm, and is for no other.
        match jwk.alg {
            Some(name) if Algorithm::from_name(&name) != Some(signing_key.key.algorithm()) => {
                Err(SigningError::UnsupportedKey)
            }
            _ => Ok(signing_key),
        }
    }

    /// Whether `text` is meant to be a private key, readable or not: PEM (RFC 7468 §2), or a JSON Web Key with its `kty`
    /// (RFC 7517 §4.1).
    pub fn looks_like_one(text: &Secret) -> bool {
        let text = text.expose().trim_start();
        (text.starts_with("-----BEGIN ") && text.contains("PRIVATE KEY-----"))
            || (text.starts_with('{') && text.contains("\"kty\""))
    }

    /// The same key under another name.
    #[must_use]
    pub fn named(self, key_id: &str) -> Self {
        Self { key_id: Some(key_id.to_owned()), ..self }
    }

    /// The public half, under the same name.
    ///
    /// # Errors
    /// The key signs, but is none that others verify with: an RSA key of more than 8192 bits, or with an exponent nobody uses.
    pub fn public_key(&self) -> Result<PublicKey, SigningError> {
        let public = self.key.public_key()?;
        Ok(match self.key_id() {
            Some(key_id) => public.named(key_id),
            None => public,
        })
    }

    /// The value of `alg` in signatures by this key.
    pub fn algorithm(&self) -> &'static str {
        self.key.algorithm().name()
    }

    /// The value of `kid` in signatures by this key.
    pub fn key_id(&self) -> Option<&str> {
        self.key_id.as_deref()
    }

    /// Signs `claims` as a compact JWT whose header says `typ` (RFC 7519 §5.1, RFC 8725 §3.11).
    ///
    /// # Errors
    /// The claims have no JSON form, or the cryptographic library failed.
    pub fn sign(&self, typ: &str, claims: &(impl Serialize + ?Sized)) -> Result<Secret, SigningError> {
        compact(self.key.algorithm(), typ, self.key_id(), claims, |message| self.key.signature(message))
    }

    /// The same with a public key in the header instead of a name (RFC 9449 §4.2).
    ///
    /// # Errors
    /// As of [`SigningKey::sign`].
    pub(super) fn sign_showing_key(
        &self,
        typ: &str,
        public: &Map<String, Value>,
        claims: &(impl Serialize + ?Sized),
    ) -> Result<Secret, SigningError> {
        let header = Header { alg: self.algorithm(), typ, kid: None, jwk: Some(public) };
        written(&header, claims, |message| self.key.signature(message))
    }
}

/// Writes the three parts of RFC 7515 §3.1 into one text, which grows once.
pub(super) fn compact<S: AsRef<[u8]>>(
    algorithm: Algorithm,
    typ: &str,
    key_id: Option<&str>,
    claims: &(impl Serialize + ?Sized),
    signature: impl FnOnce(&[u8]) -> Result<S, SigningError>,
) -> Result<Secret, SigningError> {
    written(&Header { alg: algorithm.name(), typ, kid: key_id, jwk: None }, claims, signature)
}

fn written<S: AsRef<[u8]>>(
    header: &Header<'_>,
    claims: &(impl Serialize + ?Sized),
    signature: impl FnOnce(&[u8]) -> Result<S, SigningError>,
) -> Result<Secret, SigningError> {
    let json = |bytes: serde_json::Result<Vec<u8>>| bytes.map_err(|_| SigningError::Claims);
    let header = json(serde_json::to_vec(header))?;
    let payload = json(serde_json::to_vec(claims))?;
    let length = (header.len() + payload.len() + LARGEST_SIGNATURE) / 3 * 4 + PARTING;
    let mut token = String::with_capacity(length);
    URL_SAFE_NO_PAD.encode_string(&header, &mut token);
    token.push('.');
    URL_SAFE_NO_PAD.encode_string(&payload, &mut token);
    let signature = signature(token.as_bytes())?;
    token.push('.');
    URL_SAFE_NO_PAD.encode_string(signature, &mut token);
    Ok(Secret::new(token))
}

#[derive(Serialize)]
struct Header<'a> {
    alg: &'a str,
    typ: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    kid: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    jwk: Option<&'a Map<String, Value>>,
}

/// RSA with 4096 bits; a longer one makes the text grow again.
const LARGEST_SIGNATURE: usize = 512;

/// Two dots, and up to four characters for what is left of a part.
const PARTING: usize = 2 + 3 * 4;

impl fmt::Debug for SigningKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("SigningKey")
            .field("algorithm", &self.algorithm())
            .field("key_id", &self.key_id)
            .finish_non_exhaustive()
    }
}

/// A key that cannot be used, or a signature that failed. The library's own words are left out: they could only
/// describe key material.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SigningError {
    /// There is no PEM block with a private key.
    #[error("the file holds no private key in PEM form")]
    NotPem,
    /// The key is protected by a passphrase.
    #[error("the private key is encrypted; decrypt it first, for example with `openssl pkey`")]
    Encrypted,
    /// The text is not JSON with the members of a private key.
    #[error("the text is not a private JSON Web Key")]
    NotJwk,
    /// The key is damaged, or neither P-256 nor RSA from 2048 bits nor Ed25519.
    #[error("the private key is not a valid P-256, RSA (2048 bits or more) or Ed25519 key")]
    UnsupportedKey,
    /// Only keys with a public half are made here.
    #[error("the algorithm has no private keys")]
    Symmetric,
    /// A map whose names are no texts, or the like.
    #[error("the claims have no JSON form")]
    Claims,
    /// The cryptographic library failed.
    #[error("the key or the signature could not be made")]
    Failed,
}

impl Key {
    fn generate(algorithm: Algorithm) -> Result<Zeroizing<Vec<u8>>, SigningError> {
        let der = match algorithm {
            Algorithm::EdDsa => Ed25519KeyPair::generate()
                .and_then(|key| key.to_pkcs8v1())
                .map(|der| Zeroizing::new(der.as_ref().to_vec())),
            Algorithm::Es256 => EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING)
                .and_then(|key| key.to_pkcs8v1())
                .map(|der| Zeroizing::new(der.as_ref().to_vec())),
            Algorithm::Rs256 => RsaKeyPair::generate(KeySize::Rsa2048)
                .and_then(|key| key.as_der())
                .map(|der| Zeroizing::new(der.as_ref().to_vec())),
            Algorithm::Hs256 => return Err(SigningError::Symmetric),
        };
        der.map_err(|_| SigningError::Failed)
    }

    fn from_pkcs8(der: &[u8]) -> Result<Self, SigningError> {
        EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, der)
            .map(Self::P256)
            .or_else(|_| Ed25519KeyPair::from_pkcs8(der).map(Self::Ed25519))
            .or_else(|_| RsaKeyPair::from_pkcs8(der).map(Self::Rsa))
            .map_err(|_| SigningError::UnsupportedKey)
    }

    fn from_der(der: &PrivateKeyDer<'_>) -> Result<Self, SigningError> {
        let algorithm = &ECDSA_P256_SHA256_FIXED_SIGNING;
        let key = match der {
            PrivateKeyDer::Pkcs1(der) => RsaKeyPair::from_der(der.secret_pkcs1_der()).map(Self::Rsa),
            PrivateKeyDer::Sec1(der) => {
                EcdsaKeyPair::from_private_key_der(algorithm, der.secret_sec1_der()).map(Self::P256)
            }
            PrivateKeyDer::Pkcs8(der) => return Self::from_pkcs8(der.secret_pkcs8_der()),
            _ => return Err(SigningError::UnsupportedKey),
        };
        key.map_err(|_| SigningError::UnsupportedKey)
    }

    fn algorithm(&self) -> Algorithm {
        match self {
            Self::P256(_) => Algorithm::Es256,
            Self::Rsa(_) => Algorithm::Rs256,
            Self::Ed25519(_) => Algorithm::EdDsa,
        }
    }

    fn public_key(&self) -> Result<PublicKey, SigningError> {
        match self {
            Self::P256(key) => {
                // SEC 1 §2.3.3: a 4, then both coordinates.
                let (x, y) = key.public_key().as_ref()[1..].split_at(32);
                PublicKey::p256(x, y)
            }
            Self::Ed25519(key) => PublicKey::ed25519(key.public_key().as_ref()),
            Self::Rsa(key) => {
                let (modulus, exponent) =
                    rsa_components(key.public_key().as_ref()).ok_or(SigningError::UnsupportedKey)?;
                PublicKey::rsa(modulus, exponent)
            }
        }
        .map_err(|_| SigningError::UnsupportedKey)
    }

    fn signature(&self, message: &[u8]) -> Result<Vec<u8>, SigningError> {
        let random = SystemRandom::new();
        match self {
            // RFC 7518 §3.4: the two halves side by side, not the DER form.
            Self::P256(key) => key.sign(&random, message).map(|signature| signature.as_ref().to_vec()),
            Self::Ed25519(key) => key.try_sign(message).map(|signature| signature.as_ref().to_vec()),
            Self::Rsa(key) => {
                let mut signature = vec![0; key.public_modulus_len()];
                key.sign(&RSA_PKCS1_SHA256, &random, message, &mut signature).map(|()| signature)
            }
        }
        .map_err(|_| SigningError::Failed)
    }
}

/// Modulus and exponent out of an `RSAPublicKey` (RFC 8017 §A.1.1) as the cryptographic library writes it.
fn rsa_components(der: &[u8]) -> Option<(&[u8], &[u8])> {
    let (sequence, _) = element(der, 0x30)?;
    let (modulus, rest) = element(sequence, 0x02)?;
    let (exponent, _) = element(rest, 0x02)?;
    Some((unsigned(modulus), unsigned(exponent)))
}

/// A zero in front keeps a number from being read as negative.
fn unsigned(integer: &[u8]) -> &[u8] {
    integer.strip_prefix(&[0]).unwrap_or(integer)
}

/// The content of the first element, which must have this tag, and what follows it (X.690 §8.1).
fn element(der: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (&found, rest) = der.split_first()?;
    let (&first, rest) = rest.split_first()?;
    let (length, rest) = if first < 0x80 {
        (usize::from(first), rest)
    } else {
        let (bytes, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
        (bytes.iter().fold(0, |length, &byte| length << 8 | usize::from(byte)), rest)
    };
    (found == tag).then(|| rest.split_at_checked(length)).flatten()
}

#[derive(Deserialize)]
struct Jwk {
    kty: String,
    crv: Option<String>,
    alg: Option<String>,
    kid: Option<String>,
    d: Secret,
    x: Option<Secret>,
    y: Option<Secret>,
    n: Option<Secret>,
    e: Option<Secret>,
    p: Option<Secret>,
    q: Option<Secret>,
    dp: Option<Secret>,
    dq: Option<Secret>,
    qi: Option<Secret>,
}

impl Jwk {
    fn key(&self) -> Result<Key, SigningError> {
        let private = decoded(Some(&self.d))?;
        let key = match (self.kty.as_str(), self.crv.as_deref()) {
            ("EC", Some("P-256")) => {
                let (x, y) = (decoded(self.x.as_ref())?, decoded(self.y.as_ref())?);
                // SEC 1 §2.3.3: 4 stands for an uncompressed point.
                let point = [&[4], x.as_slice(), y.as_slice()].concat();
                EcdsaKeyPair::from_private_key_and_public_key(
                    &ECDSA_P256_SHA256_FIXED_SIGNING,
                    &private,
                    &point,
                )
                .map(Key::P256)
            }
            ("OKP", Some("Ed25519")) => {
                Ed25519KeyPair::from_seed_and_public_key(&private, &decoded(self.x.as_ref())?)
                    .map(Key::Ed25519)
            }
            ("RSA", _) => RsaKeyPair::from_components(&KeyPairComponents {
                public_key: PublicKeyComponents {
                    n: decoded(self.n.as_ref())?,
                    e: decoded(self.e.as_ref())?,
                },
                d: private,
                p: decoded(self.p.as_ref())?,
                q: decoded(self.q.as_ref())?,
                dP: decoded(self.dp.as_ref())?,
                dQ: decoded(self.dq.as_ref())?,
                qInv: decoded(self.qi.as_ref())?,
            })
            .map(Key::Rsa),
            _ => return Err(SigningError::UnsupportedKey),
        };
        key.map_err(|_| SigningError::UnsupportedKey)
    }
}

fn decoded(member: Option<&Secret>) -> Result<Zeroizing<Vec<u8>>, SigningError> {
    let text = member.ok_or(SigningError::NotJwk)?;
    URL_SAFE_NO_PAD.decode(text.expose()).map(Zeroizing::new).map_err(|_| SigningError::NotJwk)
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey};
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::super::jose::CompactToken;

    use super::*;

    /// RFC 8037 Appendix A.1.
    const ED25519: &str = r#"{"kty":"OKP","crv":"Ed25519",
        "d":"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A",
        "x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;

    /// RFC 7515 Appendix A.3.
    const P256: &str = r#"{"kty":"EC","crv":"P-256",
        "x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
        "y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
        "d":"jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI"}"#;

    /// RFC 7515 Appendix A.2.
    const RSA: &str = "{\"kty\":\"RSA\",\"n\":\"ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2\
         mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSH\
         SXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7\
         aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ\",\"e\":\"AQAB\",\"d\":\"Eq5xpG\
         nNCivDflJsRQBXHx1hdR1k6Ulwe2JZD50LpXyWPEAeP88vLNO97IjlA7_GQ5sLKMgvfTeXZx9SE-7YwVol2NXOoAJe46sui3\
         95IW_GO-pWJ1O0BkTGoVEn2bKVRUCgu-GjBVaYLU6f3l9kJfFNS3E0QbVdxzubSu3Mkqzjkn439X0M_V51gfpRLI9JYanrC4\
         D4qAdGcopV_0ZHHzQlBjudU2QvXt4ehNYTCBr6XCLQUShb1juUO1ZdiYoFaFQT5Tw8bGUl_x_jTj3ccPDVZFD9pIuhLhBOne\
         ufuBiB4cS98l2SR_RQyGWSeWjnczT0QU91p1DhOVRuOopznQ\",\"p\":\"4BzEEOtIpmVdVEZNCqS7baC4crd0pqnRH_5IB3jw3\
         bcxGn6QLvnEtfdUdiYrqBdss1l58BQ3KhooKeQTa9AB0Hw_Py5PJdTJNPY8cQn7ouZ2KKDcmnPGBY5t7yLc1QlQ5xHdwW1Vh\
         vKn-nXqhJTBgIPgtldC-KDV5z-y2XDwGUc\",\"q\":\"uQPEfgmVtjL0Uyyx88GZFF1fOunH3-7cepKmtH4pxhtCoHqpWmT8YAm\
         ZxaewHgHAjLYsp1ZSe7zFYHj7C6ul7TjeLQeZD_YwD66t62wDmpe_HlB-TnBA-njbglfIsRLtXlnDzQkv5dTltRJ11BKBByp\
         eeF6689rjcJIDEz9RWdc\",\"dp\":\"BwKfV3Akq5_MFZDFZCnW-wzl-CCo83WoZvnLQwCTeDv8uzluRSnm71I3QCLdhrqE2e9Y\
         kxvuxdBfpT_PI7Yz-FOKnu1R6HsJeDCjn12Sk3vmAktV2zb34MCdy7cpdTh_YVr7tss2u6vneTwrA86rZtu5Mbr1C1Xsmvkx\
         HQAdYo0\",\"dq\":\"h_96-mK1R_7glhsum81dZxjTnYynPbZpHziZjeeHcXYsXaaMwkOlODsWa7I9xXDoRwbKgB719rrmI2oKr\
         6N3Do9U0ajaHF-NKJnwgjMd2w9cjz3_-kyNlxAr2v4IKhGNpmM5iIgOS1VZnOZ68m6_pbLBSp3nssTdlqvd0tIiTHU\",\"qi\"\
         :\"IYd7DHOhrWvxkwPQsRM2tOgrjbcrfvtQJipd-DlcxyVuuM9sQLdgjVk2oy26F0EmpScGLq2MowX7fhd_QJQ3ydy5cY7YIB\
         i87w93IKLEdfnbJtoOPLUW0ITrJReOgo1cq9SbsxYawBgfp_gh6A5603k2-ZQwVK0JKSHuLFkuQ3U\"}";

    /// The payload of RFC 7515 Appendix A.1 to A.3, which has line breaks of its own.
    const PAYLOAD: &str =
        "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";

    fn key(jwk: &str) -> SigningKey {
        SigningKey::from_jwk(&Secret::new(jwk)).unwrap()
    }

    #[test]
    fn private_keys_are_told_from_passwords() {
        let like_one = |text: &str| SigningKey::looks_like_one(&Secret::new(text));
        for key in [
            ED25519,
            P256,
            RSA,
            "-----BEGIN ENCRYPTED PRIVATE KEY-----\nMII",
            "\n-----BEGIN EC PRIVATE KEY-----\n",
        ] {
            assert!(like_one(key), "{key}");
        }
        for password in ["hunter2", "", "{hunter2}", "-----BEGIN CERTIFICATE-----\nMII", "kty"] {
            assert!(!like_one(password), "{password}");
        }
    }

    /// The signature over header and payload as an example writes them.
    fn signature(jwk: &str, header: &str, payload: &str) -> String {
        URL_SAFE_NO_PAD.encode(key(jwk).key.signature(format!("{header}.{payload}").as_bytes()).unwrap())
    }

    #[test]
    fn appendix_a_4_of_rfc_8037_is_reproduced() {
        assert_eq!(
            signature(ED25519, "eyJhbGciOiJFZERTQSJ9", "RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc"),
            "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg"
        );
    }

    #[test]
    fn appendix_a_2_of_rfc_7515_is_reproduced() {
        assert_eq!(
            signature(RSA, "eyJhbGciOiJSUzI1NiJ9", PAYLOAD),
            "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdb\
             F9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383\
             LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWy\
             wlVmtVrBp0igcN_IoypGlUPQGe77Rw"
        );
    }

    #[test]
    fn signatures_with_the_key_of_appendix_a_3_verify_as_the_example_does() {
        let signing_key = key(P256);
        let Key::P256(pair) = &*signing_key.key else { panic!("not P-256") };
        let public = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, pair.public_key().as_ref());
        let ours = signature(P256, "eyJhbGciOiJFUzI1NiJ9", PAYLOAD);
        let example =
            "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q";
        for signature in [ours.as_str(), example] {
            let message = format!("eyJhbGciOiJFUzI1NiJ9.{PAYLOAD}");
            public.verify(message.as_bytes(), &URL_SAFE_NO_PAD.decode(signature).unwrap()).unwrap();
        }
    }

    #[test]
    fn the_header_names_algorithm_type_and_key() {
        let named = ED25519.replacen('{', r#"{"kid":"one","alg":"EdDSA","#, 1);
        let signed = key(&named).sign("JWT", &json!({"iss": "joe"})).unwrap();
        let parts: Vec<Vec<u8>> =
            signed.expose().split('.').map(|part| URL_SAFE_NO_PAD.decode(part).unwrap()).collect();
        assert_eq!(parts[0], br#"{"alg":"EdDSA","typ":"JWT","kid":"one"}"#);
        assert_eq!(parts[1], br#"{"iss":"joe"}"#);
    }

    #[test]
    fn new_keys_are_named_by_their_thumbprint_and_survive_being_kept() {
        for algorithm in Algorithm::ASYMMETRIC {
            let (made, der) = SigningKey::generate(algorithm).unwrap();
            let kept = SigningKey::from_pkcs8(&der).unwrap();
            let public = kept.public_key().unwrap();
            assert_eq!(made.public_key().unwrap(), public);
            assert_eq!(kept.key_id(), Some(public.thumbprint().as_str()));
            assert_eq!((public.algorithm(), kept.algorithm()), (algorithm, algorithm.name()));
            let signed = made.sign("JWT", &json!({"iss": "joe"})).unwrap();
            CompactToken::parse(signed.expose()).unwrap().verify(&public).unwrap();
            assert_ne!(SigningKey::generate(algorithm).unwrap().0.key_id(), made.key_id());
        }
        assert_eq!(SigningKey::generate(Algorithm::Hs256).unwrap_err(), SigningError::Symmetric);
        assert_eq!(SigningKey::from_pkcs8(b"x").unwrap_err(), SigningError::UnsupportedKey);
    }

    #[test]
    fn public_halves_are_those_of_the_examples() {
        for jwk in [ED25519, P256, RSA] {
            let example: serde_json::Map<String, Value> = serde_json::from_str(jwk).unwrap();
            let public = key(jwk).public_key().unwrap().to_jwk();
            for name in ["kty", "crv", "x", "y", "n", "e"] {
                assert_eq!(public.get(name), example.get(name), "{name}");
            }
            assert!(["d", "p", "q", "dp", "dq", "qi"].iter().all(|name| !public.contains_key(*name)));
        }
        let named = key(P256).named("two").public_key().unwrap();
        assert_eq!(named.key_id(), Some("two"));
    }

    #[test]
    fn claims_without_a_json_form_are_told_apart() {
        let odd = std::collections::BTreeMap::from([((1, 2), 3)]);
        assert_eq!(key(ED25519).sign("JWT", &odd).unwrap_err(), SigningError::Claims);
    }

    #[test]
    fn pem_files_of_every_kind_are_read() {
        let pairs = [
            (include_str!("signing/p256-pkcs8.pem"), "ES256"),
            (include_str!("signing/p256-sec1.pem"), "ES256"),
            (include_str!("signing/rsa-pkcs8.pem"), "RS256"),
            (include_str!("signing/rsa-pkcs1.pem"), "RS256"),
            (include_str!("signing/ed25519-pkcs8.pem"), "EdDSA"),
        ];
        for (pem, algorithm) in pairs {
            let key = SigningKey::from_pem(&Secret::new(pem), Some("one".to_owned())).unwrap();
            assert_eq!((key.algorithm(), key.key_id()), (algorithm, Some("one")));
            assert!(key.sign("JWT", &json!({})).is_ok());
        }
    }

    #[test]
    fn unusable_keys_are_told_apart() {
        let pem = |text: &str| SigningKey::from_pem(&Secret::new(text), None).map(|key| key.algorithm());
        let jwk = |text: &str| SigningKey::from_jwk(&Secret::new(text)).map(|key| key.algorithm());
        assert_eq!(pem(""), Err(SigningError::NotPem));
        assert_eq!(pem(include_str!("signing/p256-encrypted.pem")), Err(SigningError::Encrypted));
        assert_eq!(pem(include_str!("signing/p384-pkcs8.pem")), Err(SigningError::UnsupportedKey));
        assert_eq!(
            pem("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"),
            Err(SigningError::UnsupportedKey)
        );
        assert_eq!(jwk("{}"), Err(SigningError::NotJwk));
        assert_eq!(jwk(&ED25519.replace("\"d\"", "\"o\"")), Err(SigningError::NotJwk));
        assert_eq!(jwk(&ED25519.replace("Ed25519", "X25519")), Err(SigningError::UnsupportedKey));
        assert_eq!(jwk(&ED25519.replace("11qY", "11qZ")), Err(SigningError::UnsupportedKey));
        assert_eq!(jwk(&P256.replace("f83O", "f83P")), Err(SigningError::UnsupportedKey));
        assert_eq!(jwk(&P256.replacen('{', r#"{"alg":"ES384","#, 1)), Err(SigningError::UnsupportedKey));
        assert_eq!(jwk(&RSA.replace("\"p\"", "\"o\"")), Err(SigningError::NotJwk));
    }

    #[test]
    fn debug_output_names_the_key_only() {
        assert_eq!(format!("{:?}", key(ED25519)), "SigningKey { algorithm: \"EdDSA\", key_id: None, .. }");
    }

    proptest! {
        #[test]
        fn any_text_is_judged_without_panic(text in ".{0,100}", members in "[A-Za-z0-9_-]{0,90}") {
            let _ = SigningKey::from_jwk(&Secret::new(text.as_str()));
            let _ = SigningKey::from_pem(&Secret::new(text), None);
            for (kty, crv) in [("EC", "P-256"), ("OKP", "Ed25519"), ("RSA", "")] {
                let jwk = json!({"kty": kty, "crv": crv, "d": members, "x": members, "y": members, "n": members,
                    "e": members, "p": members, "q": members, "dp": members, "dq": members, "qi": members});
                prop_assert!(SigningKey::from_jwk(&Secret::new(jwk.to_string())).is_err());
            }
            let pem = format!("-----BEGIN PRIVATE KEY-----\n{members}\n-----END PRIVATE KEY-----");
            prop_assert!(SigningKey::from_pem(&Secret::new(pem), None).is_err());
        }
    }
}

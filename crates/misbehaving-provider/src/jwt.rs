//! JSON Web Signatures in compact form (RFC 7515): writing the unsigned part, verifying against a JWK.

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ED25519, RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents, UnparsedPublicKey,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;

/// Header and claims, encoded and joined: what is signed.
pub(crate) fn unsigned(header: &Value, claims: &Value) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    format!("{}.{}", part(header), part(claims))
}

/// The claims, believed without a look at the signature.
pub(crate) fn unverified_claims(token: &str) -> Option<Value> {
    let payload = token.split('.').nth(1)?;
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).ok()?).ok()
}

/// The claims if the signature was made with this key; the key decides the algorithm (RFC 8725 §3.1).
pub(crate) fn verified_claims(token: &str, key: &Value) -> Option<Value> {
    let (message, signature) = token.rsplit_once('.')?;
    let signature = URL_SAFE_NO_PAD.decode(signature).ok()?;
    let member = |name: &str| URL_SAFE_NO_PAD.decode(key.get(name)?.as_str()?).ok();
    let verified = match (key.get("kty")?.as_str()?, key.get("crv").and_then(Value::as_str)) {
        ("EC", Some("P-256")) => {
            let point = [vec![4], member("x")?, member("y")?].concat();
            UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point).verify(message.as_bytes(), &signature)
        }
        ("OKP", Some("Ed25519")) => {
            UnparsedPublicKey::new(&ED25519, member("x")?).verify(message.as_bytes(), &signature)
        }
        ("RSA", _) => RsaPublicKeyComponents { n: member("n")?, e: member("e")? }.verify(
            &RSA_PKCS1_2048_8192_SHA256,
            message.as_bytes(),
            &signature,
        ),
        _ => return None,
    };
    verified.ok()?;
    unverified_claims(token)
}

//! Signed tokens: read in one way only, and never believed without the key.

#![no_main]

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bursar_core::oauth::jose::{Algorithm, CompactToken, HmacKey, Times, decode};
use bursar_core::oauth::signing::SigningKey;
use bursar_core::secret::Secret;
use bursar_fuzz::answers::NOW;
use libfuzzer_sys::fuzz_target;
use std::sync::LazyLock;

static KEYS: LazyLock<(SigningKey, HmacKey)> = LazyLock::new(|| {
    let (key, _) = SigningKey::generate(Algorithm::EdDsa).expect("keys can be made");
    (key, HmacKey::new(&Secret::new("0123456789abcdef0123456789abcdef")).expect("32 bytes"))
});

fuzz_target!(|input: &[u8]| {
    let text = String::from_utf8_lossy(input);
    judge(&text);
    // The bytes as the header and as the claims of a token.
    let encoded = URL_SAFE_NO_PAD.encode(input);
    judge(&format!("{encoded}.e30.AAAA"));
    judge(&format!("eyJhbGciOiJFZERTQSJ9.{encoded}.AAAA"));
});

fn judge(text: &str) {
    let (key, secret) = &*KEYS;
    let token = match CompactToken::parse_with_key(text) {
        Ok(token) => token,
        Err(error) => return assert!(!error.to_string().is_empty()),
    };
    assert!(token.verify(&key.public_key().expect("ours")).is_err() && token.verify_hmac(secret).is_err());
    assert_eq!(CompactToken::parse(text).is_ok(), token.header().jwk.is_none());
    let parts: Vec<&str> = text.split('.').collect();
    let [header, payload, _] = parts.as_slice() else { panic!("three parts") };
    for part in [header, payload] {
        let bytes = URL_SAFE_NO_PAD.decode(part).expect("base64url");
        assert_eq!(&URL_SAFE_NO_PAD.encode(bytes), part);
    }
    let shown = decode(text).expect("what is read can be shown");
    assert_eq!(&shown.claims, token.unverified().as_map());
    assert_eq!(shown.header.get("kid").and_then(|kid| kid.as_str()), token.header().key_id.as_deref());
    assert!(token.header().key_id.iter().all(|kid| !kid.chars().any(char::is_control)));
    let _ = Times::default().check(token.unverified(), NOW);
    // Signed by us, the same claims are believed.
    let signed = key.sign("JWT", token.unverified().as_map()).expect("a valid key signs");
    if let Ok(ours) = CompactToken::parse(signed.expose()) {
        assert_eq!(ours.verify(&key.public_key().expect("ours")), Ok(token.unverified()));
    }
}

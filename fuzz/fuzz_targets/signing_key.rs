//! Private keys in files: what is accepted can sign, and says with what.

#![no_main]

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bursar_core::oauth::signing::SigningKey;
use bursar_core::secret::Secret;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let secret = Secret::new(text);
    for key in [SigningKey::from_pem(&secret, None), SigningKey::from_jwk(&secret)].into_iter().flatten() {
        let signed = key.sign("JWT", &serde_json::json!({"iss": "client"})).expect("a valid key signs");
        let parts: Vec<&str> = signed.expose().split('.').collect();
        assert_eq!(parts.len(), 3);
        let header = URL_SAFE_NO_PAD.decode(parts[0]).expect("base64url");
        let header: serde_json::Value = serde_json::from_slice(&header).expect("a JSON header");
        assert_eq!(header["alg"], key.algorithm());
        assert_eq!(header.get("kid").and_then(serde_json::Value::as_str), key.key_id());
    }
});

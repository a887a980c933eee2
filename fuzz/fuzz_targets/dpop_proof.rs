//! Proofs of possession: believed only when they are signed with the key they bring, for this request and this time.

#![no_main]

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bursar_core::oauth::server::dpop::{DpopNonces, Expected, NoncePolicy, verify};
use bursar_core::secret::Secret;
use jiff::Timestamp;
use libfuzzer_sys::fuzz_target;
use url::Url;

/// When the example of RFC 9449 §4.1 holds, which is the seed.
const NOW: Timestamp = Timestamp::constant(1_562_262_620, 0);

fuzz_target!(|input: &[u8]| {
    let text = String::from_utf8_lossy(input);
    judge(&text);
    if let Some((header, claims)) = text.split_once('\0') {
        let encoded = |part: &str| URL_SAFE_NO_PAD.encode(part);
        judge(&format!("{}.{}.{}", encoded(header), encoded(claims), "A".repeat(86)));
    }
});

fn judge(proof: &str) {
    let url = Url::parse("https://server.example.com/token").expect("a URL");
    let nonces = DpopNonces::new(&[7; 32]);
    let token = Secret::new("access-token-0123456789");
    let plain = Expected { method: "POST", url: &url, now: NOW, nonces: NoncePolicy::Unused, access_token: None };
    let found = verify(proof, &plain);
    if let Ok(proof) = &found {
        assert!((1..=256).contains(&proof.id.len()) && proof.nonce.is_none());
        assert!(NOW.duration_since(proof.issued_at).abs().as_secs() <= 300 && proof.ends_at() >= NOW);
    }
    let strict = [
        Expected { nonces: NoncePolicy::Required(&nonces), ..plain },
        Expected { access_token: Some(&token), ..plain },
        Expected { method: "GET", ..plain },
    ];
    for expected in strict {
        if let Err(error) = verify(proof, &expected) {
            assert!(error.code().as_str().ends_with("dpop_proof") || error.code().as_str() == "use_dpop_nonce");
        } else {
            panic!("nobody can sign these");
        }
    }
}

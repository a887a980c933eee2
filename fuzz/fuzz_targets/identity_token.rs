//! Identity tokens: believed only when they are from the issuer, for this client, this login and this time.

#![no_main]

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bursar_core::oauth::identity_token::{ExpectedToken, expiry_of_jwt, read, subject_of};
use bursar_core::oauth::url::Issuer;
use bursar_core::secret::Secret;
use bursar_fuzz::answers::NOW;
use jiff::SignedDuration;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let text = String::from_utf8_lossy(input);
    // The bytes as a whole token, and as the claims of one.
    judge(&text, &text);
    judge(&format!("e30.{}.", URL_SAFE_NO_PAD.encode(input)), &text);
});

fn judge(token: &str, told: &str) {
    let token = Secret::new(token);
    let issuer = Issuer::parse("https://as.example").expect("an issuer");
    let nonce = Secret::new("n-0S6_WzA2Mj");
    let tolerance = SignedDuration::from_mins(5);
    let expected = ExpectedToken {
        issuer: Some(&issuer),
        client_id: "client",
        nonce: Some(&nonce),
        now: NOW,
        tolerance,
    };
    match read(&token, &expected) {
        Ok(claims) => {
            assert_eq!(claims.issuer, issuer.as_str());
            assert_eq!(claims.raw["nonce"], nonce.expose());
            assert!(
                claims.raw["aud"] == "client"
                    || claims.raw["aud"]
                        .as_array()
                        .is_some_and(|all| { all.iter().any(|audience| audience == "client") })
            );
            assert!((1..=255).contains(&claims.subject.len()));
            assert!(NOW.duration_since(claims.expires_at) < tolerance);
            assert!(claims.issued_at.duration_since(NOW) <= tolerance);
            assert_eq!(subject_of(&token).map(|subject| subject.subject), Some(claims.subject));
            assert_eq!(expiry_of_jwt(&token), Some(claims.expires_at));
        }
        Err(error) => {
            assert!(error.to_string().chars().all(|character| !character.is_control()));
            // Claims may hold any text, and escaped in many ways; without an escape it can be found.
            assert!(
                told.contains(nonce.expose())
                    || told.contains('\\')
                    || !error.to_string().contains(nonce.expose())
            );
        }
    }
}

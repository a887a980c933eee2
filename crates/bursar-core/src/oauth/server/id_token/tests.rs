//! What ID tokens say, and what comes back as a hint.

use serde_json::{Value, json};

use super::*;
use crate::oauth::signing::SigningKey;

const NOW: Timestamp = Timestamp::constant(1_311_280_970, 0);

#[test]
fn the_hash_of_openid_connect_core_is_reproduced() {
    // Appendix A.4.
    let token = Secret::new("jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y");
    assert_eq!(access_token_hash(Algorithm::Rs256, &token), "77QmUPtjPfzWtF2AnpK9RQ");
    assert_eq!(access_token_hash(Algorithm::Es256, &token), "77QmUPtjPfzWtF2AnpK9RQ");
    assert_eq!(access_token_hash(Algorithm::EdDsa, &token).len(), 43);
}

fn example(other: &OtherClaims) -> IdTokenClaims<'_> {
    IdTokenClaims {
        iss: "https://server.example.com",
        sub: "24400320",
        aud: "s6BhdRkqt3",
        iat: NOW,
        exp: NOW + jiff::SignedDuration::from_secs(1000),
        auth_time: Some(NOW - jiff::SignedDuration::from_secs(1)),
        nonce: Some("n-0S6_WzA2Mj"),
        at_hash: None,
        acr: Some("urn:mace:incommon:iap:silver"),
        amr: &[],
        azp: None,
        sid: None,
        other,
    }
}

#[test]
fn the_example_of_openid_connect_core_is_written() {
    // §2.
    let expected = json!({
        "iss": "https://server.example.com", "sub": "24400320", "aud": "s6BhdRkqt3", "nonce": "n-0S6_WzA2Mj",
        "exp": 1_311_281_970, "iat": 1_311_280_970, "auth_time": 1_311_280_969, "acr": "urn:mace:incommon:iap:silver",
    });
    assert_eq!(serde_json::to_value(example(&OtherClaims::default())).unwrap(), expected);
    let profile = OtherClaims::new(json!({"email": "ada@example.com"}).as_object().unwrap().clone()).unwrap();
    assert_eq!(serde_json::to_value(example(&profile)).unwrap()["email"], "ada@example.com");
}

#[test]
fn hints_are_ours_and_may_be_old() {
    let (key, _) = SigningKey::generate(Algorithm::EdDsa).unwrap();
    let public = key.public_key().unwrap();
    let hint = |typ: &str, claims: &Value, issuer: &str| {
        let signed = key.sign(typ, claims).unwrap();
        read_hint(&CompactToken::parse(signed.expose()).unwrap(), &public, issuer)
    };
    let issuer = "https://server.example.com";
    let claims = serde_json::to_value(example(&OtherClaims::default())).unwrap();
    let found = hint(TYPE, &claims, issuer).unwrap();
    let ours = Hint { subject: "24400320".to_owned(), client_id: "s6BhdRkqt3".to_owned(), session: None };
    assert_eq!(found, ours);
    assert_eq!(hint("at+jwt", &claims, issuer), Err(HintError::OtherKind));
    assert_eq!(hint(TYPE, &claims, "https://other.example"), Err(HintError::WrongIssuer));
    let mut several = claims.clone();
    several["aud"] = json!(["s6BhdRkqt3", "other"]);
    assert_eq!(hint(TYPE, &several, issuer), Err(ClaimError::Invalid { name: "aud" }.into()));
    let (stranger, _) = SigningKey::generate(Algorithm::EdDsa).unwrap();
    let forged = stranger.sign(TYPE, &claims).unwrap();
    let forged = CompactToken::parse(forged.expose()).unwrap();
    assert_eq!(read_hint(&forged, &public, issuer), Err(TokenError::BadSignature.into()));
}

//! The claims of RFC 7523 §3, one by one, and the files keys come in.

use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED, ED25519, UnparsedPublicKey};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use proptest::prelude::*;
use serde_json::json;

use super::*;

/// RFC 8037 Appendix A.1.
const ED25519_JWK: &str = r#"{"kty":"OKP","crv":"Ed25519","kid":"one","d":"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;
const NOW: Timestamp = Timestamp::constant(1_300_000_000, 0);

#[derive(Debug)]
struct Sevens;

impl Random for Sevens {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(7);
    }
}

fn assertion() -> Assertion {
    Assertion {
        issuer: "https://jwt-idp.example.com".into(),
        subject: Some("mailto:mike@example.com".into()),
        audience: "https://jwt-rp.example.net".into(),
        key_id: None,
        algorithm: "EdDSA".into(),
        claims: ExtraClaims::default(),
    }
}

fn parts(assertion: &Assertion, key: &str) -> (Value, Value) {
    let signed = assertion.sign(&Secret::new(key), NOW, &Sevens).unwrap();
    let mut parts = signed.expose().split('.');
    let mut next = || {
        let part = URL_SAFE_NO_PAD.decode(parts.next().unwrap()).unwrap();
        serde_json::from_slice(&part).unwrap()
    };
    (next(), next())
}

/// RFC 7523 §3: each item that is about claims, and what we say.
#[test]
fn every_claim_of_the_standard_is_as_it_must_be() {
    let (header, claims) = parts(&assertion(), ED25519_JWK);
    let table = [
        ("1, who issued it", "iss", json!("https://jwt-idp.example.com")),
        ("2, about whom", "sub", json!("mailto:mike@example.com")),
        ("3, for whom", "aud", json!("https://jwt-rp.example.net")),
        ("4, until when", "exp", json!(1_300_000_180)),
        ("5, not before: always fine", "nbf", Value::Null),
        ("6, since when", "iat", json!(1_300_000_000)),
        ("7, used once", "jti", json!(URL_SAFE_NO_PAD.encode([7; 32]))),
    ];
    for (item, name, value) in &table {
        assert_eq!(&claims[*name], value, "item {item}");
    }
    assert_eq!(claims.as_object().unwrap().len(), table.len() - 1, "item 8: nothing else was asked for");
    assert_eq!(header, json!({"alg": "EdDSA", "typ": "JWT", "kid": "one"}), "item 9: signed");
}

#[test]
fn other_claims_are_added_and_the_ones_with_a_rule_are_not() {
    let mut assertion = assertion();
    for name in ["iss", "sub", "aud", "exp", "nbf", "iat", "jti"] {
        assert_eq!(assertion.claims.add(name, "x"), Err(ReservedClaim(name.to_owned())));
    }
    assert!(!assertion.names_scope());
    assertion.claims.add("scope", "a b").unwrap();
    assertion.claims.add("level", json!([1, true])).unwrap();
    assert!(assertion.names_scope());
    assertion.subject = None;
    let (_, claims) = parts(&assertion, ED25519_JWK);
    assert_eq!((&claims["scope"], &claims["level"]), (&json!("a b"), &json!([1, true])));
    assert!(claims.get("sub").is_none());
    assert_eq!(assertion.about(), "https://jwt-idp.example.com");
    let written = serde_json::to_string(&assertion).unwrap();
    assert_eq!(serde_json::from_str::<Assertion>(&written).unwrap(), assertion);
}

#[test]
fn a_key_is_called_as_asked_and_else_as_it_calls_itself() {
    let named = Assertion { key_id: Some("two".into()), ..assertion() };
    assert_eq!(parts(&named, ED25519_JWK).0["kid"], "two");
    let pem = include_str!("../signing/p256-pkcs8.pem");
    assert_eq!(parts(&named, pem).0, json!({"alg": "ES256", "typ": "JWT", "kid": "two"}));
    assert!(parts(&assertion(), pem).0.get("kid").is_none());
}

#[test]
fn the_signature_is_by_the_key_and_no_other() {
    let signed = assertion().sign(&Secret::new(ED25519_JWK), NOW, &Sevens).unwrap();
    let (message, signature) = signed.expose().rsplit_once('.').unwrap();
    let signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
    let public = URL_SAFE_NO_PAD.decode("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo").unwrap();
    UnparsedPublicKey::new(&ED25519, &public).verify(message.as_bytes(), &signature).unwrap();
    let other = [9; 32];
    assert!(UnparsedPublicKey::new(&ED25519, &other).verify(message.as_bytes(), &signature).is_err());
    let point = [4; 65];
    let wrong_kind = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, &point);
    assert!(wrong_kind.verify(message.as_bytes(), &signature).is_err());
}

#[test]
fn what_is_no_key_signs_nothing() {
    for text in ["", "hunter2", "{}", include_str!("../signing/p384-pkcs8.pem")] {
        let error = assertion().sign(&Secret::new(text), NOW, &Sevens).unwrap_err();
        assert!(!error.to_string().contains("hunter2"));
    }
}

fn service_account(text: &str) -> Option<Result<ServiceAccount, ServiceAccountError>> {
    ServiceAccount::read(&Secret::new(text))
}

#[test]
fn the_file_of_a_service_account_is_recognised() {
    let file = json!({
        "type": "service_account", "project_id": "p", "private_key_id": "k1", "private_key": "-----BEGIN…",
        "client_email": "robot@p.iam.gserviceaccount.com", "client_id": "1",
        "token_uri": "https://oauth2.googleapis.com/token", "universe_domain": "googleapis.com",
    });
    let account = service_account(&file.to_string()).unwrap().unwrap();
    assert_eq!(account.client_email, "robot@p.iam.gserviceaccount.com");
    assert_eq!(account.private_key_id.as_deref(), Some("k1"));
    assert_eq!(account.token_uri.as_deref(), Some("https://oauth2.googleapis.com/token"));
    assert!(!format!("{account:?}").contains("BEGIN"));
}

#[test]
fn other_files_are_told_apart() {
    for other in ["", "-----BEGIN PRIVATE KEY-----", ED25519_JWK, "[]", "{}"] {
        assert!(service_account(other).is_none(), "{other}");
    }
    let user = service_account(r#"{"type":"authorized_user","refresh_token":"hunter2"}"#).unwrap();
    assert_eq!(user.unwrap_err(), ServiceAccountError::OtherKind("authorized_user".into()));
    for incomplete in [
        r#"{"type":"service_account"}"#,
        r#"{"type":"service_account","client_email":"a"}"#,
        r#"{"client_email":"a","private_key":7}"#,
    ] {
        assert_eq!(service_account(incomplete).unwrap().unwrap_err(), ServiceAccountError::Incomplete);
    }
}

proptest! {
    #[test]
    fn any_text_is_judged_without_panic(text in ".{0,200}", email in ".{0,20}") {
        let _ = service_account(&text);
        let _ = service_account(&json!({"type": text, "client_email": email}).to_string());
        let _ = signing_key(&Secret::new(text), Some("one"));
    }
}

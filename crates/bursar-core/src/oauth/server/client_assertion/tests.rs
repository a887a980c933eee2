//! The items of RFC 7523 §3, each broken once.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::oauth::jose::HmacKey;
use crate::oauth::signing::SigningKey;
use crate::secret::Secret;

const NOW: Timestamp = Timestamp::constant(1_300_000_000, 0);
const AUDIENCES: [&str; 2] = ["https://as.example", "https://as.example/oauth/token"];

struct Client {
    key: SigningKey,
    keys: KeySet,
}

fn client() -> Client {
    let (key, _) = SigningKey::generate(Algorithm::EdDsa).unwrap();
    let (other, _) = SigningKey::generate(Algorithm::Es256).unwrap();
    let keys = KeySet::new(vec![key.public_key().unwrap(), other.public_key().unwrap()]);
    Client { key, keys }
}

impl Client {
    fn expected(&self) -> Expected<'_> {
        Expected { client_id: "client", keys: &self.keys, algorithm: None, audiences: &AUDIENCES, now: NOW }
    }

    fn judged(&self, claims: &Value) -> Result<Assertion, AssertionError> {
        verify(self.key.sign("JWT", claims).unwrap().expose(), &self.expected())
    }
}

fn claims() -> Value {
    json!({"iss": "client", "sub": "client", "aud": "https://as.example", "jti": "one",
        "iat": NOW.as_second(), "exp": NOW.as_second() + 60})
}

fn with(name: &str, value: Value) -> Value {
    let mut claims = claims();
    claims[name] = value;
    claims
}

#[test]
fn assertions_by_and_about_the_client_for_us_hold() {
    let client = client();
    let assertion = client.judged(&claims()).unwrap();
    let end = Timestamp::from_second(NOW.as_second() + 90).unwrap();
    assert_eq!(assertion, Assertion { id: "one".to_owned(), expires_at: end });
    for claims in [
        with("aud", json!(["https://as.example"])),
        with("aud", json!("https://as.example/oauth/token")),
        with("exp", json!(NOW.as_second() + 600)),
        with("exp", json!(NOW.as_second() - 29)),
        with("iat", json!(NOW.as_second() + 60)),
        with("jti", json!("a".repeat(128))),
    ] {
        assert!(client.judged(&claims).is_ok(), "{claims}");
    }
    let mut without = claims();
    without.as_object_mut().unwrap().remove("iat");
    assert!(client.judged(&without).is_ok());
    let typed = client.key.sign("client-authentication+jwt", &claims()).unwrap();
    assert!(verify(typed.expose(), &client.expected()).is_ok());
    assert_eq!(claimed_client(typed.expose()).as_deref(), Some("client"));
    assert_eq!(claimed_client("a.b.c"), None);
}

#[test]
fn every_item_is_checked() {
    let client = client();
    let now = NOW.as_second();
    let at = |second: i64| Timestamp::from_second(second).unwrap();
    let invalid = |name| AssertionError::Claim(ClaimError::Invalid { name });
    let table = [
        (with("iss", json!("other")), AssertionError::OtherClient),
        (with("sub", json!("other")), AssertionError::OtherClient),
        (with("aud", json!("https://evil.example")), AssertionError::WrongAudience),
        (with("aud", json!("https://as.example/")), AssertionError::WrongAudience),
        (with("aud", json!(["https://as.example", "https://evil.example"])), AssertionError::WrongAudience),
        (with("aud", json!(["https://as.example", "https://as.example"])), AssertionError::WrongAudience),
        (with("aud", json!([])), invalid("aud")),
        (with("exp", json!(now - 30)), ClaimError::Expired { at: at(now - 30) }.into()),
        (with("exp", json!(now + 601)), AssertionError::TooLong { until: at(now + 601) }),
        (with("exp", json!((now + 60).to_string())), invalid("exp")),
        (with("exp", json!(i64::MAX)), invalid("exp")),
        (with("nbf", json!(now + 31)), ClaimError::NotYet { at: at(now + 31) }.into()),
        (with("iat", json!(now + 61)), ClaimError::IssuedInFuture { at: at(now + 61) }.into()),
        (with("jti", json!("")), invalid("jti")),
        (with("jti", json!("a".repeat(129))), invalid("jti")),
    ];
    for (claims, error) in table {
        assert_eq!(client.judged(&claims), Err(error), "{claims}");
    }
    for name in ["iss", "sub", "aud", "exp", "jti"] {
        let mut claims = claims();
        claims.as_object_mut().unwrap().remove(name);
        assert_eq!(client.judged(&claims), Err(ClaimError::Missing { name }.into()), "{name}");
    }
}

#[test]
fn only_the_clients_own_key_and_algorithm_count() {
    let client = client();
    let expected = client.expected();
    let signed = |key: &SigningKey, typ: &str| key.sign(typ, &claims()).unwrap();
    let stranger = SigningKey::generate(Algorithm::EdDsa).unwrap().0;
    assert_eq!(verify(signed(&stranger, "JWT").expose(), &expected), Err(AssertionError::UnknownKey));
    let posing = stranger.named(client.key.key_id().unwrap());
    assert_eq!(verify(signed(&posing, "JWT").expose(), &expected), Err(TokenError::BadSignature.into()));
    let path = client.key.clone().named("../../keys/one");
    assert_eq!(verify(signed(&path, "JWT").expose(), &expected), Err(AssertionError::UnknownKey));
    let ours = signed(&client.key, "JWT");
    let pinned = Expected { algorithm: Some(Algorithm::Es256), ..expected };
    assert_eq!(verify(ours.expose(), &pinned), Err(TokenError::WrongAlgorithm.into()));
    for typ in ["at+jwt", "dpop+jwt"] {
        assert_eq!(verify(signed(&client.key, typ).expose(), &expected), Err(AssertionError::OtherKind));
    }
    // The public key as a secret (RFC 8725 §2.1).
    let public = serde_json::to_string(&client.key.public_key().unwrap().to_jwk()).unwrap();
    let confused = HmacKey::new(&Secret::new(public)).unwrap().sign("JWT", &claims()).unwrap();
    assert_eq!(verify(confused.expose(), &expected), Err(AssertionError::UnknownKey));
    assert_eq!(verify("", &expected), Err(TokenError::Empty.into()));
}

#[test]
fn embedded_keys_and_unsigned_assertions_are_refused() {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    let client = client();
    for (header, error) in [
        (json!({"alg": "none"}), TokenError::UnsupportedAlgorithm),
        (
            json!({"alg": "EdDSA", "jwk": client.key.public_key().unwrap().to_jwk()}),
            TokenError::ForbiddenMember { name: "jwk" },
        ),
        (json!({"alg": "EdDSA", "jku": "https://evil.example"}), TokenError::ForbiddenMember { name: "jku" }),
        (json!({"alg": "EdDSA", "x5u": "https://evil.example"}), TokenError::ForbiddenMember { name: "x5u" }),
        (json!({"alg": "EdDSA", "crit": ["x"]}), TokenError::ForbiddenMember { name: "crit" }),
    ] {
        let encoded = |part: &Value| URL_SAFE_NO_PAD.encode(part.to_string());
        let text = format!("{}.{}.AAAA", encoded(&header), encoded(&claims()));
        assert_eq!(verify(&text, &client.expected()), Err(error.into()), "{header}");
    }
}

proptest! {
    #[test]
    fn any_text_is_judged_without_panic(text in ".{0,80}") {
        let keys = KeySet::default();
        let expected = Expected { client_id: "client", keys: &keys, algorithm: None, audiences: &AUDIENCES, now: NOW };
        prop_assert!(verify(&text, &expected).is_err());
        let _ = claimed_client(&text);
    }
}

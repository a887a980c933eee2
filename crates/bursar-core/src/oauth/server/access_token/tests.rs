//! What is honoured as an access token, and what is taken for one (as RFC 9068 §4, §5 and RFC 8725 §2.8 fear).

use serde_json::json;

use super::*;
use crate::oauth::jose::Algorithm;
use crate::oauth::signing::SigningKey;

const NOW: Timestamp = Timestamp::constant(1_618_354_090, 0);

/// The claims of RFC 9068 §2.2.
fn example() -> Value {
    json!({
        "iss": "https://authorization-server.example.com/", "sub": "5ba552d67", "aud": "https://rs.example.com/",
        "exp": 1_639_528_912, "iat": 1_618_354_090, "jti": "dbe39bf3a3ba4238a513f51d6e1691c4", "client_id": "s6BhdRkqt3",
        "scope": "openid profile reademail",
    })
}

fn expected() -> Expected<'static> {
    Expected {
        issuer: "https://authorization-server.example.com/",
        audience: Some("https://rs.example.com/"),
        now: NOW,
        times: Times::default(),
    }
}

fn read_value(claims: &Value) -> Result<AccessToken, AccessTokenError> {
    read(&Claims::new(claims.as_object().unwrap().clone()), &expected())
}

fn with(name: &str, value: Value) -> Value {
    let mut claims = example();
    claims[name] = value;
    claims
}

#[test]
fn the_example_of_rfc_9068_is_read() {
    let token = read_value(&example()).unwrap();
    assert_eq!((token.subject.as_str(), token.client_id.as_str()), ("5ba552d67", "s6BhdRkqt3"));
    assert!(token.is_for("https://rs.example.com/") && !token.is_for("https://rs.example.com"));
    assert!(token.scope.contains("reademail"));
    assert_eq!((token.key, token.family, token.other), (None, None, OtherClaims::default()));
}

#[test]
fn what_is_written_is_read_and_says_nothing_that_is_empty() {
    let (key, _) = SigningKey::generate(Algorithm::EdDsa).unwrap();
    let thumbprint = key.public_key().unwrap().thumbprint().clone();
    let scope = Scope::parse("a b").unwrap();
    let other = OtherClaims::new(json!({"tenant": "t1"}).as_object().unwrap().clone()).unwrap();
    let claims = AccessTokenClaims {
        iss: expected().issuer,
        sub: "ada",
        aud: Audience::Several(&["https://rs.example.com/", "https://two.example/"]),
        client_id: "client",
        iat: NOW,
        exp: NOW + jiff::SignedDuration::from_mins(15),
        jti: "one",
        scope: &scope,
        auth_time: Some(NOW),
        acr: Some("1"),
        amr: &["pwd"],
        cnf: Some(Confirmation { jkt: &thumbprint }),
        sid: Some("family"),
        grant: Some("grant"),
        other: &other,
    };
    let signed = key.sign(TYPE, &claims).unwrap();
    let token = CompactToken::parse(signed.expose()).unwrap();
    let read = verify(&token, &key.public_key().unwrap(), &expected()).unwrap();
    assert_eq!(
        read,
        AccessToken {
            subject: "ada".to_owned(),
            audience: vec!["https://rs.example.com/".to_owned(), "https://two.example/".to_owned()],
            client_id: "client".to_owned(),
            issued_at: NOW,
            expires_at: claims.exp,
            id: "one".to_owned(),
            scope: scope.clone(),
            authenticated_at: Some(NOW),
            authentication_class: Some("1".to_owned()),
            authentication_methods: vec!["pwd".to_owned()],
            key: Some(thumbprint.clone()),
            family: Some("family".to_owned()),
            grant: Some("grant".to_owned()),
            other: other.clone(),
        }
    );
    let least = AccessTokenClaims {
        aud: ["https://rs.example.com/"].as_slice().into(),
        scope: &Scope::default(),
        auth_time: None,
        acr: None,
        amr: &[],
        cnf: None,
        sid: None,
        grant: None,
        other: &OtherClaims::default(),
        ..claims
    };
    assert_eq!(
        serde_json::to_string(&least).unwrap(),
        "{\"iss\":\"https://authorization-server.example.com/\",\"sub\":\"ada\",\"aud\":\"https://rs.example.com/\",\
         \"client_id\":\"client\",\"iat\":1618354090,\"exp\":1618354990,\"jti\":\"one\"}"
    );
}

#[test]
fn tokens_of_other_kinds_are_refused() {
    let (key, _) = SigningKey::generate(Algorithm::Es256).unwrap();
    let public = key.public_key().unwrap();
    let verified = |typ: &str| {
        let signed = key.sign(typ, &example()).unwrap();
        verify(&CompactToken::parse(signed.expose()).unwrap(), &public, &expected()).err()
    };
    for typ in ["at+jwt", "application/at+jwt", "AT+JWT"] {
        assert_eq!(verified(typ), None, "{typ}");
    }
    for typ in ["JWT", "dpop+jwt", "logout+jwt", "oauth-id-jag+jwt", "at+jwt2"] {
        assert_eq!(verified(typ), Some(AccessTokenError::OtherKind), "{typ}");
    }
    let (stranger, _) = SigningKey::generate(Algorithm::Es256).unwrap();
    let forged = stranger.sign(TYPE, &example()).unwrap();
    assert_eq!(
        verify(&CompactToken::parse(forged.expose()).unwrap(), &public, &expected()),
        Err(AccessTokenError::Token(TokenError::BadSignature))
    );
}

#[test]
fn tokens_of_and_for_others_are_refused() {
    let table = [
        ("iss", json!("https://authorization-server.example.com"), AccessTokenError::WrongIssuer),
        ("iss", json!("https://evil.example/"), AccessTokenError::WrongIssuer),
        ("aud", json!("https://rs.example.com"), AccessTokenError::WrongAudience),
        ("aud", json!("s6BhdRkqt3"), AccessTokenError::WrongAudience),
        ("aud", json!(["https://other.example/"]), AccessTokenError::WrongAudience),
        ("aud", json!([]), ClaimError::Invalid { name: "aud" }.into()),
        ("aud", json!({"https://rs.example.com/": 1}), ClaimError::Invalid { name: "aud" }.into()),
        (
            "exp",
            json!(1_618_354_060),
            ClaimError::Expired { at: Timestamp::constant(1_618_354_060, 0) }.into(),
        ),
        ("exp", json!("1639528912"), ClaimError::Invalid { name: "exp" }.into()),
        ("exp", json!(1e300), ClaimError::Invalid { name: "exp" }.into()),
        (
            "nbf",
            json!(1_618_354_121),
            ClaimError::NotYet { at: Timestamp::constant(1_618_354_121, 0) }.into(),
        ),
        (
            "iat",
            json!(1_618_354_151),
            ClaimError::IssuedInFuture { at: Timestamp::constant(1_618_354_151, 0) }.into(),
        ),
        ("sub", json!(7), ClaimError::Invalid { name: "sub" }.into()),
        ("scope", json!(["a"]), ClaimError::Invalid { name: "scope" }.into()),
        ("scope", json!("a\"b"), ClaimError::Invalid { name: "scope" }.into()),
        ("cnf", json!({"x5t#S256": "x"}), ClaimError::Invalid { name: "cnf" }.into()),
        ("cnf", json!({"jkt": "short"}), ClaimError::Invalid { name: "cnf" }.into()),
    ];
    for (name, value, error) in table {
        assert_eq!(read_value(&with(name, value.clone())), Err(error), "{name} {value}");
    }
    for name in ["iss", "sub", "aud", "exp", "iat", "jti", "client_id"] {
        let mut claims = example();
        claims.as_object_mut().unwrap().remove(name);
        assert_eq!(read_value(&claims), Err(ClaimError::Missing { name }.into()), "{name}");
    }
}

#[test]
fn claims_with_a_rule_cannot_be_added() {
    for name in RESERVED {
        let claims = Map::from_iter([(name.to_owned(), json!("x"))]);
        assert_eq!(OtherClaims::new(claims), Err(ReservedClaim(name.to_owned())));
    }
}

//! Sessions survive the way to the application and back, and nothing else passes for one.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

const NOW: Timestamp = Timestamp::constant(1_700_000_000, 0);

fn session() -> Session {
    Session {
        user_id: "u1".to_owned(),
        username: Some("ada".to_owned()),
        email: Some("ada@example.com".to_owned()),
        avatar_url: Some("https://a.example/ada.png".to_owned()),
        role: Some("user".to_owned()),
        permissions: vec!["workspace:create".to_owned(), "terminal:access".to_owned()],
        others: Map::new(),
        session_id: "s1".to_owned(),
        issuer: "https://as.example".to_owned(),
        audience: "terminal-user".to_owned(),
        issued_at: NOW,
        expires_at: NOW + LIFETIME,
    }
}

fn secret(character: char) -> HmacKey {
    HmacKey::new(&Secret::new(character.to_string().repeat(32))).unwrap()
}

fn verifier() -> SessionVerifier {
    SessionVerifier::Secrets(vec![secret('s')])
}

fn expected(names: &ClaimNames) -> Expected<'_> {
    Expected {
        issuer: "https://as.example",
        audience: "terminal-user",
        required: &REQUIRED,
        names,
        now: NOW,
        times: Times::default(),
    }
}

fn names(pairs: &[(&str, &str)]) -> Result<ClaimNames, ClaimNamesError> {
    let pairs: BTreeMap<String, String> =
        pairs.iter().map(|(ours, theirs)| ((*ours).to_owned(), (*theirs).to_owned())).collect();
    ClaimNames::new(pairs)
}

fn judged(claims: &Value) -> Result<Session, SessionTokenError> {
    let token = secret('s').sign(TYPE, claims).unwrap();
    verifier().verify(token.expose(), &expected(&ClaimNames::default()))
}

fn claims() -> Value {
    Value::Object(session().claims(&ClaimNames::default()))
}

fn with(name: &str, value: Value) -> Value {
    let mut claims = claims();
    claims[name] = value;
    claims
}

#[test]
fn claims_are_those_applications_know() {
    assert_eq!(
        claims(),
        json!({
            "sub": "u1", "userId": "u1", "username": "ada", "email": "ada@example.com",
            "avatarUrl": "https://a.example/ada.png", "role": "user",
            "permissions": ["workspace:create", "terminal:access"], "sessionId": "s1", "iss": "https://as.example",
            "aud": "terminal-user", "iat": 1_700_000_000, "exp": 1_700_604_800,
        })
    );
}

#[test]
fn every_algorithm_signs_sessions_and_only_its_own_verifies() {
    let plain = ClaimNames::default();
    let keys: Vec<SigningKey> = Algorithm::ASYMMETRIC
        .into_iter()
        .map(|algorithm| SigningKey::generate(algorithm).unwrap().0)
        .collect();
    let set = KeySet::new(keys.iter().map(|key| key.public_key().unwrap()).collect());
    let mut pairs: Vec<(SessionSigner, SessionVerifier)> = keys
        .into_iter()
        .zip(Algorithm::ASYMMETRIC)
        .map(|(key, algorithm)| {
            (SessionSigner::Key(key), SessionVerifier::Keys { keys: set.clone(), algorithm })
        })
        .collect();
    pairs.push((SessionSigner::Secret(secret('s')), verifier()));
    for (signer_position, (signer, _)) in pairs.iter().enumerate() {
        let token = signer.sign(&session(), &plain).unwrap();
        for (position, (_, verifier)) in pairs.iter().enumerate() {
            let found = verifier.verify(token.expose(), &expected(&plain));
            let wanted = if position == signer_position {
                Ok(session())
            } else {
                Err(SessionTokenError::WrongAlgorithm)
            };
            assert_eq!(found, wanted, "{signer_position} {position}");
        }
    }
}

#[test]
fn older_secrets_and_keys_still_verify_and_unknown_ones_do_not() {
    let plain = ClaimNames::default();
    let old = SessionSigner::Secret(secret('o')).sign(&session(), &plain).unwrap();
    let both = SessionVerifier::Secrets(vec![secret('s'), secret('o')]);
    assert_eq!(both.verify(old.expose(), &expected(&plain)), Ok(session()));
    for verifier in [verifier(), SessionVerifier::Secrets(Vec::new())] {
        assert_eq!(verifier.verify(old.expose(), &expected(&plain)), Err(SessionTokenError::BadSignature));
    }
    let (key, _) = SigningKey::generate(Algorithm::EdDsa).unwrap();
    let signed = SessionSigner::Key(key).sign(&session(), &plain).unwrap();
    let none = SessionVerifier::Keys { keys: KeySet::default(), algorithm: Algorithm::EdDsa };
    assert_eq!(none.verify(signed.expose(), &expected(&plain)), Err(SessionTokenError::UnknownKey));
}

#[test]
fn names_are_those_of_the_application() {
    let names =
        names(&[("userId", "sub"), ("avatarUrl", "picture"), ("username", "preferred_username")]).unwrap();
    let claims = session().claims(&names);
    assert_eq!(
        (&claims["picture"], &claims["preferred_username"]),
        (&json!("https://a.example/ada.png"), &json!("ada"))
    );
    assert!(["userId", "avatarUrl", "username"].iter().all(|name| !claims.contains_key(*name)));
    let token = SessionSigner::Secret(secret('s')).sign(&session(), &names).unwrap();
    assert_eq!(verifier().verify(token.expose(), &expected(&names)), Ok(session()));
    let plain = ClaimNames::default();
    let missing = SessionTokenError::MissingClaim { name: "userId".to_owned() };
    assert_eq!(verifier().verify(token.expose(), &expected(&plain)), Err(missing));
    let written = serde_json::to_string(&names).unwrap();
    assert_eq!(serde_json::from_str::<ClaimNames>(&written).unwrap(), names);
}

#[test]
fn names_with_a_meaning_and_names_for_two_are_refused() {
    let reserved = |name: &str| Err(ClaimNamesError::Reserved { name: name.to_owned() });
    for theirs in ["iss", "sub", "aud", "exp", "iat", "sid", "nonce", "at_hash", "cnf", "", "a b", "a\n", "é"]
    {
        assert_eq!(names(&[("role", theirs)]), reserved(theirs));
    }
    assert_eq!(names(&[("picture", "x")]), Err(ClaimNamesError::Unknown { name: "picture".to_owned() }));
    let twice = |name: &str| Err(ClaimNamesError::Twice { name: name.to_owned() });
    assert_eq!(names(&[("role", "x"), ("email", "x")]), twice("x"));
    assert_eq!(names(&[("role", "email")]), twice("email"));
    assert!(names(&[("role", "email"), ("email", "role")]).is_ok());
    assert!(serde_json::from_str::<ClaimNames>(r#"{"role":"iss"}"#).is_err());
}

#[test]
fn every_failure_is_told_apart() {
    let at = |second: i64| Timestamp::from_second(second).unwrap();
    let now = NOW.as_second();
    let invalid = |name| SessionTokenError::InvalidClaim { name };
    let missing = |name: &str| SessionTokenError::MissingClaim { name: name.to_owned() };
    let table = [
        (with("exp", json!(now - 30)), SessionTokenError::Expired { at: at(now - 30) }),
        (with("exp", json!("soon")), invalid("exp")),
        (with("nbf", json!(now + 31)), SessionTokenError::NotYet { at: at(now + 31) }),
        (with("iat", json!(now + 61)), SessionTokenError::IssuedInFuture { at: at(now + 61) }),
        (with("iss", json!("https://evil.example")), SessionTokenError::WrongIssuer),
        (with("aud", json!("other")), SessionTokenError::WrongAudience),
        (with("aud", json!([])), invalid("aud")),
        (with("username", json!("")), missing("username")),
        (with("userId", json!(null)), missing("userId")),
        (with("userId", json!(7)), invalid("userId")),
        (with("userId", json!("u2")), invalid("sub")),
        (with("sub", json!("u2")), invalid("sub")),
        (with("email", json!(["a"])), invalid("email")),
        (with("permissions", json!("all")), invalid("permissions")),
        (with("permissions", json!([1])), invalid("permissions")),
    ];
    for (claims, error) in table {
        assert_eq!(judged(&claims), Err(error), "{claims}");
    }
    for name in ["userId", "sessionId", "username", "iss", "aud", "exp", "iat"] {
        let mut claims = claims();
        claims.as_object_mut().unwrap().remove(name);
        assert_eq!(judged(&claims), Err(missing(name)), "{name}");
    }
    assert!(judged(&with("exp", json!(now - 29))).is_ok());
    assert!(judged(&with("aud", json!(["other", "terminal-user"]))).is_ok());
    let mut least = claims();
    for name in ["sub", "email", "avatarUrl", "role", "permissions"] {
        least.as_object_mut().unwrap().remove(name);
    }
    assert_eq!(judged(&least).unwrap().permissions, Vec::<String>::new());
    let plain = ClaimNames::default();
    let tenant = Expected { required: &["tenant"], ..expected(&plain) };
    let token = secret('s').sign(TYPE, &claims()).unwrap();
    assert_eq!(verifier().verify(token.expose(), &tenant), Err(missing("tenant")));
}

#[test]
fn texts_and_other_tokens_are_told_apart() {
    let plain = ClaimNames::default();
    let judged = |text: &str| verifier().verify(text, &expected(&plain)).unwrap_err();
    assert_eq!(judged(""), SessionTokenError::Empty);
    assert_eq!(judged(" "), SessionTokenError::Empty);
    assert_eq!(judged("a.b"), SessionTokenError::Malformed(TokenError::Malformed));
    // {"alg":"none"}
    assert_eq!(judged("eyJhbGciOiJub25lIn0.e30."), SessionTokenError::WrongAlgorithm);
    for typ in ["at+jwt", "dpop+jwt"] {
        let other = secret('s').sign(typ, &claims()).unwrap();
        assert_eq!(judged(other.expose()), SessionTokenError::OtherKind);
    }
    let stranger = secret('t').sign(TYPE, &claims()).unwrap();
    assert_eq!(judged(stranger.expose()), SessionTokenError::BadSignature);
}

proptest! {
    #[test]
    fn any_session_survives(user in ".{1,20}", email in prop::option::of(".{1,20}"), permissions in prop::collection::vec(".{0,9}", 0..4)) {
        let plain = ClaimNames::default();
        let session = Session { user_id: user, email, permissions, ..session() };
        let token = SessionSigner::Secret(secret('s')).sign(&session, &plain).unwrap();
        prop_assert_eq!(verifier().verify(token.expose(), &expected(&plain)), Ok(session));
    }

    #[test]
    fn any_text_is_judged_without_panic(text in ".{0,80}") {
        prop_assert!(verifier().verify(&text, &expected(&ClaimNames::default())).is_err());
    }
}

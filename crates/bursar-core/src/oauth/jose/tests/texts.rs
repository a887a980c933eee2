use super::*;

#[test]
fn empty_and_malformed_are_told_apart() {
    for text in ["", " ", "\t\n"] {
        assert_eq!(refusal(text), TokenError::Empty);
    }
    let good = unsigned(r#"{"alg":"ES256"}"#, "{}");
    assert!(CompactToken::parse(&good).is_ok());
    for text in [
        "a".to_owned(),
        "a.b".to_owned(),
        "..".to_owned(),
        "a.b.c.d".to_owned(),
        format!(" {good}"),
        format!("{good}\n"),
        format!("{good}="),
        format!("{good}."),
        format!(".{good}"),
        good.replace("AAAA", "AA=="),
        good.replace("AAAA", "AAA+"),
        good.replace("AAAA", "AAA/"),
        good.replace("AAAA", "AA\0A"),
        good.replace("AAAA", "A"),
        // The last two bits of the second character mean nothing.
        good.replace("AAAA", "AB"),
        good.replacen('.', " .", 1),
    ] {
        assert!(
            matches!(refusal(&text), TokenError::Malformed | TokenError::Object(ObjectError::NotAnObject)),
            "{text:?}: {:?}",
            refusal(&text)
        );
    }
    assert_eq!(refusal("a.b.c.d.e"), TokenError::Encrypted);
    assert_eq!(refusal(&"a".repeat(16 * 1024 + 1)), TokenError::TooLarge);
}

#[test]
fn only_the_named_algorithms_are_read() {
    for alg in ["none", "None", "NONE", "nOnE", "", "HS384", "ES384", "PS256", "es256", "RSA-OAEP", "dir"] {
        let text = unsigned(&json!({"alg": alg}).to_string(), "{}");
        assert_eq!(refusal(&text), TokenError::UnsupportedAlgorithm, "{alg}");
        let (head, _) = text.rsplit_once('.').unwrap();
        assert_eq!(refusal(&format!("{head}.")), TokenError::UnsupportedAlgorithm, "{alg}");
    }
    for header in ["{}", r#"{"alg":null}"#, r#"{"alg":["ES256"]}"#, r#"{"ALG":"ES256"}"#] {
        assert_eq!(refusal(&unsigned(header, "{}")), TokenError::UnsupportedAlgorithm, "{header}");
    }
}

#[test]
fn whatever_is_decoded_can_be_shown_and_is_still_refused() {
    let text = unsigned(r#"{"alg":"none","crit":["x"]}"#, r#"{"sub":"ada"}"#);
    let decoded = decode(&text).unwrap();
    assert_eq!((&decoded.header["alg"], &decoded.claims["sub"]), (&json!("none"), &json!("ada")));
    assert!(CompactToken::parse(&text).is_err());
    assert_eq!(decode(" "), Err(TokenError::Empty));
    assert_eq!(decode("a.b.c"), Err(TokenError::Malformed));
}

#[test]
fn headers_that_bring_keys_or_extensions_are_refused() {
    for (name, value) in [
        ("crit", json!(["exp"])),
        ("crit", json!([])),
        ("b64", json!(false)),
        ("jku", json!("https://evil.example/jwks")),
        ("x5u", json!("https://evil.example/cert")),
        ("x5c", json!(["MII"])),
        ("jwk", json!({"kty": "EC"})),
    ] {
        let text = unsigned(&json!({"alg": "ES256", name: value}).to_string(), "{}");
        assert_eq!(refusal(&text), TokenError::ForbiddenMember { name }, "{name}");
    }
    let proof = unsigned(r#"{"alg":"ES256","jwk":{"kty":"EC"}}"#, "{}");
    assert!(CompactToken::parse_with_key(&proof).unwrap().header().jwk.is_some());
    assert!(CompactToken::parse(&unsigned(r#"{"alg":"ES256","cty":"x","x5t":"y","more":1}"#, "{}")).is_ok());
}

#[test]
fn members_of_the_header_have_their_types() {
    for (name, value) in [
        ("kid", json!("")),
        ("kid", json!(1)),
        ("kid", json!(null)),
        ("kid", json!("a\nb")),
        ("kid", json!("a\u{0}b")),
        ("kid", json!("é")),
        ("kid", json!("a".repeat(201))),
        ("typ", json!(1)),
        ("typ", json!("")),
        ("typ", json!("a".repeat(101))),
        ("jwk", json!("x")),
    ] {
        let text = unsigned(&json!({"alg": "ES256", name: value}).to_string(), "{}");
        assert_eq!(refusal(&text), TokenError::InvalidMember { name }, "{value}");
    }
    for key_id in ["../../etc/passwd", "'; DROP TABLE keys; --", "https://a.example/#1", "a"] {
        let text = unsigned(&json!({"alg": "ES256", "kid": key_id}).to_string(), "{}");
        assert_eq!(CompactToken::parse(&text).unwrap().header().key_id.as_deref(), Some(key_id));
    }
}

#[test]
fn members_twice_and_deep_nesting_are_refused() {
    let header = r#"{"alg":"ES256"}"#;
    let deep = format!("{{\"a\":{}{}}}", "[".repeat(500), "]".repeat(500));
    for (header, payload, error) in [
        (header, r#"{"exp":1,"exp":2}"#, ObjectError::DuplicateMember),
        (r#"{"alg":"none","alg":"ES256"}"#, "{}", ObjectError::DuplicateMember),
        (header, deep.as_str(), ObjectError::TooDeep),
        (header, "[]", ObjectError::NotAnObject),
        (header, "\"a\"", ObjectError::NotAnObject),
        ("[]", "{}", ObjectError::NotAnObject),
    ] {
        assert_eq!(refusal(&unsigned(header, payload)), TokenError::Object(error), "{header} {payload}");
    }
}

#[test]
fn types_are_compared_as_media_types() {
    let header = |typ: Option<&str>| Header {
        algorithm: Algorithm::Es256,
        typ: typ.map(str::to_owned),
        key_id: None,
        jwk: None,
    };
    for typ in ["at+jwt", "AT+JWT", "application/at+jwt", "Application/At+Jwt"] {
        assert!(header(Some(typ)).is_type("at+jwt"), "{typ}");
    }
    for typ in
        [None, Some("JWT"), Some("at+jwt "), Some("text/at+jwt"), Some("application/application/at+jwt")]
    {
        assert!(!header(typ).is_type("at+jwt"), "{typ:?}");
    }
}

proptest! {
    #[test]
    fn any_text_is_judged_without_panic(text in ".{0,80}", header in ".{0,60}", payload in ".{0,60}") {
        for text in [text, unsigned(&header, &payload), unsigned(r#"{"alg":"EdDSA"}"#, &payload)] {
            if let Ok(token) = CompactToken::parse(&text) {
                prop_assert!(token.verify(&key(ED25519)).is_err());
            }
        }
    }
}

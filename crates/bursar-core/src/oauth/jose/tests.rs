//! The examples of the RFCs, and everything that is no token or no key.

use proptest::prelude::*;
use serde_json::{Map, Value, json};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::*;
use crate::oauth::signing::SigningKey;
use crate::secret::Secret;

/// RFC 7515 Appendix A.3.1.
const P256: &str = r#"{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
    "y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}"#;

/// RFC 8037 Appendix A.2.
const ED25519: &str = r#"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;

/// RFC 7515 Appendix A.2.1.
const RSA: &str = r#"{"kty":"RSA","n":"ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ","e":"AQAB"}"#;

/// The payload of RFC 7515 Appendix A.1 to A.3.
const PAYLOAD: &str =
    "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";

fn jwk(text: &str) -> Map<String, Value> {
    serde_json::from_str(text).unwrap()
}

fn key(text: &str) -> PublicKey {
    PublicKey::from_jwk(&jwk(text)).unwrap()
}

fn with(text: &str, name: &str, value: Value) -> Map<String, Value> {
    let mut jwk = jwk(text);
    jwk.insert(name.to_owned(), value);
    jwk
}

/// A token that nobody has signed.
fn unsigned(header: &str, payload: &str) -> String {
    format!("{}.{}.AAAA", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(payload))
}

fn refusal(text: &str) -> TokenError {
    CompactToken::parse(text).expect_err(text)
}

mod signatures {
    use super::*;

    #[test]
    fn appendix_a_2_and_a_3_of_rfc_7515_verify() {
        let rsa = format!(
            "eyJhbGciOiJSUzI1NiJ9.{PAYLOAD}.cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw"
        );
        let ecdsa = format!(
            "eyJhbGciOiJFUzI1NiJ9.{PAYLOAD}.DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q"
        );
        for (token, jwk) in [(rsa, RSA), (ecdsa, P256)] {
            let token = CompactToken::parse(&token).unwrap();
            let claims = token.verify(&key(jwk)).unwrap();
            assert_eq!(claims.required_text("iss"), Ok("joe"));
            assert_eq!(claims.required_time("exp").unwrap().as_second(), 1_300_819_380);
        }
    }

    #[test]
    fn appendix_a_4_of_rfc_8037_is_no_jwt_but_its_signature_holds() {
        let message = "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc";
        let signature =
            "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg";
        assert!(key(ED25519).verifies(message.as_bytes(), &URL_SAFE_NO_PAD.decode(signature).unwrap()));
        assert_eq!(refusal(&format!("{message}.{signature}")), TokenError::Object(ObjectError::NotAnObject));
    }

    #[test]
    fn a_key_verifies_its_own_algorithm_only() {
        let keys: Vec<SigningKey> = Algorithm::ASYMMETRIC
            .into_iter()
            .map(|algorithm| SigningKey::generate(algorithm).unwrap().0)
            .collect();
        for (position, signer) in keys.iter().enumerate() {
            let signed = signer.sign("JWT", &json!({"iss": "joe"})).unwrap();
            let token = CompactToken::parse(signed.expose()).unwrap();
            for (other, verifier) in keys.iter().enumerate() {
                let found = token.verify(&verifier.public_key().unwrap()).err();
                let expected = (position != other).then_some(TokenError::WrongAlgorithm);
                assert_eq!(found, expected, "{position} {other}");
            }
            let (stranger, _) = SigningKey::generate(token.header().algorithm).unwrap();
            assert_eq!(token.verify(&stranger.public_key().unwrap()).unwrap_err(), TokenError::BadSignature);
        }
    }

    /// Whoever takes the public key for an HMAC secret accepts what everybody can sign (RFC 8725 §2.1).
    #[test]
    fn a_public_key_is_no_secret() {
        for text in [RSA, P256, ED25519] {
            let key = key(text);
            for secret in [text.to_owned(), Value::Object(key.to_jwk()).to_string()] {
                let forged = HmacKey::new(&Secret::new(secret)).unwrap().sign("JWT", &json!({})).unwrap();
                let token = CompactToken::parse(forged.expose()).unwrap();
                assert_eq!(token.verify(&key).unwrap_err(), TokenError::WrongAlgorithm);
            }
        }
        let (pair, _) = SigningKey::generate(Algorithm::EdDsa).unwrap();
        let signed = pair.sign("JWT", &json!({})).unwrap();
        let secret = HmacKey::new(&Secret::new("s".repeat(32))).unwrap();
        let token = CompactToken::parse(signed.expose()).unwrap();
        assert_eq!(token.verify_hmac(&secret).unwrap_err(), TokenError::WrongAlgorithm);
    }

    #[test]
    fn hmac_secrets_have_at_least_32_bytes() {
        assert_eq!(HmacKey::new(&Secret::new("s".repeat(31))).unwrap_err(), SecretTooShort);
        let one = HmacKey::new(&Secret::new("s".repeat(32))).unwrap();
        let signed = one.sign("JWT", &json!({"iss": "joe"})).unwrap();
        let token = CompactToken::parse(signed.expose()).unwrap();
        assert!(token.verify_hmac(&one).is_ok());
        let other = HmacKey::new(&Secret::new("t".repeat(32))).unwrap();
        assert_eq!(token.verify_hmac(&other).unwrap_err(), TokenError::BadSignature);
        assert_eq!(format!("{one:?}"), "HmacKey(…)");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn what_is_signed_verifies_and_no_changed_bit_does(text in ".{0,40}", number in any::<i64>(), bit in any::<prop::sample::Index>(), algorithm in 0..4_usize) {
            let claims = json!({"text": text, "number": number});
            let secret = HmacKey::new(&Secret::new("s".repeat(32))).unwrap();
            let signer = Algorithm::ASYMMETRIC.get(algorithm).map(|name| key_of(*name));
            let signed = match signer {
                Some(signer) => signer.sign("JWT", &claims),
                None => secret.sign("JWT", &claims),
            }.unwrap();
            let verified = |text: &str| {
                let token = CompactToken::parse(text).ok()?;
                let claims = match signer {
                    Some(signer) => token.verify(&signer.public_key().unwrap()).ok()?,
                    None => token.verify_hmac(&secret).ok()?,
                };
                Some(Value::Object(claims.as_map().clone()))
            };
            prop_assert_eq!(verified(signed.expose()), Some(claims));
            let mut changed = signed.expose().as_bytes().to_vec();
            let bit = bit.index(changed.len() * 8);
            changed[bit / 8] ^= 1 << (bit % 8);
            if let Ok(changed) = String::from_utf8(changed) {
                prop_assert_eq!(verified(&changed), None);
            }
        }
    }

    /// Made once: RSA keys take their time.
    fn key_of(algorithm: Algorithm) -> &'static SigningKey {
        static KEYS: std::sync::LazyLock<Vec<SigningKey>> = std::sync::LazyLock::new(|| {
            Algorithm::ASYMMETRIC
                .into_iter()
                .map(|algorithm| SigningKey::generate(algorithm).unwrap().0)
                .collect()
        });
        let fits = |key: &&SigningKey| key.algorithm() == algorithm.name();
        KEYS.iter().find(fits).unwrap()
    }
}

mod texts {
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
                matches!(
                    refusal(&text),
                    TokenError::Malformed | TokenError::Object(ObjectError::NotAnObject)
                ),
                "{text:?}: {:?}",
                refusal(&text)
            );
        }
        assert_eq!(refusal("a.b.c.d.e"), TokenError::Encrypted);
        assert_eq!(refusal(&"a".repeat(16 * 1024 + 1)), TokenError::TooLarge);
    }

    #[test]
    fn only_the_named_algorithms_are_read() {
        for alg in ["none", "None", "NONE", "nOnE", "", "HS384", "ES384", "PS256", "es256", "RSA-OAEP", "dir"]
        {
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
        assert!(
            CompactToken::parse(&unsigned(r#"{"alg":"ES256","cty":"x","x5t":"y","more":1}"#, "{}")).is_ok()
        );
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
}

mod keys {
    use super::*;

    #[test]
    fn thumbprints_of_the_examples() {
        // RFC 8037 Appendix A.3.
        assert_eq!(key(ED25519).thumbprint().as_str(), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
        // RFC 7638 §3.1; the members that do not make the key do not count.
        let rsa = json!({
            "kty": "RSA", "e": "AQAB", "alg": "RS256", "kid": "2011-04-29",
            "n": "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw",
        });
        let rsa = key(&rsa.to_string());
        assert_eq!(rsa.thumbprint().as_str(), "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");
        assert_eq!(rsa.key_id(), Some("2011-04-29"));
    }

    #[test]
    fn keys_are_published_with_what_makes_them_and_what_they_are_for() {
        for (text, algorithm) in [(ED25519, "EdDSA"), (P256, "ES256"), (RSA, "RS256")] {
            let published = key(text).to_jwk();
            let mut expected = jwk(text);
            expected.insert("kid".to_owned(), json!(key(text).thumbprint().as_str()));
            expected.insert("alg".to_owned(), json!(algorithm));
            expected.insert("use".to_owned(), json!("sig"));
            assert_eq!(Value::Object(published.clone()), Value::Object(expected));
            assert_eq!(PublicKey::from_jwk(&published).unwrap().thumbprint(), key(text).thumbprint());
        }
    }

    #[test]
    fn private_and_symmetric_keys_are_refused() {
        for text in [ED25519, P256, RSA] {
            for name in ["d", "p", "q", "dp", "dq", "qi", "oth", "k"] {
                assert_eq!(
                    PublicKey::from_jwk(&with(text, name, json!("AQ"))),
                    Err(JwkError::Private),
                    "{name}"
                );
            }
        }
        let symmetric = jwk(r#"{"kty":"oct"}"#);
        assert_eq!(PublicKey::from_jwk(&symmetric), Err(JwkError::Private));
    }

    #[test]
    fn keys_for_something_else_are_refused() {
        let table = [
            (with(P256, "use", json!("enc")), JwkError::OtherUse),
            (with(P256, "use", json!("")), JwkError::OtherUse),
            (with(P256, "key_ops", json!(["sign"])), JwkError::OtherUse),
            (with(P256, "key_ops", json!([])), JwkError::OtherUse),
            (with(P256, "key_ops", json!("verify")), JwkError::Member { name: "key_ops" }),
            (with(P256, "use", json!(1)), JwkError::Member { name: "use" }),
            (with(P256, "alg", json!("ES384")), JwkError::Unsupported),
            (with(P256, "alg", json!("RS256")), JwkError::Unsupported),
            (with(P256, "alg", json!("HS256")), JwkError::Unsupported),
            (with(RSA, "alg", json!("PS256")), JwkError::Unsupported),
            (with(P256, "alg", json!("none")), JwkError::Unsupported),
            (with(P256, "kid", json!("a\n")), JwkError::Member { name: "kid" }),
            (with(P256, "kid", json!(7)), JwkError::Member { name: "kid" }),
        ];
        for (jwk, error) in table {
            assert_eq!(PublicKey::from_jwk(&jwk), Err(error), "{jwk:?}");
        }
        let browser = with(P256, "key_ops", json!(["verify"]));
        assert!(PublicKey::from_jwk(&browser).is_ok());
        assert!(PublicKey::from_jwk(&with(ED25519, "alg", json!("Ed25519"))).is_ok());
    }

    #[test]
    fn damaged_and_weak_keys_are_refused() {
        let bytes = |length: usize| json!(URL_SAFE_NO_PAD.encode(vec![0xff; length]));
        let member = |name| JwkError::Member { name };
        let table = [
            (jwk("{}"), member("kty")),
            (with(P256, "kty", json!("ec")), JwkError::Unsupported),
            (with(P256, "crv", json!("P-384")), JwkError::Unsupported),
            (with(P256, "crv", json!("secp256k1")), JwkError::Unsupported),
            (with(ED25519, "crv", json!("X25519")), JwkError::Unsupported),
            (with(ED25519, "kty", json!("EC")), JwkError::Unsupported),
            (with(P256, "x", json!(null)), member("x")),
            (with(P256, "y", json!("")), member("y")),
            (with(P256, "x", bytes(31)), member("x")),
            (with(P256, "x", bytes(33)), member("x")),
            (with(P256, "x", bytes(32)), JwkError::Unsupported),
            (with(P256, "x", json!("f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU=")), member("x")),
            (with(P256, "x", json!("f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEV")), member("x")),
            (with(ED25519, "x", bytes(31)), member("x")),
            (with(RSA, "e", json!(URL_SAFE_NO_PAD.encode([1]))), JwkError::Unsupported),
            (with(RSA, "e", json!(URL_SAFE_NO_PAD.encode([1, 0, 0]))), JwkError::Unsupported),
            (with(RSA, "e", json!(URL_SAFE_NO_PAD.encode([0, 1, 0, 1]))), JwkError::Unsupported),
            (with(RSA, "e", bytes(5)), JwkError::Unsupported),
            (with(RSA, "n", bytes(255)), JwkError::Unsupported),
            (with(RSA, "n", bytes(1025)), JwkError::Unsupported),
            (
                with(RSA, "n", json!(URL_SAFE_NO_PAD.encode([vec![0], vec![0xff; 256]].concat()))),
                JwkError::Unsupported,
            ),
            (
                with(RSA, "n", json!(URL_SAFE_NO_PAD.encode([vec![0x7f], vec![0xff; 255]].concat()))),
                JwkError::Unsupported,
            ),
            (
                with(RSA, "n", json!(URL_SAFE_NO_PAD.encode([vec![0xff; 255], vec![0xfe]].concat()))),
                JwkError::Unsupported,
            ),
        ];
        for (jwk, error) in table {
            assert_eq!(PublicKey::from_jwk(&jwk), Err(error), "{jwk:?}");
        }
    }

    /// For the neutral point everybody can write a signature that holds for every message.
    #[test]
    fn ed25519_points_of_small_order_are_refused() {
        use aws_lc_rs::signature::{ED25519, UnparsedPublicKey};
        let neutral = [[1].as_slice(), &[0; 31]].concat();
        let signature = [neutral.as_slice(), &[0; 32]].concat();
        UnparsedPublicKey::new(&ED25519, &neutral).verify(b"whatever", &signature).unwrap();
        let last = |first: u8, last: u8| [[first].as_slice(), &[0xff; 30], &[last]].concat();
        let eight = [
            "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
            "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
        ]
        .map(|text| {
            let byte = |position: usize| u8::from_str_radix(&text[2 * position..][..2], 16).unwrap();
            (0..32).map(byte).collect::<Vec<u8>>()
        });
        let mut points = vec![
            neutral,
            vec![0; 32],
            last(0xec, 0x7f),
            last(0xed, 0x7f),
            last(0xee, 0x7f),
            last(0xff, 0x7f),
        ];
        points.extend(eight);
        for mut point in points {
            assert_eq!(PublicKey::ed25519(&point), Err(JwkError::Unsupported), "{point:02x?}");
            point[31] |= 0x80;
            assert_eq!(PublicKey::ed25519(&point), Err(JwkError::Unsupported), "{point:02x?}");
        }
    }

    proptest! {
        #[test]
        fn any_members_are_judged_without_panic(x in "[A-Za-z0-9_-]{0,90}", text in ".{0,20}") {
            for (kty, crv) in [("EC", "P-256"), ("OKP", "Ed25519"), ("RSA", "")] {
                for value in [&x, &text] {
                    let jwk = json!({"kty": kty, "crv": crv, "x": value, "y": value, "n": value, "e": value, "kid": text});
                    let _ = PublicKey::from_jwk(jwk.as_object().unwrap());
                }
            }
            let _ = KeySet::read(text.as_bytes());
        }
    }
}

mod sets {
    use super::*;

    fn set(keys: &Value) -> Result<KeySet, KeySetError> {
        KeySet::read(json!({ "keys": keys }).to_string().as_bytes())
    }

    fn named(text: &str, key_id: &str) -> Value {
        Value::Object(with(text, "kid", json!(key_id)))
    }

    #[test]
    fn unknown_keys_are_left_out_and_the_others_found() {
        let keys = json!([
            named(P256, "one"), named(ED25519, "one"), named(RSA, "two"),
            {"kty": "EC", "crv": "P-384", "x": "AA", "y": "AA"}, {"kty": "AKP", "alg": "ML-DSA-44", "pub": "x"}, {},
            with(RSA, "use", json!("enc")),
        ]);
        let set = set(&keys).unwrap();
        assert_eq!(set.iter().count(), 3);
        assert_eq!(set.find(Some("one"), Algorithm::Es256).unwrap().algorithm(), Algorithm::Es256);
        assert_eq!(set.find(Some("one"), Algorithm::EdDsa).unwrap().algorithm(), Algorithm::EdDsa);
        assert_eq!(set.find(Some("one"), Algorithm::Rs256), None);
        assert_eq!(set.find(Some("one"), Algorithm::Hs256), None);
        assert_eq!(set.find(None, Algorithm::Rs256).unwrap().key_id(), Some("two"));
        assert_eq!(KeySet::from_object(set.to_json().as_object().unwrap()), Ok(set));
    }

    #[test]
    fn without_a_name_one_key_of_the_algorithm_must_be_the_only_one() {
        let (second, _) = SigningKey::generate(Algorithm::Es256).unwrap();
        let set = KeySet::new(vec![key(P256), second.public_key().unwrap()]);
        assert_eq!(set.find(None, Algorithm::Es256), None);
        assert!(set.find(second.key_id(), Algorithm::Es256).is_some());
        assert!(!set.is_empty() && KeySet::default().is_empty());
    }

    #[test]
    fn unusable_sets_are_told_apart() {
        let private = with(ED25519, "d", json!("nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A"));
        assert_eq!(set(&json!([named(P256, "one"), private])), Err(KeySetError::Private));
        assert_eq!(set(&json!([named(P256, "one"), named(P256, "one")])), Err(KeySetError::DuplicateKeyId));
        assert_eq!(set(&json!([1])), Err(KeySetError::NoKeys));
        assert_eq!(set(&json!({})), Err(KeySetError::NoKeys));
        assert_eq!(set(&json!(vec![json!({}); 33])), Err(KeySetError::TooMany));
        assert_eq!(KeySet::read(b"{}"), Err(KeySetError::NoKeys));
        assert_eq!(KeySet::read(b"[]"), Err(KeySetError::Unreadable(ObjectError::NotAnObject)));
        let twice = br#"{"keys":[],"keys":[]}"#;
        assert_eq!(KeySet::read(twice), Err(KeySetError::Unreadable(ObjectError::DuplicateMember)));
        assert_eq!(set(&json!([])), Ok(KeySet::default()));
    }
}

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
            assert_eq!(PublicKey::from_jwk(&with(text, name, json!("AQ"))), Err(JwkError::Private), "{name}");
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
    let mut points =
        vec![neutral, vec![0; 32], last(0xec, 0x7f), last(0xed, 0x7f), last(0xee, 0x7f), last(0xff, 0x7f)];
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

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
    let signature = "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg";
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

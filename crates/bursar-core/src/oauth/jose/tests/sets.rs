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

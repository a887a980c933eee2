//! Public keys and sets of them: what is accepted can be published and read again, and is not private.

#![no_main]

use bursar_core::oauth::jose::{KeySet, PublicKey, Thumbprint, read_object};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let Ok(object) = read_object(input) else { return };
    if let Ok(key) = PublicKey::from_jwk(&object) {
        assert!(["d", "p", "q", "dp", "dq", "qi", "oth", "k"].iter().all(|name| !object.contains_key(*name)));
        let again = PublicKey::from_jwk(&key.to_jwk()).expect("what is published can be read");
        assert_eq!((again.thumbprint(), again.algorithm()), (key.thumbprint(), key.algorithm()));
        assert_eq!(Thumbprint::parse(key.thumbprint().as_str()).as_ref(), Ok(key.thumbprint()));
    }
    if let Ok(set) = KeySet::from_object(&object) {
        for key in set.iter().filter(|key| key.key_id().is_some()) {
            assert_eq!(set.find(key.key_id(), key.algorithm()), Some(key));
        }
        let published = set.to_json();
        let again = KeySet::from_object(published.as_object().expect("an object"));
        assert_eq!(again.map(|again| again.iter().count()), Ok(set.iter().count()));
    }
});

//! What browsers and authenticators bring: read without panic, and nothing counts that was not signed.

#![no_main]

use bursar_core::passkey::{
    Assertion, CredentialKey, Expected, Registration, verify_assertion, verify_registration,
};
use libfuzzer_sys::fuzz_target;

const EXPECTED: Expected<'_> =
    Expected { relying_party: "auth.example", origin: "https://auth.example", challenge: "challenge" };
const CREATED: &[u8] = br#"{"type":"webauthn.create","challenge":"challenge","origin":"https://auth.example"}"#;
const USED: &[u8] = br#"{"type":"webauthn.get","challenge":"challenge","origin":"https://auth.example"}"#;

fuzz_target!(|input: &[u8]| {
    // As what an authenticator says of a new passkey, whose key can then be read again.
    let registration = Registration { client_data: CREATED, attestation: input };
    if let Ok(new) = verify_registration(&registration, &EXPECTED) {
        let again = CredentialKey::from_cose(new.key.as_cose()).expect("what is kept can be read");
        assert_eq!(again.as_cose(), new.key.as_cose());
        // Nobody has signed anything with it here.
        let half = input.len() / 2;
        let assertion =
            Assertion { client_data: USED, authenticator_data: &input[..half], signature: &input[half..] };
        assert!(verify_assertion(&assertion, &again, &EXPECTED).is_err());
    }
    // As what a browser says, and as a key.
    let registration = Registration { client_data: input, attestation: &[0xa0] };
    assert!(verify_registration(&registration, &EXPECTED).is_err());
    if let Ok(key) = CredentialKey::from_cose(input) {
        assert_eq!(key.as_cose(), input);
    }
});

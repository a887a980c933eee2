//! Ceremonies with an authenticator of our own making, and with everything wrong that can be.

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _, RsaKeyPair,
};
use serde_json::{Value, json};

use super::*;

/// A passkey on an authenticator that does what it is told.
pub(crate) struct Authenticator {
    pair: Pair,
    pub(crate) id: Vec<u8>,
    pub(crate) relying_party: String,
    pub(crate) origin: String,
    pub(crate) counter: u32,
    pub(crate) flags: u8,
}

enum Pair {
    Ecdsa(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
    Rsa(RsaKeyPair),
}

/// What it and the browser bring of a use.
pub(crate) struct Use {
    pub(crate) client_data: Vec<u8>,
    pub(crate) authenticator_data: Vec<u8>,
    pub(crate) signature: Vec<u8>,
}

impl Use {
    pub(crate) fn assertion(&self) -> Assertion<'_> {
        Assertion {
            client_data: &self.client_data,
            authenticator_data: &self.authenticator_data,
            signature: &self.signature,
        }
    }
}

impl Authenticator {
    pub(crate) fn new(relying_party: &str, origin: &str) -> Self {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).unwrap();
        Self::of(Pair::Ecdsa(pair), relying_party, origin)
    }

    fn of(pair: Pair, relying_party: &str, origin: &str) -> Self {
        Self {
            pair,
            id: vec![7; 16],
            relying_party: relying_party.to_owned(),
            origin: origin.to_owned(),
            counter: 1,
            flags: 0x05,
        }
    }

    pub(crate) fn register(&self, challenge: &str) -> (Vec<u8>, Vec<u8>) {
        (self.client_data("webauthn.create", challenge), self.attestation(&self.key()))
    }

    fn attestation(&self, key: &[u8]) -> Vec<u8> {
        let mut data = self.head(self.flags | 0x40);
        data.extend([0; 16]);
        data.extend(u16::try_from(self.id.len()).unwrap().to_be_bytes());
        data.extend(&self.id);
        data.extend(key);
        attestation_of(&data)
    }

    pub(crate) fn sign(&self, challenge: &str) -> Use {
        self.sign_for("webauthn.get", challenge)
    }

    fn sign_for(&self, ceremony: &str, challenge: &str) -> Use {
        let client_data = self.client_data(ceremony, challenge);
        let authenticator_data = self.head(self.flags);
        let message = [&authenticator_data[..], digest(&SHA256, &client_data).as_ref()].concat();
        Use { signature: self.signature(&message), client_data, authenticator_data }
    }

    fn signature(&self, message: &[u8]) -> Vec<u8> {
        let random = SystemRandom::new();
        match &self.pair {
            Pair::Ecdsa(pair) => pair.sign(&random, message).unwrap().as_ref().to_vec(),
            Pair::Ed25519(pair) => pair.sign(message).as_ref().to_vec(),
            Pair::Rsa(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(&aws_lc_rs::signature::RSA_PKCS1_SHA256, &random, message, &mut signature).unwrap();
                signature
            }
        }
    }

    fn head(&self, flags: u8) -> Vec<u8> {
        let mut data = digest(&SHA256, self.relying_party.as_bytes()).as_ref().to_vec();
        data.push(flags);
        data.extend(self.counter.to_be_bytes());
        data
    }

    fn client_data(&self, ceremony: &str, challenge: &str) -> Vec<u8> {
        let told = json!({ "type": ceremony, "challenge": challenge, "origin": self.origin, "crossOrigin": false,
            "other_keys_can_be_added_here": "do not compare clientDataJSON against a template" });
        told.to_string().into_bytes()
    }

    fn key(&self) -> Vec<u8> {
        match &self.pair {
            Pair::Ecdsa(pair) => {
                let point = pair.public_key().as_ref();
                let (x, y) = point[1..].split_at(32);
                [&[0xa5, 1, 2, 3, 0x26, 0x20, 1, 0x21, 0x58, 32][..], x, &[0x22, 0x58, 32], y].concat()
            }
            Pair::Ed25519(pair) => {
                let x = pair.public_key().as_ref();
                [&[0xa4, 1, 1, 3, 0x27, 0x20, 6, 0x21, 0x58, 32][..], x].concat()
            }
            Pair::Rsa(pair) => {
                // RFC 8017 A.1.1, with a modulus of 2048 bits: what comes before it has nine bytes.
                let modulus = &pair.public_key().as_ref()[9..9 + 256];
                let length = u16::try_from(modulus.len()).unwrap().to_be_bytes();
                let head = [0xa4, 1, 3, 3, 0x39, 1, 0, 0x20, 0x59, length[0], length[1]];
                [&head[..], modulus, &[0x21, 0x43, 1, 0, 1]].concat()
            }
        }
    }
}

fn attestation_of(data: &[u8]) -> Vec<u8> {
    let length = u16::try_from(data.len()).unwrap().to_be_bytes();
    let head = b"\xa3\x63fmt\x64none\x67attStmt\xa0\x68authData\x59";
    [&head[..], &length, data].concat()
}

const HOST: &str = "auth.example";
const ORIGIN: &str = "https://auth.example";
const EXPECTED: Expected<'_> = Expected { relying_party: HOST, origin: ORIGIN, challenge: "challenge" };

fn ours() -> Authenticator {
    Authenticator::new(HOST, ORIGIN)
}

fn registered(authenticator: &Authenticator) -> Result<NewCredential, PasskeyError> {
    let (client_data, attestation) = authenticator.register("challenge");
    verify_registration(&Registration { client_data: &client_data, attestation: &attestation }, &EXPECTED)
}

fn used(authenticator: &Authenticator, key: &CredentialKey) -> Result<Asserted, PasskeyError> {
    verify_assertion(&authenticator.sign("challenge").assertion(), key, &EXPECTED)
}

#[test]
fn passkeys_of_every_kind_are_added_and_used() {
    let ed25519 = Pair::Ed25519(Ed25519KeyPair::generate().unwrap());
    let rsa = Pair::Rsa(RsaKeyPair::generate(aws_lc_rs::rsa::KeySize::Rsa2048).unwrap());
    let of = |pair| Authenticator::of(pair, HOST, ORIGIN);
    for mut authenticator in [ours(), of(ed25519), of(rsa)] {
        let new = registered(&authenticator).unwrap();
        assert_eq!((&new.id, new.counter), (&authenticator.id, 1));
        authenticator.counter = 2;
        let key = CredentialKey::from_cose(new.key.as_cose()).unwrap();
        assert_eq!(used(&authenticator, &key), Ok(Asserted { counter: 2, is_backed_up: false }));
        let mut forged = authenticator.sign("challenge");
        *forged.signature.last_mut().unwrap() ^= 1;
        let outcome = verify_assertion(&forged.assertion(), &key, &EXPECTED);
        assert_eq!(outcome, Err(PasskeyError::Signature));
    }
}

#[test]
fn answers_of_another_page_host_or_ceremony_do_not_count() {
    let key = registered(&ours()).unwrap().key;
    let elsewhere = Authenticator { origin: "https://auth.example.evil.test".to_owned(), ..ours() };
    let told = "https://auth.example.evil.test".to_owned();
    assert_eq!(registered(&elsewhere).unwrap_err(), PasskeyError::Origin { told: told.clone() });
    assert_eq!(used(&elsewhere, &key), Err(PasskeyError::Origin { told }));
    let other_host = Authenticator { relying_party: "evil.test".to_owned(), ..ours() };
    assert_eq!(registered(&other_host).unwrap_err(), PasskeyError::RelyingParty);
    assert_eq!(used(&other_host, &key), Err(PasskeyError::RelyingParty));
    let older = ours().sign("another challenge");
    assert_eq!(verify_assertion(&older.assertion(), &key, &EXPECTED), Err(PasskeyError::Challenge));
    let other = ours().sign_for("webauthn.create", "challenge");
    assert_eq!(verify_assertion(&other.assertion(), &key, &EXPECTED), Err(PasskeyError::Ceremony));
    let untouched = Authenticator { flags: 0, ..ours() };
    assert_eq!(registered(&untouched).unwrap_err(), PasskeyError::NobodyPresent);
    assert_eq!(used(&untouched, &key), Err(PasskeyError::NobodyPresent));
    let found = Authenticator { flags: 0x01, ..ours() };
    assert_eq!(registered(&found).unwrap_err(), PasskeyError::Unverified);
    assert_eq!(used(&found, &key), Err(PasskeyError::Unverified));
    assert_eq!(used(&ours(), &key), Err(PasskeyError::Signature), "another key");
}

#[test]
fn frames_of_others_do_not_count() {
    let key = registered(&ours()).unwrap().key;
    for framed in [json!(true), json!("false"), Value::Null] {
        let told = json!({ "type": "webauthn.get", "challenge": "challenge", "origin": ORIGIN, "crossOrigin": framed });
        let client_data = told.to_string().into_bytes();
        let assertion = Assertion { client_data: &client_data, authenticator_data: &[], signature: &[] };
        let outcome = verify_assertion(&assertion, &key, &EXPECTED);
        assert!(matches!(outcome, Err(PasskeyError::Origin { .. })), "{framed}: {outcome:?}");
    }
}

#[test]
fn a_counter_that_does_not_grow_tells_of_a_copy() {
    let mut authenticator = ours();
    let key = registered(&authenticator).unwrap().key;
    for (known, told, is_copy) in
        [(0, 0, false), (0, 1, false), (1, 2, false), (5, 5, true), (5, 4, true), (5, 0, true)]
    {
        authenticator.counter = told;
        let asserted = used(&authenticator, &key).unwrap();
        assert_eq!(asserted.follows(known), !is_copy, "{known} then {told}");
    }
}

#[test]
fn damaged_answers_are_refused_wherever_they_are_cut() {
    let authenticator = ours();
    let (client_data, attestation) = authenticator.register("challenge");
    for length in 0..attestation.len() {
        let cut = Registration { client_data: &client_data, attestation: &attestation[..length] };
        assert!(verify_registration(&cut, &EXPECTED).is_err(), "{length}");
    }
    let longer = [&attestation[..], &[0]].concat();
    let longer = Registration { client_data: &client_data, attestation: &longer };
    assert_eq!(verify_registration(&longer, &EXPECTED).unwrap_err(), PasskeyError::Authenticator);
    for length in 0..client_data.len() {
        let cut = Registration { client_data: &client_data[..length], attestation: &attestation };
        assert_eq!(verify_registration(&cut, &EXPECTED).unwrap_err(), PasskeyError::ClientData, "{length}");
    }
    // Backed up, and never to be: one of the two is not true.
    let contradictory = Authenticator { flags: 0x15, ..ours() };
    assert_eq!(registered(&contradictory).unwrap_err(), PasskeyError::Authenticator);
    let without = attestation_of(&authenticator.head(0x05));
    let without = Registration { client_data: &client_data, attestation: &without };
    assert_eq!(verify_registration(&without, &EXPECTED).unwrap_err(), PasskeyError::Authenticator);
}

#[test]
fn keys_of_other_kinds_or_for_other_algorithms_are_refused() {
    let good = ours().key();
    let changed = |at: usize, byte: u8| {
        let mut key = good.clone();
        key[at] = byte;
        key
    };
    for (name, key) in [
        ("another algorithm", changed(4, 0x27)),
        ("another curve", changed(6, 2)),
        ("another kind", changed(2, 1)),
        ("not on the curve", changed(12, good[12] ^ 1)),
        ("the neutral element", [&[0xa4, 1, 1, 3, 0x27, 0x20, 6, 0x21, 0x58, 32, 1][..], &[0; 31]].concat()),
        ("more behind it", [&good[..], &[0]].concat()),
    ] {
        assert_eq!(CredentialKey::from_cose(&key).unwrap_err(), PasskeyError::Key, "{name}");
    }
}

#[test]
fn statements_about_the_maker_are_passed_over() {
    let authenticator = ours();
    let (client_data, none) = authenticator.register("challenge");
    let data = &none[none.windows(8).position(|window| window == b"authData").unwrap() + 11..];
    let length = u16::try_from(data.len()).unwrap().to_be_bytes();
    let head = b"\xa3\x63fmt\x66packed\x67attStmt\xa2\x63alg\x26\x63sig\x42\x30\x00\x68authData\x59";
    let packed = [&head[..], &length, data].concat();
    let registration = Registration { client_data: &client_data, attestation: &packed };
    assert!(verify_registration(&registration, &EXPECTED).is_ok());
}

//! Sealed values, and how they open.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::*;
use crate::memory::random::SeededRandom;

fn vault_of(id: u32, byte: u8) -> Vault {
    let key = Key::new(id, Box::new(Zeroizing::new([byte; 32])));
    Vault::new(Arc::new(key), &Succession::default(), Timestamp::UNIX_EPOCH).unwrap()
}

fn place<'a>(space: &'a Space, key: &'a str) -> Place<'a> {
    Place { space, kind: SealedKind::Account, key }
}

#[test]
fn a_sealed_value_opens_only_where_it_belongs_and_only_whole() {
    let random = SeededRandom::new(1);
    let vault = vault_of(1, 7);
    let sealed = vault.seal(place(&Space::System, "one"), b"secret", &random);
    assert_eq!(vault.open(place(&Space::System, "one"), &sealed).unwrap().as_slice(), b"secret");
    assert!(vault.open(place(&Space::System, "two"), &sealed).is_err());

    let other = vault_of(1, 8);
    assert!(other.open(place(&Space::System, "one"), &sealed).is_err());

    let bytes = URL_SAFE_NO_PAD.decode(&sealed.0).unwrap();
    for position in 0..bytes.len() {
        let mut changed = bytes.clone();
        changed[position] ^= 1;
        let changed = Sealed(URL_SAFE_NO_PAD.encode(changed));
        assert!(vault.open(place(&Space::System, "one"), &changed).is_err(), "byte {position}");
    }
}

#[test]
fn equal_secrets_look_different_when_sealed() {
    let random = SeededRandom::new(1);
    let vault = vault_of(1, 7);
    let seal = || vault.seal(place(&Space::System, "one"), b"secret", &random);
    assert_ne!(seal(), seal());
}

//! Revocation and introspection answers: only a success counts as one.

#![no_main]

use bursar_core::oauth::introspection::read_introspection_answer;
use bursar_core::oauth::revocation::{Revoked, read_revocation_answer};
use bursar_fuzz::answers::answer;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let Some(response) = answer(input) else { return };
    let revoked = read_revocation_answer(&response);
    assert!(!matches!(revoked, Revoked::Yes) || response.status().is_success());
    assert!(revoked.to_string().chars().all(|character| !character.is_control()));
    let active = read_introspection_answer(&response);
    assert!(active.is_none() || response.status().is_success());
});

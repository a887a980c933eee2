//! A new passkey (Web Authentication §7.1), without attestation.

use aws_lc_rs::digest::{SHA256, digest};

use super::authenticator_data::AuthenticatorData;
use super::cbor::Value;
use super::cose_key::{CredentialKey, EDDSA, ES256, RS256};
use super::{Expected, PasskeyError, client_data};

/// What a browser brings after a passkey was made.
#[derive(Clone, Copy, Debug)]
pub struct Registration<'a> {
    /// `clientDataJSON`.
    pub client_data: &'a [u8],
    /// `attestationObject`.
    pub attestation: &'a [u8],
}

/// A passkey that may be kept.
#[derive(Debug)]
pub struct NewCredential {
    /// Its name among all of its authenticator.
    pub id: Vec<u8>,
    /// What verifies its signatures.
    pub key: CredentialKey,
    /// How often it has signed.
    pub counter: u32,
    /// Its maker keeps a copy.
    pub is_backed_up: bool,
}

/// The algorithms that are taken, the preferred first, by their COSE numbers.
pub const ALGORITHMS: [i64; 3] = [ES256, EDDSA, RS256];

/// Checks an answer to a page that has asked for a new passkey.
///
/// # Errors
/// What does not fit.
pub fn verify_registration(
    registration: &Registration<'_>,
    expected: &Expected<'_>,
) -> Result<NewCredential, PasskeyError> {
    client_data::check(registration.client_data, "webauthn.create", expected)?;
    let attestation = Value::of(registration.attestation).ok_or(PasskeyError::Authenticator)?;
    let part = |name| attestation.at(&Value::Text(name)).ok_or(PasskeyError::Authenticator);
    // The format and its statement must be there, and are passed over: nobody has asked who made the authenticator.
    let (Value::Text(_), Value::Map(_)) = (part("fmt")?, part("attStmt")?) else {
        return Err(PasskeyError::Authenticator);
    };
    let bytes = part("authData")?.bytes().ok_or(PasskeyError::Authenticator)?;
    let told = AuthenticatorData::read(bytes)?;
    check_host_and_person(&told, expected)?;
    let new = told.new.ok_or(PasskeyError::Authenticator)?;
    Ok(NewCredential {
        id: new.id.to_owned(),
        key: CredentialKey::from_cose(new.key)?,
        counter: told.counter,
        is_backed_up: told.is_backed_up,
    })
}

pub(super) fn check_host_and_person(
    told: &AuthenticatorData<'_>,
    expected: &Expected<'_>,
) -> Result<(), PasskeyError> {
    if told.relying_party != digest(&SHA256, expected.relying_party.as_bytes()).as_ref() {
        return Err(PasskeyError::RelyingParty);
    }
    if !told.is_user_present {
        return Err(PasskeyError::NobodyPresent);
    }
    // It stands for the password: whoever finds it must not be let in by it.
    if told.is_user_verified { Ok(()) } else { Err(PasskeyError::Unverified) }
}

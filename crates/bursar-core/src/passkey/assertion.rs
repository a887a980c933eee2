//! A passkey that is used (Web Authentication §7.2).

use aws_lc_rs::digest::{SHA256, digest};

use super::authenticator_data::AuthenticatorData;
use super::cose_key::CredentialKey;
use super::registration::check_host_and_presence;
use super::{Expected, PasskeyError, client_data};

/// What a browser brings after a passkey has signed.
#[derive(Clone, Copy, Debug)]
pub struct Assertion<'a> {
    /// `clientDataJSON`.
    pub client_data: &'a [u8],
    /// `authenticatorData`.
    pub authenticator_data: &'a [u8],
    /// `signature`.
    pub signature: &'a [u8],
}

/// What is known of the passkey.
#[derive(Clone, Copy, Debug)]
pub struct Credential<'a> {
    /// Its key.
    pub key: &'a CredentialKey,
    /// The highest counter seen.
    pub counter: u32,
}

/// A passkey was used here and now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asserted {
    /// How often it has signed.
    pub counter: u32,
    /// The authenticator has made sure who somebody is.
    pub is_user_verified: bool,
    /// Its maker keeps a copy.
    pub is_backed_up: bool,
}

/// Checks an answer to a page that has asked for a passkey.
///
/// # Errors
/// What does not fit; [`PasskeyError::Copied`] only if all else does.
pub fn verify_assertion(
    assertion: &Assertion<'_>,
    credential: Credential<'_>,
    expected: &Expected<'_>,
) -> Result<Asserted, PasskeyError> {
    client_data::check(assertion.client_data, "webauthn.get", expected)?;
    let told = AuthenticatorData::read(assertion.authenticator_data)?;
    check_host_and_presence(&told, expected)?;
    let hash = digest(&SHA256, assertion.client_data);
    let message = [assertion.authenticator_data, hash.as_ref()].concat();
    if !credential.key.verifies(&message, assertion.signature) {
        return Err(PasskeyError::Signature);
    }
    let (known, counter) = (credential.counter, told.counter);
    // Those that are kept in several places at once do not count, and say 0 for ever.
    if (known != 0 || counter != 0) && counter <= known {
        return Err(PasskeyError::Copied { known, told: counter });
    }
    Ok(Asserted { counter, is_user_verified: told.is_user_verified, is_backed_up: told.is_backed_up })
}

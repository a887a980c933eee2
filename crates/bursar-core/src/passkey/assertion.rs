//! A passkey that is used (Web Authentication §7.2).

use aws_lc_rs::digest::{SHA256, digest};

use super::authenticator_data::AuthenticatorData;
use super::cose_key::CredentialKey;
use super::registration::check_host_and_person;
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

/// A passkey was used, by whoever it is verified to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asserted {
    /// How often it has signed.
    pub counter: u32,
    /// Its maker keeps a copy.
    pub is_backed_up: bool,
}

impl Asserted {
    /// Whether it was signed after everything with the counter `known`, the highest seen (§7.2 step 21). If not, and if the
    /// answer is a new one, there is a copy of the passkey.
    pub fn follows(&self, known: u32) -> bool {
        // Those that are kept in several places at once do not count, and say 0 for ever.
        self.counter > known || (self.counter == 0 && known == 0)
    }
}

/// Checks an answer to a page that has asked for a passkey.
///
/// # Errors
/// What does not fit.
pub fn verify_assertion(
    assertion: &Assertion<'_>,
    key: &CredentialKey,
    expected: &Expected<'_>,
) -> Result<Asserted, PasskeyError> {
    client_data::check(assertion.client_data, "webauthn.get", expected)?;
    let told = AuthenticatorData::read(assertion.authenticator_data)?;
    check_host_and_person(&told, expected)?;
    let hash = digest(&SHA256, assertion.client_data);
    let message = [assertion.authenticator_data, hash.as_ref()].concat();
    if !key.verifies(&message, assertion.signature) {
        return Err(PasskeyError::Signature);
    }
    Ok(Asserted { counter: told.counter, is_backed_up: told.is_backed_up })
}

//! Passkeys: what Web Authentication (W3C, Level 2) has a server check, and nothing else.
//!
//! A ceremony ends with bytes of a browser and of an authenticator; here they are read strictly and compared with what was
//! asked for. Whom a passkey belongs to, and what a challenge was made for, is the engine's. Attestation is never asked
//! for, so its statements are passed over: they say who made an authenticator, not whose it is.

mod assertion;
mod authenticator_data;
mod cbor;
mod client_data;
mod cose_key;
mod registration;
#[cfg(test)]
pub(crate) mod tests;

pub use self::assertion::{Asserted, Assertion, verify_assertion};
pub use self::cose_key::CredentialKey;
pub use self::registration::{ALGORITHMS, NewCredential, Registration, verify_registration};

/// What a ceremony was begun for.
#[derive(Clone, Copy, Debug)]
pub struct Expected<'a> {
    /// The host that passkeys belong to.
    pub relying_party: &'a str,
    /// Where the page was, as browsers write it: `https://auth.example.com`.
    pub origin: &'a str,
    /// As it was given to the browser: unpadded base64url.
    pub challenge: &'a str,
}

/// Why an answer of a browser or an authenticator does not count.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PasskeyError {
    /// The browser's part cannot be read (§5.8.1).
    #[error("what the browser says of the ceremony cannot be read")]
    ClientData,
    /// It is of another ceremony (§7.1 step 7, §7.2 step 11).
    #[error("it is the answer to something else")]
    Ceremony,
    /// It answers another challenge: an older page's, or somebody else's (§7.1 step 8, §7.2 step 12).
    #[error("it answers another challenge")]
    Challenge,
    /// Another site has asked (§7.1 step 9, §7.2 step 13).
    #[error("it was made at `{told}`, not here")]
    Origin {
        /// Where, as the browser says.
        told: String,
    },
    /// The authenticator's part cannot be read (§6.1, §6.5).
    #[error("what the authenticator says cannot be read")]
    Authenticator,
    /// It is a passkey of another host (§7.1 step 13, §7.2 step 15).
    #[error("it is a passkey of another host")]
    RelyingParty,
    /// Nobody has touched the authenticator (§7.1 step 14, §7.2 step 16).
    #[error("the authenticator was not touched")]
    NobodyPresent,
    /// The authenticator has not made sure who touches it (§7.1 step 15, §7.2 step 17).
    #[error("the authenticator did not verify its user")]
    Unverified,
    /// It is no key that is verified here (§7.1 step 16).
    #[error("the passkey is of no kind that is taken here: ES256, EdDSA or RS256")]
    Key,
    /// The signature is not by this passkey (§7.2 step 20).
    #[error("the signature does not hold")]
    Signature,
}

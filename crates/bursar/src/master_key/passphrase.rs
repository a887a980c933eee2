//! A key derived from a passphrase with Argon2id (RFC 9106).

use std::path::PathBuf;

use argon2::{Algorithm, Argon2, Params, Version};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bursar_core::ports::key_source::{KeyError, KeySource, MasterKey};
use bursar_core::ports::random::Random;
use bursar_core::secret::Secret;
use futures::future::BoxFuture;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::failure::{in_one_line, locked, unavailable};
use super::{Interaction, KeyContext, terminal};
use crate::config::private_file;

/// What the derivation needs besides the passphrase. Public: it is kept in the open beside the sealed vault.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PassphraseParameters {
    /// 16 random bytes, base64: two vaults with one passphrase have two keys.
    pub salt_b64: String,
    /// Memory, in KiB.
    pub m: u32,
    /// Passes over it.
    pub t: u32,
    /// Lanes.
    pub p: u32,
}

impl PassphraseParameters {
    /// A new salt with the second choice of RFC 9106 §4 (64 MiB, 3 passes) on one lane: some 0.2 s on a laptop, and
    /// small enough for a container.
    pub fn generate(random: &dyn Random) -> Self {
        let mut salt = [0_u8; 16];
        random.fill(&mut salt);
        Self { salt_b64: STANDARD.encode(salt), m: 64 * 1024, t: 3, p: 1 }
    }

    /// Derives the key; slow on purpose, so never on a thread that others wait for.
    pub fn derive(&self, passphrase: &Secret) -> Result<MasterKey, KeyError> {
        let damaged = || unavailable(NAME, "the recorded parameters are damaged", RESTORE);
        let salt = STANDARD.decode(&self.salt_b64).map_err(|_| damaged())?;
        // Somebody who can change the record must not be able to exhaust this machine.
        if salt.len() < 16 || self.m > 1024 * 1024 || self.t > 16 || self.p > 16 {
            return Err(damaged());
        }
        let parameters = Params::new(self.m, self.t, self.p, Some(32)).map_err(|_| damaged())?;
        let mut key = Zeroizing::new([0_u8; 32]);
        Argon2::new(Algorithm::Argon2id, Version::V0x13, parameters)
            .hash_password_into(passphrase.expose().as_bytes(), &salt, &mut *key)
            .map_err(|_| damaged())?;
        Ok(MasterKey::new(*key))
    }
}

const NAME: &str = "passphrase";
const RESTORE: &str = "restore the data folder from a backup";
const HOW_TO_GIVE: &str =
    "run `bursar vault unlock`, or set BURSAR_PASSPHRASE_FILE to a file with the passphrase";

/// Where the passphrase comes from.
#[derive(Clone, Debug)]
pub(super) enum PassphraseOrigin {
    /// A private file.
    File(PathBuf),
    /// The person at the terminal.
    Terminal,
    /// Nobody is there to ask.
    Nobody,
}

impl PassphraseOrigin {
    pub(super) fn new(context: &KeyContext<'_>, file: Option<PathBuf>) -> Self {
        match (file, context.interaction) {
            (Some(path), _) => Self::File(path),
            (None, Interaction::Allowed) => Self::Terminal,
            (None, Interaction::Never) => Self::Nobody,
        }
    }

    fn ask(&self) -> Result<Secret, KeyError> {
        self.answer("Passphrase of the vault: ")
    }

    fn answer(&self, question: &str) -> Result<Secret, KeyError> {
        match self {
            Self::File(path) => read_file(path),
            Self::Terminal => terminal::ask(question).map_err(|error| no_terminal(&error)),
            Self::Nobody => Err(locked(NAME, HOW_TO_GIVE)),
        }
    }

    /// Asks twice at a terminal: nobody sees what was typed, and a slip would lock the vault for ever.
    pub(super) fn ask_for_new(&self) -> Result<Secret, KeyError> {
        let passphrase = self.answer("New passphrase of the vault: ")?;
        refuse_short(&passphrase)?;
        if matches!(self, Self::Terminal) {
            let again = terminal::ask("Once more: ").map_err(|error| no_terminal(&error))?;
            if again != passphrase {
                return Err(unavailable(NAME, "the two are not the same", "try again"));
            }
        }
        Ok(passphrase)
    }
}

/// Whether a new passphrase is long enough.
pub(super) fn refuse_short(passphrase: &Secret) -> Result<(), KeyError> {
    if passphrase.expose().chars().count() >= SHORTEST {
        return Ok(());
    }
    let detail = format!("it has fewer than {SHORTEST} characters");
    Err(unavailable(NAME, &detail, "choose a longer one, such as five random words"))
}

/// Below this, even Argon2id only delays an attacker who has a copy of the vault.
const SHORTEST: usize = 8;

fn read_file(path: &std::path::Path) -> Result<Secret, KeyError> {
    private_file::read(path).map_err(|error| unavailable(NAME, &in_one_line(&error), &error.hint()))
}

fn no_terminal(error: &terminal::TerminalError) -> KeyError {
    match error {
        terminal::TerminalError::Cancelled => unavailable(NAME, "cancelled", HOW_TO_GIVE),
        terminal::TerminalError::NoTerminal(_) | terminal::TerminalError::Io(_) => locked(NAME, HOW_TO_GIVE),
    }
}

/// The key behind a passphrase.
#[derive(Debug)]
pub(super) struct PassphraseKey {
    parameters: PassphraseParameters,
    origin: PassphraseOrigin,
}

impl PassphraseKey {
    pub(super) fn new(parameters: PassphraseParameters, origin: PassphraseOrigin) -> Self {
        Self { parameters, origin }
    }
}

impl KeySource for PassphraseKey {
    fn name(&self) -> String {
        NAME.to_owned()
    }

    fn master_key(&self) -> BoxFuture<'_, Result<MasterKey, KeyError>> {
        let (parameters, origin) = (self.parameters.clone(), self.origin.clone());
        Box::pin(async move { off_the_runtime(move || parameters.derive(&origin.ask()?)).await })
    }
}

/// Waits for a person and then for Argon2 on a thread of its own.
pub(super) async fn off_the_runtime<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, KeyError> + Send + 'static,
) -> Result<T, KeyError> {
    let ended = tokio::task::spawn_blocking(work).await;
    ended.unwrap_or_else(|_| Err(unavailable(NAME, "the derivation ended unexpectedly", "try again")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::master_key::encoding::encode;

    fn parameters(m: u32, t: u32, p: u32) -> PassphraseParameters {
        PassphraseParameters { salt_b64: STANDARD.encode([7_u8; 16]), m, t, p }
    }

    #[test]
    fn the_derivation_is_the_one_of_rfc_9106() {
        // Computed with the reference implementation: argon2-cffi, low_level.hash_secret_raw, type ID, version 19.
        let key = parameters(64, 3, 1).derive(&Secret::new("correct horse")).unwrap();
        assert_eq!(encode(&key).expose(), "P1rMtk8znM1RcDhdb06/UBrWFN3nmyf92P9A1sEbsFQ=");
    }

    #[test]
    fn another_passphrase_or_salt_gives_another_key() {
        let one = parameters(64, 1, 1);
        let mut other = one.clone();
        other.salt_b64 = STANDARD.encode([8_u8; 16]);
        let key = one.derive(&Secret::new("correct horse")).unwrap();
        assert_ne!(key, one.derive(&Secret::new("correct hors")).unwrap());
        assert_ne!(key, other.derive(&Secret::new("correct horse")).unwrap());
    }

    #[test]
    fn damaged_or_greedy_parameters_are_refused() {
        let mut short_salt = parameters(64, 1, 1);
        short_salt.salt_b64 = STANDARD.encode([7_u8; 8]);
        let mut no_salt = parameters(64, 1, 1);
        no_salt.salt_b64 = "***".to_owned();
        let all = [
            parameters(u32::MAX, 1, 1),
            parameters(64, u32::MAX, 1),
            parameters(64, 1, 64),
            parameters(0, 1, 1),
            parameters(64, 0, 1),
            short_salt,
            no_salt,
        ];
        for parameters in all {
            let error = parameters.derive(&Secret::new("correct horse")).unwrap_err();
            assert!(matches!(error, KeyError::Unavailable { .. }), "{parameters:?}");
        }
    }

    #[test]
    fn nobody_to_ask_means_locked_with_the_next_step() {
        let error = PassphraseOrigin::Nobody.ask().unwrap_err();
        assert!(
            matches!(&error, KeyError::Locked { hint, .. } if hint.contains("BURSAR_PASSPHRASE_FILE")),
            "{error:?}"
        );
    }
}

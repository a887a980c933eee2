//! Whether the master key can be had from where this vault keeps it, and fits.
//!
//! Never makes a vault, never prompts, and ends at a limit whatever the keychain does. What a new vault would find is
//! for [`super::keychain`].

use std::time::Duration;

use bursar_core::engine::Engine;
use bursar_core::engine::vault::VaultError;
use bursar_core::ports::key_source::KeyError;
use futures::future::{Either, select};

use super::finding::Finding;
use crate::master_key::{Backend, MasterKeyChoice, MasterKeys};

/// Opens the vault; nothing if there is none. `keys` are those of the engine.
pub(super) async fn check(engine: &Engine, keys: &MasterKeys) -> Option<Finding> {
    let recorded = match engine.recorded_key_source().await {
        Ok(recorded) => recorded?,
        Err(error) => return Some(Finding::failure(NAME, error.into())),
    };
    let choice = match keys.choice(&recorded) {
        Ok(choice) => choice,
        Err(error) => return Some(Finding::failure(NAME, error.into())),
    };
    let unlocked = std::pin::pin!(engine.unlock());
    Some(match select(unlocked, engine.ports().clock.sleep(LIMIT)).await {
        Either::Left((unlocked, _)) => told(&choice, unlocked),
        Either::Right(_) => Finding::fail(
            NAME,
            format!("the {} did not answer within {} s", choice.backend.name(), LIMIT.as_secs()),
            "start it again, or set BURSAR_MASTER_KEY_FILE to a copy of the key",
        ),
    })
}

fn told(choice: &MasterKeyChoice, unlocked: Result<(), VaultError>) -> Finding {
    let place = format!("{} ({})", choice.backend.name(), choice.origin);
    match unlocked {
        Ok(()) => Finding::ok(NAME, format!("the vault opens with the key from the {place}")),
        // Nobody was asked, so nothing is wrong yet.
        Err(VaultError::Key(KeyError::Locked { hint, .. })) if choice.backend == Backend::Passphrase => {
            Finding::warn(NAME, format!("the vault opens with a {place} that only a person knows"), hint)
        }
        Err(error) => Finding::failure(NAME, error.into()),
    }
}

const NAME: &str = "vault";

/// Longer than the keychain's own limit and than deriving a key from a passphrase on a slow machine.
const LIMIT: Duration = Duration::from_secs(5);

#[cfg(test)]
mod tests {
    use super::super::finding::Verdict;
    use super::*;

    #[test]
    fn a_locked_keychain_is_told_apart_from_one_that_does_not_answer() {
        let choice =
            |backend| MasterKeyChoice { backend, origin: "chosen when the vault was made".to_owned() };
        let (name, hint) = ("keychain".to_owned(), "the next step".to_owned());
        let locked = || VaultError::Key(KeyError::Locked { source_name: name.clone(), hint: hint.clone() });
        let detail = "it did not answer within 3 s".to_owned();
        let silent = KeyError::Unavailable { source_name: name.clone(), detail, hint: hint.clone() };

        let table = [
            (Backend::Keychain, Ok(()), Verdict::Ok, "opens with the key from the keychain"),
            (Backend::Keychain, Err(locked()), Verdict::Fail, "the keychain is locked"),
            (Backend::Keychain, Err(VaultError::Key(silent)), Verdict::Fail, "did not answer within 3 s"),
            (Backend::Passphrase, Err(locked()), Verdict::Warn, "that only a person knows"),
            (Backend::KeyFile, Err(VaultError::WrongMasterKey), Verdict::Fail, "does not fit this vault"),
        ];
        for (backend, unlocked, verdict, words) in table {
            let finding = told(&choice(backend), unlocked);
            assert_eq!(finding.verdict, verdict, "{finding:?}");
            assert!(finding.what.contains(words), "{finding:?}");
            assert_eq!(finding.remedy.is_some(), verdict != Verdict::Ok, "{finding:?}");
        }
    }
}

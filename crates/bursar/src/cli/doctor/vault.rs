//! Whether the master key can be had from where this vault keeps it, and fits.
//!
//! Never makes a vault, never prompts, and ends at a limit whatever the keychain does.

use std::time::Duration;

use bursar_core::engine::Engine;
use bursar_core::engine::vault::VaultError;
use bursar_core::ports::key_source::KeyError;
use futures::future::{Either, select};

use super::finding::Finding;
use crate::master_key::{Backend, MasterKeys};

/// Opens the vault. `keys` are those of the engine.
pub(super) async fn check(engine: &Engine, keys: &MasterKeys) -> Finding {
    let recorded = match engine.recorded_key_source().await {
        Ok(Some(recorded)) => recorded,
        Ok(None) => return Finding::ok(NAME, "no vault yet; the first login makes one"),
        Err(error) => return Finding::failure(NAME, error.into()),
    };
    let choice = match keys.choice(&recorded) {
        Ok(choice) => choice,
        Err(error) => return Finding::failure(NAME, error.into()),
    };
    let place = format!("{} ({})", choice.backend.name(), choice.origin);
    let unlocked = std::pin::pin!(engine.unlock());
    match select(unlocked, engine.ports().clock.sleep(LIMIT)).await {
        Either::Left((Ok(()), _)) => Finding::ok(NAME, format!("the vault opens with the key from the {place}")),
        // Nobody was asked, so nothing is wrong yet.
        Either::Left((Err(VaultError::Key(KeyError::Locked { hint, .. })), _))
            if choice.backend == Backend::Passphrase =>
        {
            Finding::warn(NAME, format!("the vault's key comes from the {place}, which is not known here"), hint)
        }
        Either::Left((Err(error), _)) => Finding::failure(NAME, error.into()),
        Either::Right(_) => Finding::fail(
            NAME,
            format!("the {place} did not answer within {} s", LIMIT.as_secs()),
            "start it again, or set BURSAR_MASTER_KEY_FILE to a copy of the key",
        ),
    }
}

const NAME: &str = "vault";

/// Longer than the keychain's own limit and than deriving a key from a passphrase on a slow machine.
const LIMIT: Duration = Duration::from_secs(5);

//! Whether a new vault would find a keychain. A vault that exists is asked about in [`super::vault`].

use std::sync::Arc;

use bursar_core::ports::key_source::{KeyError, KeySources as _};

use super::finding::Finding;
use crate::config::Config;
use crate::config::environment::Environment;
use crate::config::paths::Paths;
use crate::master_key::{Backend, MasterKeys, RecordedBackend};
use crate::system::{SystemClock, SystemRandom};

/// Asks for an entry that nobody made: even so, a keychain that works answers. Writes nothing, prompts nobody, and
/// ends at the keychain's own limit.
pub(super) async fn check(environment: &Environment, paths: &Paths, config: &Config) -> Finding {
    if let Some(variable) = PLACES.iter().find(|name| environment.text(name).is_some()) {
        return Finding::ok(NAME, format!("there is no vault yet; {variable} says where its key will be"));
    }
    if let Some(backend) = config.vault.key.filter(|backend| *backend != Backend::Keychain) {
        let what =
            format!("there is no vault yet; the configuration puts its key into the {}", backend.name());
        return Finding::ok(NAME, what);
    }
    let keys = MasterKeys::new(
        environment.clone(),
        paths.clone(),
        config.vault.clone(),
        Arc::new(SystemClock),
        Arc::new(SystemRandom),
    );
    let entry = RecordedBackend::Keychain { entry: "nobody-has-this-entry".to_owned() };
    // Plain data is always written as JSON.
    let recorded = serde_json::to_string(&entry).unwrap_or_default();
    told(keys.existing(&recorded).await.err(), paths)
}

fn told(error: Option<KeyError>, paths: &Paths) -> Finding {
    match error {
        None => Finding::ok(NAME, REACHABLE),
        Some(KeyError::Unavailable { detail, .. }) if detail == NO_SUCH_ENTRY => Finding::ok(NAME, REACHABLE),
        Some(KeyError::Locked { hint, .. }) => {
            Finding::warn(NAME, "the keychain is locked, so a new vault would keep its key in a file", hint)
        }
        Some(KeyError::Unavailable { detail, .. }) => Finding::ok(
            NAME,
            format!("no keychain: {detail}; a new vault keeps its key in {}", paths.key_file().display()),
        ),
    }
}

const NAME: &str = "keychain";
const REACHABLE: &str = "the keychain answers; a new vault keeps its key there";

/// What a keychain that works says about an entry it does not have.
const NO_SUCH_ENTRY: &str = "it holds no key for this vault";

/// The variables that decide before anything else does.
const PLACES: [&str; 4] =
    ["BURSAR_MASTER_KEY_FD", "BURSAR_MASTER_KEY_FILE", "BURSAR_MASTER_KEY", "BURSAR_PASSPHRASE_FILE"];

#[cfg(test)]
mod tests {
    use super::super::finding::Verdict;
    use super::*;

    #[test]
    fn locked_absent_and_empty_are_three_things() {
        let paths = Paths::resolve(&Environment::from_pairs([("BURSAR_HOME", "/vault")])).unwrap();
        let unavailable = |detail: &str| KeyError::Unavailable {
            source_name: "keychain".to_owned(),
            detail: detail.to_owned(),
            hint: String::new(),
        };
        let locked = KeyError::Locked { source_name: "keychain".to_owned(), hint: "unlock it".to_owned() };
        let table = [
            (unavailable(NO_SUCH_ENTRY), Verdict::Ok, REACHABLE),
            (
                unavailable("no session bus"),
                Verdict::Ok,
                "no keychain: no session bus; a new vault keeps its key in /vault/master.key",
            ),
            (locked, Verdict::Warn, "the keychain is locked, so a new vault would keep its key in a file"),
        ];
        for (error, verdict, what) in table {
            let finding = told(Some(error), &paths);
            assert_eq!((finding.verdict, finding.what.as_str()), (verdict, what));
        }
    }
}

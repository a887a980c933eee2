//! A new master key in the place of an old one: kept beside it first, put into its place later.
//!
//! What is kept where, by kind of place: a file beside the file, another entry in the keychain, another salt for another
//! passphrase. A key that somebody gives every time can only be replaced by one that somebody gives.

use bursar_core::ports::key_source::{KeyError, MasterKey};
use bursar_core::ports::random::Random;
use bursar_core::secret::Secret;

use super::encoding::{HOW_TO_MAKE_ONE, decode, generate};
use super::failure::unavailable;
use super::key_file::KeyFile;
use super::keychain::Keychain;
use super::passphrase::{PassphraseOrigin, PassphraseParameters, off_the_runtime, refuse_short};
use super::{Explicit, Interaction, KeyContext, RecordedBackend, explicit, key_file_path};

/// The next key, kept where it survives a stop of the machine.
#[derive(Debug)]
pub(super) struct Next {
    pub(super) key: MasterKey,
    /// What the vault has to remember once it counts.
    pub(super) recorded: RecordedBackend,
    /// What a person has to do so that the vault opens next time.
    pub(super) notice: Option<String>,
}

/// Makes the next key, or takes the `given` one, and keeps it beside the one that counts.
pub(super) async fn succeed(
    context: &KeyContext<'_>,
    recorded: &RecordedBackend,
    given: Option<Secret>,
    random: &dyn Random,
) -> Result<Next, KeyError> {
    refuse_copy(context, recorded)?;
    match recorded {
        RecordedBackend::KeyFile { path } => {
            let key = given_key(given.as_ref())?.unwrap_or_else(|| generate(random));
            // Remembered is the place that counts now, which the environment may have moved.
            let path = match explicit(context.environment) {
                Some(Explicit::File(named)) => Some(named).filter(|named| *named != context.paths.key_file()),
                _ => path.clone(),
            };
            let recorded = RecordedBackend::KeyFile { path };
            key_file(context, &recorded).keep_beside(&key)?;
            Ok(Next { key, recorded, notice: None })
        }
        RecordedBackend::Keychain { .. } => {
            let key = given_key(given.as_ref())?.unwrap_or_else(|| generate(random));
            let entry = super::creation::keep_in_keychain(context, &key, random).await?;
            Ok(Next { key, recorded: RecordedBackend::Keychain { entry }, notice: None })
        }
        RecordedBackend::Passphrase(_) => passphrase(context, given, random).await,
        RecordedBackend::Environment | RecordedBackend::FileDescriptor => {
            let variable = match recorded {
                RecordedBackend::Environment => "BURSAR_MASTER_KEY",
                _ => "the descriptor of BURSAR_MASTER_KEY_FD",
            };
            let Some(key) = given_key(given.as_ref())? else { return Err(only_given(recorded, variable)) };
            let notice = format!("give the new key by {variable} from now on: the old one opens nothing");
            Ok(Next { key, recorded: recorded.clone(), notice: Some(notice) })
        }
    }
}

/// The key that [`succeed`] has left beside the one in its place. Only files have a place that two keys share.
pub(super) fn beside(
    context: &KeyContext<'_>,
    recorded: &RecordedBackend,
) -> Result<Option<MasterKey>, KeyError> {
    match recorded {
        RecordedBackend::KeyFile { .. } => key_file(context, recorded).read_beside(),
        _ => Ok(None),
    }
}

/// Puts the new key into its place and removes the old one.
pub(super) async fn retire(
    context: &KeyContext<'_>,
    old: &RecordedBackend,
    new: &RecordedBackend,
) -> Result<(), KeyError> {
    match old {
        RecordedBackend::KeyFile { .. } => key_file(context, new).replace_by_beside(),
        RecordedBackend::Keychain { entry } if old != new => {
            Keychain::new(context, entry.clone()).remove().await
        }
        _ => Ok(()),
    }
}

async fn passphrase(
    context: &KeyContext<'_>,
    given: Option<Secret>,
    random: &dyn Random,
) -> Result<Next, KeyError> {
    let parameters = PassphraseParameters::generate(random);
    let recorded = RecordedBackend::Passphrase(parameters.clone());
    // The file holds the old one: the new one has to come from elsewhere.
    let origin = match context.interaction {
        Interaction::Allowed => PassphraseOrigin::Terminal,
        Interaction::Never => PassphraseOrigin::Nobody,
    };
    let derive = move || {
        let passphrase = match given {
            Some(given) => refuse_short(&given).map(|()| given)?,
            None => origin.ask_for_new().map_err(|error| match error {
                KeyError::Locked { .. } => {
                    unavailable("passphrase", "there is nobody to ask for a new one", GIVE)
                }
                other @ KeyError::Unavailable { .. } => other,
            })?,
        };
        parameters.derive(&passphrase)
    };
    let key = off_the_runtime(derive).await?;
    let file = match explicit(context.environment) {
        Some(Explicit::PassphraseFile(path)) => Some(path),
        _ => context.config.passphrase_file.clone(),
    };
    let notice = file
        .map(|file| format!("write the new passphrase into {}: the old one opens nothing", file.display()));
    Ok(Next { key, recorded, notice })
}

/// With a copy of the key in hand, the original would keep a key that opens nothing.
fn refuse_copy(context: &KeyContext<'_>, recorded: &RecordedBackend) -> Result<(), KeyError> {
    match explicit(context.environment) {
        Some(explicit) if explicit.backend() != recorded.backend() => {
            let (place, variable) = (recorded.backend().name(), explicit.variable());
            let detail = format!("the vault's key is in the {place}, and {variable} gives a copy of it");
            Err(unavailable(place, &detail, &format!("unset {variable}, rotate again, then renew the copy")))
        }
        _ => Ok(()),
    }
}

fn key_file(context: &KeyContext<'_>, recorded: &RecordedBackend) -> KeyFile {
    KeyFile::new(match (explicit(context.environment), recorded) {
        (Some(Explicit::File(path)), _) => path,
        (_, RecordedBackend::KeyFile { path }) => key_file_path(context, path.clone()),
        _ => key_file_path(context, None),
    })
}

fn given_key(given: Option<&Secret>) -> Result<Option<MasterKey>, KeyError> {
    given
        .map(|text| decode(text.expose()))
        .transpose()
        .map_err(|error| unavailable("new key", &error.to_string(), HOW_TO_MAKE_ONE))
}

fn only_given(recorded: &RecordedBackend, variable: &str) -> KeyError {
    let detail = format!("the key is given by {variable}, so bursar has no place to keep a new one");
    unavailable(recorded.backend().name(), &detail, GIVE)
}

const GIVE: &str = "write the new one into a private file (a key: `openssl rand -base64 32`) and run \
                    `bursar vault rotate --new-key-file FILE`";

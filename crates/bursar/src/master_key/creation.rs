//! The key of a new vault: made here, kept where asked.

use std::sync::Arc;

use bursar_core::ports::key_source::{KeyError, KeySource as _, MasterKey};
use bursar_core::ports::random::{Random, unguessable};

use super::descriptor::DescriptorKey;
use super::encoding::generate;
use super::failure::unavailable;
use super::given::GivenKey;
use super::key_file::KeyFile;
use super::keychain::Keychain;
use super::passphrase::{PassphraseOrigin, PassphraseParameters, off_the_runtime};
use super::{
    Backend, Explicit, Interaction, KeyContext, MasterKeyChoice, RecordedBackend, explicit, key_file_path,
};

/// A key, kept.
#[derive(Debug)]
pub struct Created {
    /// The key.
    pub key: MasterKey,
    /// What the vault has to remember.
    pub recorded: RecordedBackend,
    /// The place and the reason.
    pub choice: MasterKeyChoice,
    /// What the user should know, if the place is not the one they would expect.
    pub notice: Option<String>,
}

/// Makes a key for a new vault and keeps it.
///
/// `wanted` is the command's own word; then come environment, configuration, and last the keychain if it answers
/// within its limit, else a key file, with a notice.
pub async fn create(
    context: &KeyContext<'_>,
    wanted: Option<Backend>,
    random: &dyn Random,
) -> Result<Created, KeyError> {
    if let Some(backend) = wanted {
        refuse_contradiction(context, backend)?;
        return in_backend(context, backend, "asked for by the command", random).await;
    }
    match explicit(context.environment) {
        Some(Explicit::Descriptor(_)) => {
            in_backend(context, Backend::FileDescriptor, "BURSAR_MASTER_KEY_FD", random).await
        }
        Some(Explicit::File(path)) => {
            let origin = format!("BURSAR_MASTER_KEY_FILE={}", path.display());
            let key = KeyFile::new(path.clone()).keep(generate(random))?;
            Ok(created(key, RecordedBackend::KeyFile { path: Some(path) }, &origin))
        }
        Some(Explicit::Key) => in_backend(context, Backend::Environment, "BURSAR_MASTER_KEY", random).await,
        Some(Explicit::PassphraseFile(path)) => {
            let origin = format!("BURSAR_PASSPHRASE_FILE={}", path.display());
            with_passphrase(PassphraseOrigin::File(path), &origin, random).await
        }
        None => match context.config.key {
            Some(backend) => in_backend(context, backend, "config.toml", random).await,
            None => by_default(context, random).await,
        },
    }
}

/// Whoever opens the vault later looks where the environment and the configuration say, so a key elsewhere is lost.
fn refuse_contradiction(context: &KeyContext<'_>, wanted: Backend) -> Result<(), KeyError> {
    let said = explicit(context.environment).map(|explicit| (explicit.backend(), explicit.variable()));
    let said = said.or_else(|| Some((context.config.key?, "`key` in config.toml")));
    match said {
        Some((backend, place)) if backend != wanted => {
            let detail = format!("{place} says that the key is in the {}", backend.name());
            Err(unavailable(wanted.name(), &detail, &format!("leave {place} or `--key` out")))
        }
        _ => Ok(()),
    }
}

async fn in_backend(
    context: &KeyContext<'_>,
    backend: Backend,
    origin: &str,
    random: &dyn Random,
) -> Result<Created, KeyError> {
    match backend {
        Backend::Keychain => in_keychain(context, origin, random).await,
        Backend::Passphrase => {
            let file = context.config.passphrase_file.clone();
            with_passphrase(PassphraseOrigin::new(context, file), origin, random).await
        }
        Backend::KeyFile => {
            let path = context.config.key_file.clone();
            let key = KeyFile::new(key_file_path(context, None)).keep(generate(random))?;
            Ok(created(key, RecordedBackend::KeyFile { path }, origin))
        }
        Backend::Environment => {
            let key = GivenKey::from_environment(context.environment)?.master_key().await?;
            Ok(created(key, RecordedBackend::Environment, origin))
        }
        Backend::FileDescriptor => {
            let number = context.environment.text("BURSAR_MASTER_KEY_FD").unwrap_or_default();
            let key = DescriptorKey::new(number, Arc::clone(&context.clock))?.master_key().await?;
            Ok(created(key, RecordedBackend::FileDescriptor, origin))
        }
    }
}

/// Nobody chose: the keychain if it works, silently, else a file, and the user is told.
async fn by_default(context: &KeyContext<'_>, random: &dyn Random) -> Result<Created, KeyError> {
    // Nobody asked for the keychain, so it may not ask anybody either.
    let quiet = KeyContext { interaction: Interaction::Never, ..context.clone() };
    let error = match in_keychain(&quiet, "the default", random).await {
        Ok(created) => return Ok(created),
        Err(error) => error,
    };
    let mut created = in_backend(context, Backend::KeyFile, "the keychain did not answer", random).await?;
    created.notice = Some(format!(
        "{error}; the master key is in the file {} instead (readable by you alone)",
        key_file_path(context, None).display()
    ));
    Ok(created)
}

async fn in_keychain(
    context: &KeyContext<'_>,
    origin: &str,
    random: &dyn Random,
) -> Result<Created, KeyError> {
    let key = generate(random);
    let entry = keep_in_keychain(context, &key, random).await?;
    Ok(created(key, RecordedBackend::Keychain { entry }, origin))
}

/// Writes `key` into an entry of its own, and tells its name.
pub(super) async fn keep_in_keychain(
    context: &KeyContext<'_>,
    key: &MasterKey,
    random: &dyn Random,
) -> Result<String, KeyError> {
    // Half an unguessable text tells any number of vaults apart; it is a name, not a secret.
    let entry = unguessable(random).expose()[..22].to_owned();
    let keychain = Keychain::new(context, entry.clone());
    keychain.store(key).await?;
    // A keychain that lost the key would lose every login with it: it has to prove itself once.
    if keychain.master_key().await? != *key {
        return Err(unavailable(
            "keychain",
            "it gave back another key than it was given",
            "set `key = \"key_file\"` under [vault] in config.toml",
        ));
    }
    Ok(entry)
}

async fn with_passphrase(
    passphrase: PassphraseOrigin,
    origin: &str,
    random: &dyn Random,
) -> Result<Created, KeyError> {
    let parameters = PassphraseParameters::generate(random);
    let recorded = RecordedBackend::Passphrase(parameters.clone());
    let key = off_the_runtime(move || parameters.derive(&passphrase.ask_for_new()?)).await?;
    Ok(created(key, recorded, origin))
}

fn created(key: MasterKey, recorded: RecordedBackend, origin: &str) -> Created {
    let choice = MasterKeyChoice { backend: recorded.backend(), origin: origin.to_owned() };
    Created { key, recorded, choice, notice: None }
}

//! Where the master key lives, and which place counts.
//!
//! The explicit word of the environment wins, then the configuration, then what the vault recorded when it was made.
//! A vault never moves its key silently: if the recorded place does not answer, that is an error with a next step, not
//! a reason to look elsewhere. Only a new vault chooses for itself, in `creation`.

mod creation;
mod descriptor;
mod encoding;
mod failure;
mod given;
mod key_file;
mod keychain;
mod passphrase;
#[cfg(target_os = "linux")]
mod secret_service;
mod succession;
pub mod terminal;
mod vaults;

use std::path::PathBuf;
use std::sync::Arc;

use bursar_core::ports::clock::Clock;
use bursar_core::ports::key_source::{KeyError, KeySource};
use serde::{Deserialize, Serialize};

pub use self::creation::{Created, create};
use self::descriptor::DescriptorKey;
use self::failure::unavailable;
use self::given::GivenKey;
use self::key_file::KeyFile;
use self::keychain::Keychain;
pub use self::passphrase::PassphraseParameters;
use self::passphrase::{PassphraseKey, PassphraseOrigin};
pub use self::vaults::MasterKeys;
use crate::config::environment::Environment;
use crate::config::meaning::VaultConfig;
use crate::config::paths::Paths;

/// A kind of place for the master key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Backend {
    /// The operating system's keychain.
    Keychain,
    /// Derived from a passphrase that somebody knows.
    Passphrase,
    /// A file only its owner can read.
    KeyFile,
    /// The variable `BURSAR_MASTER_KEY`.
    Environment,
    /// A file descriptor the parent process opened.
    FileDescriptor,
}

impl Backend {
    /// Its name for people.
    pub fn name(self) -> &'static str {
        match self {
            Self::Keychain => "keychain",
            Self::Passphrase => "passphrase",
            Self::KeyFile => "key file",
            Self::Environment => "environment",
            Self::FileDescriptor => "file descriptor",
        }
    }
}

/// What a vault remembers about its key, in the open: where it is, never what it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "backend")]
pub enum RecordedBackend {
    /// In the keychain.
    Keychain {
        /// Tells this vault's key from those of other vaults of the same user.
        entry: String,
    },
    /// Behind a passphrase.
    Passphrase(PassphraseParameters),
    /// In a file.
    KeyFile {
        /// Its path; `None` means `master.key` beside the database, so that the home can be moved.
        path: Option<PathBuf>,
    },
    /// Given by `BURSAR_MASTER_KEY` every time.
    Environment,
    /// Given by `BURSAR_MASTER_KEY_FD` every time.
    FileDescriptor,
}

impl RecordedBackend {
    /// The kind of place.
    pub fn backend(&self) -> Backend {
        match self {
            Self::Keychain { .. } => Backend::Keychain,
            Self::Passphrase(_) => Backend::Passphrase,
            Self::KeyFile { .. } => Backend::KeyFile,
            Self::Environment => Backend::Environment,
            Self::FileDescriptor => Backend::FileDescriptor,
        }
    }
}

/// Whether somebody is there to ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Interaction {
    /// A machine calls: no prompt, on no screen.
    Never,
    /// A person started this command: the terminal and the keychain may ask.
    Allowed,
}

/// What the choice depends on.
#[derive(Clone, Debug)]
pub struct KeyContext<'a> {
    /// The environment.
    pub environment: &'a Environment,
    /// The configuration's section `[vault]`.
    pub config: &'a VaultConfig,
    /// Places of files.
    pub paths: &'a Paths,
    /// Whether somebody is there to ask.
    pub interaction: Interaction,
    /// For time limits.
    pub clock: Arc<dyn Clock>,
}

/// The place that counts, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MasterKeyChoice {
    /// The kind of place.
    pub backend: Backend,
    /// Who said so, for `status`, such as `BURSAR_MASTER_KEY_FILE=/run/key`.
    pub origin: String,
}

/// A place that counts, ready to be asked.
#[derive(Debug)]
pub struct Chosen {
    /// Delivers the key.
    pub source: Box<dyn KeySource>,
    /// The place and the reason.
    pub choice: MasterKeyChoice,
}

/// Decides which place counts; asks none of them yet.
pub fn choose(context: &KeyContext<'_>, recorded: Option<&RecordedBackend>) -> Result<Chosen, KeyError> {
    if let Some(explicit) = explicit(context.environment) {
        return from_environment(context, explicit, recorded);
    }
    let Some(recorded) = recorded else {
        return Err(unavailable("vault", "there is no vault here yet", "log in with: bursar login"));
    };
    if let Some(configured) = context.config.key
        && configured != recorded.backend()
    {
        let detail = format!(
            "the configuration says {}, but the vault was made with the {}",
            configured.name(),
            recorded.backend().name()
        );
        return Err(unavailable(configured.name(), &detail, "remove `key` from [vault] in config.toml"));
    }
    let source: Box<dyn KeySource> = match recorded {
        RecordedBackend::Keychain { entry } => Box::new(Keychain::new(context, entry.clone())),
        RecordedBackend::Passphrase(parameters) => {
            let origin = PassphraseOrigin::new(context, context.config.passphrase_file.clone());
            Box::new(PassphraseKey::new(parameters.clone(), origin))
        }
        RecordedBackend::KeyFile { path } => Box::new(KeyFile::new(key_file_path(context, path.clone()))),
        RecordedBackend::Environment => {
            return Err(unavailable(
                "environment",
                "BURSAR_MASTER_KEY is not set, and this vault's key is nowhere else",
                "set BURSAR_MASTER_KEY to the key this vault was made with",
            ));
        }
        RecordedBackend::FileDescriptor => {
            return Err(unavailable(
                "file descriptor",
                "BURSAR_MASTER_KEY_FD is not set, and this vault's key is nowhere else",
                "start bursar with the key on a descriptor, and its number in BURSAR_MASTER_KEY_FD",
            ));
        }
    };
    let origin = if context.config.key.is_some() { "config.toml" } else { "chosen when the vault was made" };
    Ok(Chosen { source, choice: MasterKeyChoice { backend: recorded.backend(), origin: origin.to_owned() } })
}

/// The configured path, the recorded one, or the one beside the database.
fn key_file_path(context: &KeyContext<'_>, recorded: Option<PathBuf>) -> PathBuf {
    context.config.key_file.clone().or(recorded).unwrap_or_else(|| context.paths.key_file())
}

/// What the environment names, the more specific first: a descriptor is the best kept, a variable the worst.
#[derive(Clone, Debug)]
enum Explicit {
    Descriptor(String),
    File(PathBuf),
    Key,
    PassphraseFile(PathBuf),
}

impl Explicit {
    /// The kind of place.
    fn backend(&self) -> Backend {
        match self {
            Self::Descriptor(_) => Backend::FileDescriptor,
            Self::File(_) => Backend::KeyFile,
            Self::Key => Backend::Environment,
            Self::PassphraseFile(_) => Backend::Passphrase,
        }
    }

    /// The variable that says so.
    fn variable(&self) -> &'static str {
        match self {
            Self::Descriptor(_) => "BURSAR_MASTER_KEY_FD",
            Self::File(_) => "BURSAR_MASTER_KEY_FILE",
            Self::Key => "BURSAR_MASTER_KEY",
            Self::PassphraseFile(_) => "BURSAR_PASSPHRASE_FILE",
        }
    }
}

fn explicit(environment: &Environment) -> Option<Explicit> {
    if let Some(number) = environment.text("BURSAR_MASTER_KEY_FD") {
        Some(Explicit::Descriptor(number.to_owned()))
    } else if let Some(path) = environment.path("BURSAR_MASTER_KEY_FILE") {
        Some(Explicit::File(path))
    } else if environment.text("BURSAR_MASTER_KEY").is_some() {
        Some(Explicit::Key)
    } else {
        environment.path("BURSAR_PASSPHRASE_FILE").map(Explicit::PassphraseFile)
    }
}

fn from_environment(
    context: &KeyContext<'_>,
    explicit: Explicit,
    recorded: Option<&RecordedBackend>,
) -> Result<Chosen, KeyError> {
    let (source, backend, origin): (Box<dyn KeySource>, _, _) = match explicit {
        Explicit::Descriptor(number) => {
            let source = DescriptorKey::new(&number, Arc::clone(&context.clock))?;
            (Box::new(source), Backend::FileDescriptor, format!("BURSAR_MASTER_KEY_FD={number}"))
        }
        Explicit::File(path) => {
            let origin = format!("BURSAR_MASTER_KEY_FILE={}", path.display());
            (Box::new(KeyFile::new(path)), Backend::KeyFile, origin)
        }
        Explicit::Key => {
            let source = GivenKey::from_environment(context.environment)?;
            (Box::new(source), Backend::Environment, "BURSAR_MASTER_KEY".to_owned())
        }
        Explicit::PassphraseFile(path) => {
            let Some(RecordedBackend::Passphrase(parameters)) = recorded else {
                return Err(unavailable(
                    "passphrase",
                    "BURSAR_PASSPHRASE_FILE is set, but this vault was not made with a passphrase",
                    "unset BURSAR_PASSPHRASE_FILE",
                ));
            };
            let origin = format!("BURSAR_PASSPHRASE_FILE={}", path.display());
            let source = PassphraseKey::new(parameters.clone(), PassphraseOrigin::File(path));
            (Box::new(source), Backend::Passphrase, origin)
        }
    };
    Ok(Chosen { source, choice: MasterKeyChoice { backend, origin } })
}

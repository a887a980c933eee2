//! Arguments of `bursar vault`.

use std::num::NonZeroU32;
use std::path::PathBuf;

use bursar_core::provider::duration::parse_duration;
use clap::{Args, Subcommand, ValueEnum};
use jiff::SignedDuration;

use crate::master_key::Backend;

/// `bursar vault`
#[derive(Debug, Args)]
pub struct VaultCommand {
    /// What about it
    #[command(subcommand)]
    pub action: VaultAction,
}

/// What `bursar vault` can do.
#[derive(Debug, Subcommand)]
pub enum VaultAction {
    /// Make the key now instead of at the first login
    Init(VaultInit),
    /// Open it in the agent, asking for a passphrase if it takes one
    Unlock,
    /// Make the agent forget the key
    Lock,
    /// Make a new master key; logins stay
    Rotate(VaultRotate),
    /// Make new data keys, and seal everything anew while all goes on
    Rekey(VaultRekey),
    /// Show the keys, and how far a change of them is
    Status,
}

/// `bursar vault init`
#[derive(Debug, Args)]
pub struct VaultInit {
    /// Where to keep the key [default: the keychain, else a file]
    #[arg(long, value_enum, value_name = "PLACE")]
    pub key: Option<KeyPlace>,
}

/// `bursar vault rotate`
#[derive(Debug, Args)]
pub struct VaultRotate {
    /// Take the new passphrase, or the new key in base64, from this file; `-` reads stdin
    #[arg(long, value_name = "FILE")]
    pub new_key_file: Option<PathBuf>,
    /// Let the old key open the vault too, until `--finish`: other machines have only that one yet
    #[arg(long)]
    pub keep_old: bool,
    /// From now on the old key that `--keep-old` has kept opens nothing
    #[arg(long, conflicts_with_all = ["new_key_file", "keep_old"])]
    pub finish: bool,
}

/// `bursar vault rekey`
#[derive(Debug, Args)]
pub struct VaultRekey {
    /// How long the old data keys stay after all seal with the new ones
    #[arg(long, value_name = "DURATION", default_value = "1h", value_parser = parse_duration)]
    pub keep_old: SignedDuration,
    /// At most so many records a second are sealed anew
    #[arg(long, value_name = "NUMBER", default_value = "500")]
    pub rate: NonZeroU32,
    /// Stay until the old data keys are gone
    #[arg(long)]
    pub wait: bool,
}

/// Places that can be chosen for a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum KeyPlace {
    /// The operating system's keychain
    Keychain,
    /// A file only you can read
    KeyFile,
    /// Nowhere: derived from a passphrase that you know
    Passphrase,
}

impl KeyPlace {
    /// As the master key calls it.
    pub fn backend(self) -> Backend {
        match self {
            Self::Keychain => Backend::Keychain,
            Self::KeyFile => Backend::KeyFile,
            Self::Passphrase => Backend::Passphrase,
        }
    }
}

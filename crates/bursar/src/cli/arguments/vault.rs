//! Arguments of `bursar vault`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

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

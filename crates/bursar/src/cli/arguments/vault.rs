//! Arguments of `bursar vault`.

use clap::{Args, Subcommand};

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
    Init,
    /// Open it in the agent, asking for a passphrase if it takes one
    Unlock,
    /// Make the agent forget the key
    Lock,
    /// Make a new master key; logins stay
    Rotate,
}

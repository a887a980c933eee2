//! Arguments of `bursar key`.

use clap::{Args, Subcommand};

/// `bursar key`
#[derive(Debug, Args)]
pub struct KeyCommand {
    /// What about them
    #[command(subcommand)]
    pub action: KeyAction,
}

/// What `bursar key` can do.
#[derive(Debug, Subcommand)]
pub enum KeyAction {
    /// List the keys that are published
    List,
    /// Publish a successor of every key; it signs when all who verify know it
    Renew,
    /// Remove a key that somebody else may have: its tokens end at once
    Remove(RemoveKeyCommand),
}

/// `bursar key remove`
#[derive(Debug, Args)]
pub struct RemoveKeyCommand {
    /// Its id (`kid`), or the beginning of it
    #[arg(value_name = "ID", allow_hyphen_values = true)]
    pub id: String,
    /// Every token it signed is refused from now on: that is meant
    #[arg(long)]
    pub end_its_tokens: bool,
}

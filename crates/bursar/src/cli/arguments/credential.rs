//! Arguments of `bursar credential`.

use clap::{Args, Subcommand};

/// `bursar credential`
#[derive(Debug, Args)]
pub struct CredentialCommand {
    /// Whose words
    #[command(subcommand)]
    pub protocol: CredentialProtocol,
}

/// The protocols `bursar credential` speaks.
#[derive(Debug, Subcommand)]
pub enum CredentialProtocol {}

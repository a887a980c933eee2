//! Arguments of the commands made for shells.

use clap::Args;

/// `bursar env`
#[derive(Debug, Args)]
pub struct EnvCommand {
    /// The accounts whose tokens the shell gets
    #[arg(value_name = "ACCOUNT")]
    pub accounts: Vec<String>,
}

//! Arguments of `bursar grant` and `bursar explain`.

use clap::{Args, Subcommand};

/// `bursar grant`
#[derive(Debug, Args)]
pub struct GrantCommand {
    /// What about them
    #[command(subcommand)]
    pub action: GrantAction,
}

/// What `bursar grant` can do.
#[derive(Debug, Subcommand)]
pub enum GrantAction {
    /// List what users let clients do
    List(ListGrantsCommand),
    /// Take a grant back and end everything issued under it
    Withdraw(WithdrawGrantCommand),
}

/// `bursar grant list`
#[derive(Debug, Args)]
pub struct ListGrantsCommand {
    /// Only those of this user, by name or id
    #[arg(long, value_name = "NAME")]
    pub user: Option<String>,
    /// Only those for this client, by id
    #[arg(long, value_name = "ID")]
    pub client: Option<String>,
}

/// `bursar grant withdraw`
#[derive(Debug, Args)]
pub struct WithdrawGrantCommand {
    /// Its id
    #[arg(
        value_name = "ID",
        required_unless_present = "user",
        conflicts_with_all = ["user", "client"],
        allow_hyphen_values = true
    )]
    pub id: Option<String>,
    /// The user, by name or id; without a client: all they let anybody do
    #[arg(long, value_name = "NAME")]
    pub user: Option<String>,
    /// The client, by id
    #[arg(long, value_name = "ID", requires = "user")]
    pub client: Option<String>,
}

/// `bursar explain`
#[derive(Debug, Args)]
pub struct ExplainCommand {
    /// The id that was told with the error
    #[arg(value_name = "ID")]
    pub id: String,
}

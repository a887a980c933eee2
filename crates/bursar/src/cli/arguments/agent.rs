//! Arguments of `bursar agent`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// `bursar agent`
#[derive(Debug, Args)]
pub struct AgentCommand {
    /// What about it
    #[command(subcommand)]
    pub action: AgentAction,
}

/// What `bursar agent` can do.
#[derive(Debug, Subcommand)]
pub enum AgentAction {
    /// Be the agent, here and until stopped
    Run(AgentRun),
    /// Start it in the background, if it is not running
    Start,
    /// Stop it after the refreshes under way
    Stop,
    /// Tell how it is doing and what it will do next
    Status,
    /// Show what it has written down
    Logs(AgentLogs),
    /// Have the system start it at every login
    Install(AgentInstall),
    /// Undo install
    Uninstall(AgentUninstall),
}

impl AgentAction {
    /// Whether it works with the store and the configuration.
    pub(crate) fn needs_app(&self) -> bool {
        matches!(self, Self::Install(_) | Self::Uninstall(_))
    }

    /// Whether it is the agent, with a log of its own.
    pub(crate) fn has_log_file(&self) -> bool {
        matches!(self, Self::Run(command) if command.log_file.is_some())
    }
}

/// `bursar agent run`
#[derive(Debug, Args)]
pub struct AgentRun {
    /// Write the log to this file instead of stderr
    #[arg(long, value_name = "FILE")]
    pub log_file: Option<PathBuf>,
}

/// `bursar agent logs`
#[derive(Debug, Args)]
pub struct AgentLogs {
    /// Go on as it is written
    #[arg(short, long)]
    pub follow: bool,
    /// How many lines to begin with
    #[arg(short = 'n', long, value_name = "NUMBER", default_value_t = 50)]
    pub lines: usize,
}

/// `bursar agent install`
#[derive(Debug, Args)]
pub struct AgentInstall {
    /// Only show what would be written, and where
    #[arg(long)]
    pub dry_run: bool,
}

/// `bursar agent uninstall`
#[derive(Debug, Args)]
pub struct AgentUninstall {
    /// Only show what would be removed
    #[arg(long)]
    pub dry_run: bool,
}

//! Arguments of `bursar sandbox`.

use std::path::PathBuf;

use bursar_core::engine::sandboxes::{HostName, SandboxName};
use bursar_core::provider::duration::parse_duration;
use clap::{Args, Subcommand};
use jiff::SignedDuration;

/// `bursar sandbox`
#[derive(Debug, Args)]
pub struct SandboxCommand {
    /// What about them
    #[command(subcommand)]
    pub action: SandboxAction,
}

/// What `bursar sandbox` can do.
#[derive(Debug, Subcommand)]
pub enum SandboxAction {
    /// Make a sandbox and print its issuer
    New(NewSandboxCommand),
    /// List the sandboxes
    List,
    /// Show one sandbox
    Show(NamedSandbox),
    /// Add clients, resources and users from a file
    Seed(SeedCommand),
    /// Empty a sandbox: new keys, and nobody in it
    Reset(EndSandboxCommand),
    /// End a sandbox; nothing in it can be read any more
    #[command(alias = "remove")]
    Delete(EndSandboxCommand),
}

/// `bursar sandbox new`
#[derive(Debug, Args)]
pub struct NewSandboxCommand {
    /// Its name: 1 to 63 of a-z, 0-9 and `-`
    #[arg(value_name = "NAME", value_parser = SandboxName::parse)]
    pub name: SandboxName,
    /// End by itself after so long, such as 1h
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    pub ttl: Option<SignedDuration>,
    /// A host of its own, instead of the server's address and /s/NAME
    #[arg(long, value_name = "HOST", value_parser = HostName::parse)]
    pub host: Option<HostName>,
    /// How many clients it may have
    #[arg(long, value_name = "COUNT")]
    pub clients: Option<u64>,
    /// How many users it may have
    #[arg(long, value_name = "COUNT")]
    pub users: Option<u64>,
    /// How many grants it may have: pairs of a user and a client
    #[arg(long, value_name = "COUNT")]
    pub grants: Option<u64>,
    /// How many accounts it may hold
    #[arg(long, value_name = "COUNT")]
    pub accounts: Option<u64>,
    /// How long its access tokens live
    #[arg(long, value_name = "DURATION", value_parser = lifetime)]
    pub access_token: Option<SignedDuration>,
    /// How long its refresh tokens live that are not used
    #[arg(long, value_name = "DURATION", value_parser = lifetime)]
    pub refresh_token: Option<SignedDuration>,
    /// Whether programs nobody knows may register there
    #[arg(long, value_name = "true|false")]
    pub open_registration: Option<bool>,
    /// Clients, resources and users to begin with; see `bursar sandbox seed`
    #[arg(long, value_name = "FILE")]
    pub seed: Option<PathBuf>,
}

/// A sandbox by name.
#[derive(Debug, Args)]
pub struct NamedSandbox {
    /// Its name
    #[arg(value_name = "NAME")]
    pub name: String,
}

/// `bursar sandbox seed`
#[derive(Debug, Args)]
pub struct SeedCommand {
    /// Its name
    #[arg(value_name = "NAME")]
    pub name: String,
    /// What shall be there, as TOML or JSON; what is there already stays
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
}

/// A sandbox whose content goes.
#[derive(Debug, Args)]
pub struct EndSandboxCommand {
    /// Its name
    #[arg(value_name = "NAME")]
    pub name: String,
    /// Everything in it is lost: that is meant
    #[arg(long)]
    pub yes: bool,
}

/// Tokens that have ended when they arrive are none.
fn lifetime(text: &str) -> Result<SignedDuration, String> {
    let lifetime = parse_duration(text).map_err(|error| error.to_string())?;
    if lifetime < SignedDuration::from_secs(1) {
        return Err("tokens live for a second at least".to_owned());
    }
    Ok(lifetime)
}

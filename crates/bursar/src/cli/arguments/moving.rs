//! Arguments of `bursar backup`, `bursar restore` and `bursar migrate`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::config::store_place::StorePlace;

/// `bursar backup`
#[derive(Debug, Args)]
pub struct BackupCommand {
    /// The file to write; `-` writes to stdout
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// Replace the file if there is one
    #[arg(long)]
    pub force: bool,
}

/// `bursar restore`
#[derive(Debug, Args)]
pub struct RestoreCommand {
    /// The backup to read; `-` reads stdin
    #[arg(value_name = "FILE", required_unless_present_any = ["confirm", "grants"])]
    pub file: Option<PathBuf>,
    /// The original is gone and will not come back: its logins may be refreshed here
    #[arg(long)]
    pub confirm: bool,
    /// What becomes of what the server had issued
    #[arg(long, value_enum, value_name = "WHAT")]
    pub grants: Option<GrantsFate>,
    /// Into this store instead of the configured one
    #[arg(long, value_name = "URL", value_parser = StorePlace::parse)]
    pub into: Option<StorePlace>,
    /// A file with the password for that URL
    #[arg(long, value_name = "FILE", requires = "into")]
    pub password_file: Option<PathBuf>,
}

/// What becomes of grants in a restored store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum GrantsFate {
    /// They count again, as the backup has them: nothing was taken back since
    Accept,
    /// All of them are taken back: everybody signs in and agrees anew
    Revoke,
}

/// `bursar migrate`
#[derive(Debug, Args)]
pub struct MigrateCommand {
    /// The store everything goes to: postgres://, redis://, rediss:// or sqlite:PATH
    #[arg(long, value_name = "URL", value_parser = StorePlace::parse)]
    pub to: StorePlace,
    /// A file with the password for that URL
    #[arg(long, value_name = "FILE")]
    pub password_file: Option<PathBuf>,
    /// Call a move off that is not complete: the store here serves again
    #[arg(long)]
    pub cancel: bool,
}

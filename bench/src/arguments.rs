//! What can be asked of the program.

use std::path::PathBuf;

/// Measures bursar against its budgets and prints a Markdown table.
#[derive(Debug, clap::Parser)]
pub(crate) struct Arguments {
    /// The bursar to measure; without it a release build is made first.
    #[arg(long, value_name = "PATH")]
    pub(crate) bursar: Option<PathBuf>,
    /// How often each process is run.
    #[arg(long, value_name = "COUNT", default_value_t = 400)]
    pub(crate) rounds: usize,
    /// How many hand-outs are timed within one process, for each store.
    #[arg(long, value_name = "COUNT", default_value_t = 20_000)]
    pub(crate) hand_outs: usize,
}

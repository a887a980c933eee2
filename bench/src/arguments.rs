//! What can be asked of the program.

use std::path::PathBuf;
use std::time::Duration;

use crate::limit_work::Work;

/// Measures bursar against its budgets and prints a Markdown table.
#[derive(Debug, clap::Parser)]
pub(crate) struct Arguments {
    /// What to measure; nothing: everything but `growth`, one after the other.
    #[arg(value_name = "NAME")]
    pub(crate) measurements: Vec<Measurement>,
    /// The bursar to measure; without it a release build is made first.
    #[arg(long, value_name = "PATH")]
    pub(crate) bursar: Option<PathBuf>,
    /// How often each process is run.
    #[arg(long, value_name = "COUNT", default_value_t = 400)]
    pub(crate) rounds: usize,
    /// How many hand-outs are timed within one process, for each store.
    #[arg(long, value_name = "COUNT", default_value_t = 20_000)]
    pub(crate) hand_outs: usize,
    /// How long each server is under load in one turn, in seconds.
    #[arg(long, value_name = "SECONDS", default_value = "2", value_parser = seconds)]
    pub(crate) turn: Duration,
    /// How many turns each server has.
    #[arg(long, value_name = "COUNT", default_value_t = 5)]
    pub(crate) turns: usize,
    /// How many accounts are very many.
    #[arg(long, value_name = "COUNT", default_value_t = 1_000_000)]
    pub(crate) accounts: usize,
    /// How many grants are very many; without it a million in a file, and ten million in a database.
    #[arg(long, value_name = "COUNT")]
    pub(crate) grants: Option<usize>,
    /// Where they grow; without it in both, one after the other.
    #[arg(long, value_name = "STORE")]
    pub(crate) store: Option<GrowingStore>,
    /// Be the server that does only the irreducible work, on `unix:PATH` or a loopback address.
    #[arg(long, value_name = "ADDRESS", hide = true, requires = "answer")]
    pub(crate) serve: Option<String>,
    /// The answer it gives: a whole HTTP answer.
    #[arg(long, value_name = "FILE", hide = true)]
    pub(crate) answer: Option<PathBuf>,
    /// What it does before it answers.
    #[arg(long, value_name = "WORK", hide = true, default_value = "nothing")]
    pub(crate) work: Work,
}

/// What can be measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Measurement {
    /// `bursar token` as a whole process.
    Token,
    /// What a home with many accounts costs.
    Accounts,
    /// Hand-outs within one process.
    HandOuts,
    /// Hand-outs over the agent's socket.
    Socket,
    /// The gateway beside nginx.
    Gateway,
    /// What the agent keeps in memory.
    Memory,
    /// A million accounts beside ten thousand.
    Million,
    /// How soon an agent answers.
    Start,
    /// Tokens for clients in their own name.
    ClientCredentials,
    /// What resources ask about tokens.
    Introspection,
    /// Refresh tokens that are replaced.
    Refresh,
    /// The same work on every store; wants `PostgreSQL` and Redis.
    Backends,
    /// How soon a server answers, and what it keeps in memory.
    Server,
    /// Very many grants and accounts beside ten thousand of each; fills gigabytes of the disk for temporary files.
    Growth,
    /// What each server of an installation with a billion grants would have to do, by arithmetic.
    Partitions,
}

/// Where many grants and accounts are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum GrowingStore {
    /// `SQLite`.
    File,
    /// `PostgreSQL`.
    Postgres,
}

impl Arguments {
    /// Whether `measurement` is wanted.
    pub(crate) fn wants(&self, measurement: Measurement) -> bool {
        // Whoever does not name it has not made room for it.
        let unasked = self.measurements.is_empty() && measurement != Measurement::Growth;
        unasked || self.measurements.contains(&measurement)
    }
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds = text.parse().map_err(|_| "write a number".to_owned())?;
    Duration::try_from_secs_f64(seconds).map_err(|error| error.to_string())
}

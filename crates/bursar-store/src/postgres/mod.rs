//! The store on `PostgreSQL`: one database, many nodes, every acknowledged commit on the server's disk.
//!
//! Reads are one statement each (`reader`); a commit locks what it names, looks, and writes in one transaction
//! (`commit`); who may see which part of the order of commits is decided in `order`. Tables follow from the
//! declarations of kinds (`schema`, `migrate`), and nodes wake each other through `listen`.

mod address;
mod backup;
mod collect;
mod columns;
mod commit;
mod counter;
mod errors;
mod listen;
mod migrate;
mod order;
mod pipeline;
mod reader;
mod schema;
mod seal;
mod server;
mod store;
mod text;
mod threads;
mod tls;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bursar_core::ports::clock::Clock;
use bursar_core::ports::store::Kind;
use bursar_core::secret::Secret;

pub use store::PostgresStore;

/// How a store is opened.
#[derive(Clone)]
pub struct PostgresOptions {
    /// `postgres://user:password@host:5432/database?sslmode=verify-full`, as `psql` takes it.
    pub url: Secret,
    /// Every kind that will be used.
    pub kinds: &'static [&'static Kind],
    /// Name of the first incarnation: unguessable, used only if the database holds no store yet.
    pub incarnation: String,
    /// At most so many connections at a time, and one more that listens.
    pub connections: usize,
    /// How long an operation goes on trying while the server restarts, fails over or cannot be reached.
    pub patience: Duration,
    /// Judges expiry and dates answers instead of the server's clock. A seam for tests: the clocks of two nodes
    /// differ, the server's is one.
    pub clock: Option<Arc<dyn Clock>>,
}

impl PostgresOptions {
    /// For a node of usual size.
    pub fn new(url: Secret, kinds: &'static [&'static Kind], incarnation: impl Into<String>) -> Self {
        let incarnation = incarnation.into();
        Self { url, kinds, incarnation, connections: CONNECTIONS, patience: PATIENCE, clock: None }
    }
}

impl fmt::Debug for PostgresOptions {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("PostgresOptions")
            .field("connections", &self.connections)
            .finish_non_exhaustive()
    }
}

/// Five nodes fit into the hundred connections a server allows unless told otherwise.
const CONNECTIONS: usize = 16;

/// Longer than a server takes to restart, shorter than a person or a client waits for an answer.
const PATIENCE: Duration = Duration::from_secs(8);

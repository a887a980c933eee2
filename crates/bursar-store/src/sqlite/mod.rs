//! The embedded store: one `SQLite` file, many processes, every acknowledged commit on the disk.
//!
//! Reads run on the caller's thread (`reader`); writes go through one thread that groups them (`writer`, `apply`).
//! Tables follow from the declarations of kinds (`schema`, `migrate`). A damaged file is saved by [`salvage`].

mod apply;
mod backup;
mod connection;
mod errors;
mod gathering;
mod heads;
mod hints;
mod migrate;
mod reader;
pub mod salvage;
mod schema;
mod seal;
mod store;
mod writer;

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use bursar_core::ports::clock::Clock;
use bursar_core::ports::store::Kind;

pub use store::SqliteStore;

/// How a store is opened.
#[derive(Clone)]
pub struct SqliteOptions {
    /// The file. It is made with mode 0600 if there is none; its folder must exist.
    pub path: PathBuf,
    /// Every kind that will be used.
    pub kinds: &'static [&'static Kind],
    /// Tells what has expired and dates answers.
    pub clock: Arc<dyn Clock>,
    /// Name of the first incarnation: unguessable, used only if the file is new.
    pub incarnation: String,
    /// The file may not grow beyond so many pages of 4 KiB; writes beyond are refused as if the disk were full.
    pub page_limit: Option<u32>,
    /// Called inside every commit, after everything is written and before it is durable. A seam for tests that crash
    /// at the worst moment; it must not use the store.
    pub on_commit: Option<Arc<dyn Fn() + Send + Sync>>,
}

impl SqliteOptions {
    /// Without limit and seam.
    pub fn new(
        path: impl Into<PathBuf>,
        kinds: &'static [&'static Kind],
        clock: Arc<dyn Clock>,
        incarnation: impl Into<String>,
    ) -> Self {
        let (path, incarnation) = (path.into(), incarnation.into());
        Self { path, kinds, clock, incarnation, page_limit: None, on_commit: None }
    }
}

impl fmt::Debug for SqliteOptions {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("SqliteOptions").field("path", &self.path).finish_non_exhaustive()
    }
}

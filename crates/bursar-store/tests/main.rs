//! What every store guarantees (`contract`), and what the one on disk (`sqlite`) and those on servers (`database`)
//! guarantee beyond that.

#![expect(clippy::unwrap_used, reason = "a test, its helpers included, ends at the first surprise")]

mod contract;
mod database;
mod old_lines;
mod sqlite;

/// Backends that need no server; `database` runs the contract on the others.
const BACKENDS: [(&str, contract::Open); 2] =
    [("memory", sqlite::open_memory), ("sqlite", sqlite::open_sqlite)];

/// Whether several machines may write to these.
const SHARED: bool = false;

//! What every store guarantees (`contract`), and what the one on disk guarantees beyond that (`sqlite`).

#![expect(clippy::unwrap_used, reason = "a test, its helpers included, ends at the first surprise")]

mod contract;
mod sqlite;

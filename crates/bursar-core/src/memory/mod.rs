//! The ports' versions without a world: a store in memory, a clock and processes moved by hand, predictable
//! randomness.
//!
//! For tests, and the store also for servers started with `--ephemeral`: everything is gone when the process ends.

mod commit;
mod log;
mod restore;
mod store;
mod table;

pub mod clock;
pub mod processes;
pub mod random;

pub use store::MemoryStore;

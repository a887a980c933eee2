//! Keeps bursar's records on disk, behind the store port of `bursar-core`.
//!
//! It decides nothing: rules live in the core. What every backend must guarantee is the contract suite in `tests/`.

mod hearing;
pub mod mixed;
pub mod postgres;
pub mod redis;
pub mod shared_clock;
pub mod sqlite;

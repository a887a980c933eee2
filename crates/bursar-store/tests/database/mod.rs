//! Stores on servers that the tests start and stop: a module each, which names its `BACKENDS` and loads the contract.

#[path = "../mixed/mod.rs"]
mod mixed;
#[path = "../postgres/mod.rs"]
mod postgres;
#[path = "../redis/mod.rs"]
mod redis;

//! The battery, the model and the search for secrets on `PostgreSQL`, on Redis, and on both of them.

#[path = "../battery/mod.rs"]
#[expect(clippy::duplicate_mod, reason = "the same attacks on another group of stores")]
mod battery;
mod dump;
mod model;

/// What the tests of `battery` run on here.
const STORES: fn() -> Vec<super::site::Backend> = super::site::on_servers;

//! The battery, sandboxes, the model and the search for secrets on `PostgreSQL`, on Redis, and on both of them.

#[path = "../battery/mod.rs"]
#[expect(clippy::duplicate_mod, reason = "the same attacks on another group of stores")]
mod battery;
mod dump;
mod model;
#[path = "../sandboxes/mod.rs"]
#[expect(clippy::duplicate_mod, reason = "the same tenants on another group of stores")]
mod sandboxes;

/// What the tests of `battery` and `sandboxes` run on here.
const STORES: fn() -> Vec<super::site::Backend> = super::site::on_servers;

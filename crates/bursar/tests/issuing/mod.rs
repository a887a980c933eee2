//! The authorization server as attackers and careless clients meet it: over real connections, on every store. `database`
//! has the stores on servers.

mod authenticator;
mod battery;
mod browser;
pub(crate) mod client;
mod configured;
mod database;
mod dump;
mod key;
mod logouts;
mod model;
mod passkeys;
mod ports;
mod refusals;
mod sandboxes;
mod session_tokens;
mod site;
mod turned_away;
mod web;
mod world;

/// What the tests of `battery` and `sandboxes` run on here.
const STORES: fn() -> Vec<site::Backend> = site::embedded;

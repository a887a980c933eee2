//! The issuing side beside servers that do only what nobody can leave out, and beside npm's `oidc-provider`: all of them on one
//! core, the load on the other, the same questions for all.

pub(crate) mod backends;
mod callers;
pub(crate) mod client_credentials;
mod contest;
pub(crate) mod ground;
pub(crate) mod introspection;
mod limit;
mod peer;
mod question;
pub(crate) mod refresh;
mod server;
pub(crate) mod start;

//! The agent: one process per user that keeps every account fresh and answers the API on a Unix socket.
//!
//! `run` is its life, `socket` its door, `single` makes sure that there is one, `watching` tells it of changed files.
//! Callers come through `quick` (one command, before anything else is read) or `client`; both go on without an agent
//! that is not there or does not answer.

pub mod client;
mod gateway;
mod host;
pub mod quick;
pub mod run;
mod single;
mod socket;
pub mod start;
mod watching;

pub use self::single::{SingleError, running};
pub use self::socket::SocketError;

//! The provider over real connections: every fault and every dialect as a client meets it.

#![expect(clippy::unwrap_used, reason = "a test, its helpers included, ends at the first surprise")]

mod client;
mod clients;
mod control;
mod faults;
mod flows;
mod program;
mod switches;

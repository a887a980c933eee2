//! The contract on `PostgreSQL`, and what that store guarantees beyond it.

mod contention;
#[path = "../contract/mod.rs"]
#[expect(clippy::duplicate_mod, reason = "the same rules for another group of backends")]
mod contract;
mod faults;
mod network;
mod nodes;
mod plans;
mod proxy;
mod refusals;
mod server;

use std::path::Path;
use std::sync::Arc;

use bursar_core::memory::clock::ManualClock;
use bursar_store::postgres::PostgresStore;
use futures::executor::block_on;

use self::contract::{KINDS, Opened};
use self::server::Server;

const BACKENDS: [(&str, contract::Open); 1] = [("postgres", open)];

/// Whether several machines may write to it.
const SHARED: bool = true;

/// A store that goes by its server's clock, which is so many minutes ahead of the machine's.
pub(super) fn open_ahead(folder: &Path, minutes: i32) -> Opened {
    let server = Server::start(folder);
    server.move_clock(minutes);
    Opened { store: Arc::new(server.store()), server: Some(Box::new(server)) }
}

pub(super) fn open(folder: &Path, clock: ManualClock) -> Opened {
    let server = Server::start(folder);
    let mut options = server.options();
    options.clock = Some(Arc::new(clock));
    let store = block_on(PostgresStore::open(options)).unwrap();
    Opened { store: Arc::new(store), server: Some(Box::new(server)) }
}

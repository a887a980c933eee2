//! The contract on Redis, and what that store guarantees beyond it.

mod cluster;
#[path = "../contract/mod.rs"]
#[expect(clippy::duplicate_mod, reason = "the same rules for another group of backends")]
mod contract;
mod faults;
mod half_restored;
mod network;
mod refusals;
mod server;
mod serving;
mod tls;

use std::path::Path;
use std::sync::Arc;

use bursar_core::ports::clock::Clock;
use bursar_store::redis::{RedisOptions, RedisStore, StoreTime};
use futures::executor::block_on;

use self::contract::{KINDS, Opened};
use self::server::{Server, runtime};

const BACKENDS: [(&str, contract::Open); 1] = [("redis", open)];

/// Whether several machines may write to it.
const SHARED: bool = true;

pub(super) fn open(folder: &Path, clock: impl Clock + 'static) -> Opened {
    let server = Server::start(folder, &[]);
    let store = block_on(RedisStore::open(moved_by_hand(&server, clock))).unwrap();
    Opened { store: Arc::new(store), server: Some(Box::new(server)) }
}

/// A store that takes its time from this clock.
fn moved_by_hand(server: &Server, clock: impl Clock + 'static) -> RedisOptions {
    let mut options = RedisOptions::new(server.url(), KINDS, Arc::new(clock), "first", runtime());
    options.time = StoreTime::Given;
    options
}

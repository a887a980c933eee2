//! The contract on `PostgreSQL` for durable kinds and Redis for the others, and where each of them goes.

mod clocks;
#[path = "../contract/mod.rs"]
#[expect(clippy::duplicate_mod, reason = "the same rules for another group of backends")]
mod contract;
mod routing;

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bursar_core::memory::clock::ManualClock;
use bursar_store::mixed::MixedStore;

use self::contract::Opened;
use super::{postgres, redis};

const BACKENDS: [(&str, contract::Open); 1] = [("mixed", open)];

/// Whether several machines may write to it.
const SHARED: bool = true;

fn open(folder: &Path, clock: ManualClock) -> Opened {
    let [database, redis] = places(folder);
    let (durable, ephemeral) = (postgres::open(&database, clock.clone()), redis::open(&redis, clock));
    let store = MixedStore::new(durable.store, ephemeral.store);
    Opened { store: Arc::new(store), server: Some(Box::new((durable.server, ephemeral.server))) }
}

/// A folder for each server.
fn places(folder: &Path) -> [PathBuf; 2] {
    // The database's own user must get through.
    fs::set_permissions(folder, Permissions::from_mode(0o755)).unwrap();
    ["database", "redis"].map(|name| {
        let place = folder.join(name);
        fs::create_dir(&place).unwrap();
        place
    })
}

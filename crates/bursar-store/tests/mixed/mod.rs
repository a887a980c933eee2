//! The contract on `PostgreSQL` for durable kinds and Redis for the others, and where each of them goes.

#[path = "../contract/mod.rs"]
#[expect(clippy::duplicate_mod, reason = "the same rules for another group of backends")]
mod contract;
mod routing;

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::Arc;

use bursar_core::memory::clock::ManualClock;
use bursar_store::mixed::MixedStore;

use self::contract::Opened;
use super::{postgres, redis};

const BACKENDS: [(&str, contract::Open); 1] = [("mixed", open)];

/// Whether several machines may write to it.
const SHARED: bool = true;

fn open(folder: &Path, clock: ManualClock) -> Opened {
    // The database's own user must get through.
    fs::set_permissions(folder, Permissions::from_mode(0o755)).unwrap();
    let places = ["database", "redis"].map(|name| folder.join(name));
    for place in &places {
        fs::create_dir(place).unwrap();
    }
    let durable = postgres::open(&places[0], clock.clone());
    let ephemeral = redis::open(&places[1], clock);
    let store = MixedStore::new(durable.store, ephemeral.store);
    Opened { store: Arc::new(store), server: Some(Box::new((durable.server, ephemeral.server))) }
}

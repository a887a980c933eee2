//! Encrypted backups that somebody changed: restored as they were written, or refused, and never read in part.

#![no_main]

use std::sync::{Arc, LazyLock};

use bursar_core::memory::MemoryStore;
use bursar_core::memory::clock::ManualClock;
use bursar_core::ports::store::{Origin, Store as _};
use bursar_fuzz::answers::NOW;
use bursar_fuzz::engine::World;
use futures::executor::block_on;
use libfuzzer_sys::fuzz_target;

/// An installation and a backup of it.
static MADE: LazyLock<(World, Vec<u8>)> = LazyLock::new(|| {
    let world = World::new();
    let mut file = Vec::new();
    block_on(world.engine.back_up(&mut file)).expect("a store in memory can be backed up");
    (world, file)
});

fuzz_target!(|input: &[u8]| {
    let (world, genuine) = &*MADE;
    let Some((&choice, rest)) = input.split_first() else { return };
    let file = match choice % 3 {
        // Something else altogether.
        0 => rest.to_vec(),
        // Cut, and perhaps continued.
        1 => {
            let length = rest.first().map_or(0, |byte| usize::from(*byte) * genuine.len() / 255);
            [&genuine[..length], rest.get(1..).unwrap_or_default()].concat()
        }
        // Changed here and there.
        _ => {
            let mut file = genuine.clone();
            for change in rest.chunks_exact(3) {
                let place = usize::from(u16::from_be_bytes([change[0], change[1]])) % file.len();
                file[place] ^= change[2];
            }
            file
        }
    };
    let store = Arc::new(MemoryStore::new(Arc::new(ManualClock::new(NOW)), "empty"));
    let engine = world.engine.on_store(store.clone());
    match block_on(engine.restore_backup(&mut file.as_slice())) {
        Ok(_) => assert_eq!(&file, genuine, "something else was taken for a backup"),
        Err(error) => {
            assert!(!error.to_string().is_empty());
            let life = block_on(store.health()).expect("the store as it was").incarnation;
            assert_eq!(life.origin, Origin::Fresh, "a part was restored");
        }
    }
});

//! Randomness that repeats itself, so that a failing test fails again.

use std::sync::{Mutex, PoisonError};

use aws_lc_rs::digest::{SHA256, digest};

use crate::ports::random::Random;

/// The same bytes in the same order for the same seed. Anybody can predict them: never outside tests.
#[derive(Debug)]
pub struct SeededRandom {
    seed: u64,
    block: Mutex<u64>,
}

impl SeededRandom {
    /// A source that starts anew with every call.
    pub fn new(seed: u64) -> Self {
        Self { seed, block: Mutex::new(0) }
    }
}

impl Random for SeededRandom {
    fn fill(&self, bytes: &mut [u8]) {
        let mut block = self.block.lock().unwrap_or_else(PoisonError::into_inner);
        // Every call starts a block of its own, so that the bytes of one call do not depend on the length of another.
        for chunk in bytes.chunks_mut(BLOCK) {
            let mut input = [0_u8; 16];
            input[..8].copy_from_slice(&self.seed.to_be_bytes());
            input[8..].copy_from_slice(&block.to_be_bytes());
            chunk.copy_from_slice(&digest(&SHA256, &input).as_ref()[..chunk.len()]);
            *block += 1;
        }
    }
}

/// Bytes of one SHA-256.
const BLOCK: usize = 32;

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(random: &SeededRandom) -> [u8; 40] {
        let mut bytes = [0; 40];
        random.fill(&mut bytes);
        bytes
    }

    #[test]
    fn same_seed_repeats_and_other_seed_differs() {
        let (first, again, other) = (SeededRandom::new(1), SeededRandom::new(1), SeededRandom::new(2));
        let start = bytes(&first);
        assert_eq!(start, bytes(&again));
        assert_ne!(start, bytes(&other));
        assert_ne!(start, bytes(&first), "a source must not repeat itself while it runs");
    }
}

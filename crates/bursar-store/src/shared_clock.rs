//! The clock of everybody who shares a store.

use std::sync::Arc;
use std::time::Duration;

use bursar_core::ports::clock::Clock;
use bursar_core::ports::store::Store;
use futures::future::BoxFuture;
use jiff::Timestamp;

/// The store's wall clock, so that nodes agree on what has ended although their own clocks differ; the machine's as long as
/// the store's is not known.
#[derive(Debug)]
pub struct SharedClock {
    machine: Arc<dyn Clock>,
    store: Arc<dyn Store>,
}

impl SharedClock {
    /// The clock of `store`, with the stopwatch and the sleep of `machine`.
    pub fn new(machine: Arc<dyn Clock>, store: Arc<dyn Store>) -> Self {
        Self { machine, store }
    }
}

impl Clock for SharedClock {
    fn now(&self) -> Timestamp {
        self.store.now().unwrap_or_else(|| self.machine.now())
    }

    fn stopwatch(&self) -> Duration {
        self.machine.stopwatch()
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        self.machine.sleep(duration)
    }
}

#[cfg(test)]
mod tests {
    use bursar_core::memory::MemoryStore;
    use bursar_core::memory::clock::ManualClock;

    use super::*;

    #[test]
    fn a_store_without_a_clock_of_its_own_goes_by_the_machine() {
        let machine = Arc::new(ManualClock::new(Timestamp::from_second(1_800_000_000).unwrap()));
        let store = Arc::new(MemoryStore::new(machine.clone(), "tests"));
        let clock = SharedClock::new(machine.clone(), store);
        assert_eq!(clock.now(), machine.now());
        machine.advance(Duration::from_secs(5));
        assert_eq!((clock.now(), clock.stopwatch()), (machine.now(), machine.stopwatch()));
    }
}

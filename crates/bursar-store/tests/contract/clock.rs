//! The clock: what is known of it without asking is what the store says when it is asked.

use std::sync::Arc;
use std::time::Duration;

use bursar_core::memory::clock::ManualClock;
use bursar_core::ports::clock::Clock as _;
use bursar_core::ports::store::Store;
use bursar_store::shared_clock::SharedClock;
use futures::executor::block_on;
use jiff::SignedDuration;

use super::on_every_backend;

/// Whoever shares the store goes by its clock, to what one question may take, and by `machine` where it has none.
pub(crate) fn assert_shared(store: &Arc<dyn Store>, machine: &ManualClock) {
    let clock = SharedClock::new(Arc::new(machine.clone()), Arc::clone(store));
    let before = clock.now();
    let asked = block_on(store.health()).unwrap().time;
    let after = clock.now();
    let slack = SignedDuration::from_secs(1);
    assert!(before - slack <= asked && asked <= after + slack, "{before} {asked} {after}");
    assert_eq!(clock.stopwatch(), machine.stopwatch());
}

#[test]
fn clock_that_is_known_is_the_one_that_judges() {
    on_every_backend(|bench| {
        assert_shared(&bench.store, &bench.clock);
        bench.clock.advance(Duration::from_hours(1));
        assert_shared(&bench.store, &bench.clock);
    });
}

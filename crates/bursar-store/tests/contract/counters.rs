//! Counters: exact under concurrency, new in every window.

use std::time::Duration;

use bursar_core::ports::store::{Count, StoreError};
use futures::executor::block_on;

use super::{Bench, after, home, on_every_backend, start};

const MINUTE: Duration = Duration::from_mins(1);

fn count(bench: &Bench, name: &str, by: u64) -> Count {
    block_on(bench.store.count(&home(), name, by, MINUTE)).unwrap().value
}

#[test]
fn counter_adds_up_within_a_window_and_starts_anew_in_the_next() {
    on_every_backend(|bench| {
        // The start is 20 s into a minute.
        assert_eq!(start().as_second() % 60, 20);
        assert_eq!(count(bench, "a", 1), Count { value: 1, resets_at: after(40) });
        assert_eq!(count(bench, "a", 2).value, 3);
        assert_eq!(count(bench, "b", 1).value, 1);
        bench.clock.advance(Duration::from_millis(39_999));
        assert_eq!(count(bench, "a", 0), Count { value: 3, resets_at: after(40) });
        bench.clock.advance(Duration::from_millis(1));
        assert_eq!(count(bench, "a", 1), Count { value: 1, resets_at: after(100) });
        bench.clock.advance(Duration::from_hours(1));
        assert_eq!(count(bench, "a", 0).value, 0);
    });
}

#[test]
fn counter_stops_at_the_top() {
    on_every_backend(|bench| {
        let top = i64::MAX.unsigned_abs();
        assert_eq!(count(bench, "a", u64::MAX).value, top);
        assert_eq!(count(bench, "a", 1).value, top);
    });
}

#[test]
fn counter_asked_with_another_window_starts_anew() {
    on_every_backend(|bench| {
        count(bench, "a", 5);
        let hour = block_on(bench.store.count(&home(), "a", 1, Duration::from_hours(1))).unwrap().value;
        assert_eq!(hour.value, 1);
    });
}

#[test]
fn counter_without_a_window_is_misuse() {
    on_every_backend(|bench| {
        let answer = block_on(bench.store.count(&home(), "a", 1, Duration::ZERO));
        assert!(matches!(answer, Err(StoreError::Misuse(_))));
    });
}

#[test]
fn no_count_is_lost_between_threads() {
    on_every_backend(|bench| {
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| (0..25).for_each(|_| assert!(count(bench, "a", 1).value > 0)));
            }
        });
        assert_eq!(count(bench, "a", 0).value, 200);
    });
}

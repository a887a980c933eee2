//! Who goes on next: one choice after another from a seed, so that a failing run fails again.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use futures::future::LocalBoxFuture;

/// Chances that repeat themselves (`SplitMix64`).
#[derive(Debug)]
pub(super) struct Chance(u64);

impl Chance {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A number below `end`.
    pub(super) fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        let bound = u64::try_from(end).unwrap();
        usize::try_from((mixed ^ (mixed >> 31)) % bound).unwrap()
    }
}

/// Lets everybody else go on first.
pub(super) fn pause() -> impl Future<Output = ()> {
    let mut paused = false;
    std::future::poll_fn(move |_| {
        if paused {
            return Poll::Ready(());
        }
        paused = true;
        Poll::Pending
    })
}

/// One step of a task. `None`: it is not at its end yet. Who waits for another is asked again and again, which costs a
/// moment and needs no waker.
pub(super) fn step<T>(task: &mut LocalBoxFuture<'_, T>) -> Option<T> {
    match Pin::new(task).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => Some(value),
        Poll::Pending => None,
    }
}

/// A task that nobody else interrupts.
pub(super) fn finish<T>(task: impl Future<Output = T>) -> T {
    let mut task: LocalBoxFuture<'_, T> = Box::pin(task);
    for _ in 0..LONGEST {
        if let Some(value) = step(&mut task) {
            return value;
        }
    }
    panic!("a task that is alone does not get on");
}

/// Far more steps than anything takes that gets on.
pub(super) const LONGEST: usize = 20_000;

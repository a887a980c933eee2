//! Time as the use cases see it.

use std::fmt;
use std::time::Duration;

use futures::future::BoxFuture;
use jiff::Timestamp;

/// Wall clock, suspend-proof stopwatch and sleep.
pub trait Clock: Send + Sync + fmt::Debug {
    /// The wall clock. It may jump; whoever stores a time compares it again later.
    fn now(&self) -> Timestamp;

    /// Time since some fixed moment, never going back and counting the time the machine was suspended.
    fn stopwatch(&self) -> Duration;

    /// Completes after `duration` of the stopwatch.
    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()>;
}

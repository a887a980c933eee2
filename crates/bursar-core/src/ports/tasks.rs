//! Work that must outlive the caller who started it.

use std::fmt;

use futures::future::BoxFuture;

/// Runs futures to their end, whether or not anybody waits for them.
pub trait Tasks: Send + Sync + fmt::Debug {
    /// Starts `task` now. The process must not end by itself before the task does.
    fn spawn(&self, task: BoxFuture<'static, ()>);
}

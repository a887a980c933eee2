//! The store's own threads: connections and timers live here, so that the store works under any executor.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use bursar_core::ports::store::StoreError;
use futures::FutureExt as _;
use futures::future::BoxFuture;
use tokio::runtime::{Builder, Handle, Runtime};

/// A small runtime; dropping it waits for the writes that were asked for.
pub(super) struct Threads {
    runtime: Option<Runtime>,
    /// A copy is held by every write under way; `ended` learns when the last one is gone.
    writing: Option<Sender<()>>,
    ended: Mutex<Receiver<()>>,
}

impl Threads {
    /// Starts the threads.
    pub(super) fn start() -> Result<Self, StoreError> {
        let started = Builder::new_multi_thread()
            .worker_threads(THREADS)
            .thread_name("bursar-store")
            .enable_all()
            .build();
        let runtime = started
            .map_err(|error| StoreError::Unavailable(format!("no thread for the database: {error}")))?;
        let (writing, ended) = channel();
        Ok(Self { runtime: Some(runtime), writing: Some(writing), ended: Mutex::new(ended) })
    }

    /// Runs a future on the caller's thread, with this runtime's timers and connections.
    pub(super) fn here<'a, T: 'a>(&self, future: impl Future<Output = T> + Send + 'a) -> BoxFuture<'a, T> {
        match self.handle() {
            Some(handle) => Here { handle, future: future.boxed() }.boxed(),
            None => future.boxed(),
        }
    }

    /// Does a write whether or not the caller waits for its answer.
    pub(super) fn write<T: Send + 'static>(
        &self,
        write: impl Future<Output = Result<T, StoreError>> + Send + 'static,
    ) -> BoxFuture<'static, Result<T, StoreError>> {
        let lost = || StoreError::UnknownOutcome("the store ended unexpectedly".to_owned());
        let Some(handle) = self.handle() else { return async move { Err(lost()) }.boxed() };
        let writing = self.writing.clone();
        let task = async move {
            let done = write.await;
            drop(writing);
            done
        };
        // Started when it is first waited for, like any future, and from then on never cut short.
        async move { handle.spawn(task).await.unwrap_or_else(|_| Err(lost())) }.boxed()
    }

    /// Starts something that ends with the store.
    pub(super) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        if let Some(handle) = self.handle() {
            handle.spawn(task);
        }
    }

    fn handle(&self) -> Option<Handle> {
        self.runtime.as_ref().map(|runtime| runtime.handle().clone())
    }
}

impl Drop for Threads {
    fn drop(&mut self) {
        self.writing = None;
        let ended = self.ended.get_mut().unwrap_or_else(PoisonError::into_inner);
        // Disconnected when the last write is done; nobody ever sends.
        let _ = ended.recv_timeout(LAST_WRITES);
        if let Some(runtime) = self.runtime.take() {
            // The usual way waits on this thread, which may belong to another runtime.
            runtime.shutdown_background();
        }
    }
}

impl fmt::Debug for Threads {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Threads").finish_non_exhaustive()
    }
}

struct Here<'a, T> {
    handle: Handle,
    future: BoxFuture<'a, T>,
}

impl<T> Future for Here<'_, T> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<T> {
        let handle = self.handle.clone();
        let _entered = handle.enter();
        self.future.as_mut().poll(context)
    }
}

/// One thread writes to sockets faster than a database answers; the second keeps timers going while TLS is busy.
const THREADS: usize = 2;

/// As long as a commit may take; then whoever asked can ask for its outcome.
const LAST_WRITES: Duration = Duration::from_secs(15);

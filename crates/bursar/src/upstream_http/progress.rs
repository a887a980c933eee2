//! How far one call has got, told by the resolver and the connector while it runs.
//!
//! An error alone does not say reliably whether the request had left; that the connection stood does.

use std::error::Error;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};

use futures::future::BoxFuture;
use tower_layer::Layer;
use tower_service::Service;

/// How far a call has got, and what the resolver had against it.
#[derive(Debug, Default)]
pub(super) struct Progress {
    stage: AtomicU8,
    resolution: OnceLock<ResolutionFailure>,
}

/// The last thing a call began.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// Nothing yet.
    Start,
    /// The name is being resolved.
    Resolving,
    /// The connection is being made: TCP, proxy, TLS.
    Connecting,
    /// The connection stands: from here on the request may have left.
    Connected,
}

/// The name led nowhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum ResolutionFailure {
    /// The resolver said no, in its own words.
    Failed {
        /// The name that was asked for; not the URL's when a proxy is used.
        name: String,
        /// The resolver's words.
        detail: String,
    },
    /// Every address was refused by the guard.
    Forbidden,
}

impl Progress {
    pub(super) fn stage(&self) -> Stage {
        match self.stage.load(Ordering::Acquire) {
            0 => Stage::Start,
            1 => Stage::Resolving,
            2 => Stage::Connecting,
            _ => Stage::Connected,
        }
    }

    pub(super) fn reached(&self, stage: Stage) {
        self.stage.fetch_max(stage as u8, Ordering::AcqRel);
    }

    pub(super) fn resolution_failed(&self, failure: ResolutionFailure) {
        // A second failure of the same call says nothing new.
        let _ = self.resolution.set(failure);
    }

    pub(super) fn resolution(&self) -> Option<&ResolutionFailure> {
        self.resolution.get()
    }
}

/// Wraps the connector: notes when it begins and when the connection stands.
#[derive(Clone, Debug)]
pub(super) struct ConnectionWatch(pub(super) Arc<Progress>);

impl<S> Layer<S> for ConnectionWatch {
    type Service = Watched<S>;

    fn layer(&self, inner: S) -> Watched<S> {
        Watched { inner, progress: Arc::clone(&self.0) }
    }
}

/// A connector that is watched.
#[derive(Clone, Debug)]
pub(super) struct Watched<S> {
    inner: S,
    progress: Arc<Progress>,
}

impl<S, Target> Service<Target> for Watched<S>
where
    S: Service<Target, Error = Box<dyn Error + Send + Sync>>,
    S::Future: Send + 'static,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = BoxFuture<'static, Result<S::Response, S::Error>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, target: Target) -> Self::Future {
        let progress = Arc::clone(&self.progress);
        let connecting = self.inner.call(target);
        Box::pin(async move {
            let connection = connecting.await?;
            progress.reached(Stage::Connected);
            Ok(connection)
        })
    }
}

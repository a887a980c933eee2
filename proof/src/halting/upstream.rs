//! Outgoing HTTP that can stand still with the answer in its hands.

use std::sync::Arc;

use bursar_core::ports::upstream::{Request, Response, SendError, SendLimits, Upstream};
use futures::future::BoxFuture;

use super::checkpoint::{Checkpoint, Place};

/// Sends through another upstream.
#[derive(Debug)]
pub(super) struct HaltingUpstream {
    inner: Arc<dyn Upstream>,
    checkpoint: Arc<Checkpoint>,
}

impl HaltingUpstream {
    pub(super) fn new(inner: Arc<dyn Upstream>, checkpoint: Arc<Checkpoint>) -> Self {
        Self { inner, checkpoint }
    }
}

impl Upstream for HaltingUpstream {
    fn send(&self, request: Request, limits: SendLimits) -> BoxFuture<'_, Result<Response, SendError>> {
        Box::pin(async move {
            let answer = self.inner.send(request, limits).await;
            self.checkpoint.pass(Place::AfterAnswer).await;
            answer
        })
    }
}

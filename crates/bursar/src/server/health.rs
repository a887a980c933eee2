//! Whether the process lives, and whether it is of use: two questions with two paths.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::Router;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use bursar_core::engine::Engine;
use futures::future::{Either, select};
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderValue, StatusCode};
use serde_json::json;
use tokio::sync::Mutex;

/// Whether a server can do its work.
#[derive(Clone, Debug)]
pub struct Readiness {
    engine: Engine,
    is_stopping: Arc<AtomicBool>,
    /// The last look at the store, and when it was.
    last: Arc<Mutex<Option<Look>>>,
}

#[derive(Clone, Copy, Debug)]
struct Look {
    at: Duration,
    obstacle: Option<&'static str>,
}

impl Readiness {
    /// Of a server that works with `engine`.
    pub fn new(engine: Engine) -> Self {
        Self { engine, is_stopping: Arc::default(), last: Arc::default() }
    }

    /// From now on it is not ready: it stops.
    pub fn stop(&self) {
        self.is_stopping.store(true, Ordering::Relaxed);
    }

    /// What keeps it from its work; nothing if it is ready. Says nothing that a stranger must not know.
    pub async fn obstacles(&self) -> Vec<&'static str> {
        let stopping = self.is_stopping.load(Ordering::Relaxed).then_some("stopping");
        let vault = (!self.engine.is_unlocked())
            .then(|| if self.engine.is_locked() { "vault_locked" } else { "vault_not_open" });
        stopping.into_iter().chain(self.store().await).chain(vault).collect()
    }

    /// Asked by many at once, the store is asked once.
    async fn store(&self) -> Option<&'static str> {
        let ports = self.engine.ports();
        let mut last = self.last.lock().await;
        let now = ports.clock.stopwatch();
        if let Some(look) = last.filter(|look| now.saturating_sub(look.at) < GOOD_FOR) {
            return look.obstacle;
        }
        let looked = Box::pin(async {
            ports.store.health().await?;
            self.engine.is_suspended().await
        });
        let obstacle = match select(looked, ports.clock.sleep(LONGEST_LOOK)).await {
            Either::Left((Ok(is_suspended), _)) => is_suspended.then_some("suspended"),
            Either::Left((Err(error), _)) => {
                tracing::warn!(%error, "the store is not well");
                Some("store_unavailable")
            }
            Either::Right(_) => {
                tracing::warn!("the store does not answer");
                Some("store_slow")
            }
        };
        *last = Some(Look { at: now, obstacle });
        obstacle
    }
}

/// The two paths, beside `router`'s own.
pub(super) fn with_health(router: Router, readiness: Readiness) -> Router {
    router
        .route(HEALTH_PATH, get(|| async { answer(StatusCode::OK, &json!({ "status": "ok" })) }))
        .route(READINESS_PATH, get(move || async move { ready(&readiness.obstacles().await) }))
}

fn ready(obstacles: &[&str]) -> Response {
    if obstacles.is_empty() {
        answer(StatusCode::OK, &json!({ "status": "ready" }))
    } else {
        answer(StatusCode::SERVICE_UNAVAILABLE, &json!({ "status": "not_ready", "reasons": obstacles }))
    }
}

fn answer(status: StatusCode, document: &serde_json::Value) -> Response {
    let headers = [
        (CONTENT_TYPE, HeaderValue::from_static("application/json")),
        (CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ];
    (status, headers, document.to_string()).into_response()
}

/// Says that the process lives, whatever else is the matter.
pub(super) const HEALTH_PATH: &str = "/healthz";
/// Says whether requests should be sent here.
pub(super) const READINESS_PATH: &str = "/readyz";
/// Those who ask ask every few seconds, and anybody may ask.
const GOOD_FOR: Duration = Duration::from_millis(500);
/// A store that takes longer for one record is not well.
const LONGEST_LOOK: Duration = Duration::from_secs(2);

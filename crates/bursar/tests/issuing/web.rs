//! Everybody else's servers, as a map from addresses to answers.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use bursar_core::ports::upstream::{Body, Request, Response, SendError, SendLimits, Upstream};
use futures::future::BoxFuture;
use serde_json::Value;

/// An answer of somebody else's server.
#[derive(Clone, Debug)]
pub(super) struct Page {
    status: u16,
    headers: Vec<(&'static str, String)>,
    text: String,
}

impl Page {
    pub(super) fn of(status: u16, kind: &str, text: &str) -> Self {
        Self { status, headers: vec![("content-type", kind.to_owned())], text: text.to_owned() }
    }

    pub(super) fn json(document: &Value) -> Self {
        Self::of(200, "application/json", &document.to_string())
    }

    pub(super) fn and(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }
}

/// Everybody else's servers: an address that has a page answers with it.
#[derive(Clone, Debug, Default)]
pub(super) struct Web {
    pages: Arc<Mutex<BTreeMap<String, Page>>>,
    calls: Arc<AtomicUsize>,
}

impl Web {
    pub(super) fn put(&self, url: &str, page: Page) {
        self.pages.lock().unwrap().insert(url.to_owned(), page);
    }

    pub(super) fn clear(&self) {
        self.pages.lock().unwrap().clear();
    }

    /// How often anybody was called.
    pub(super) fn calls(&self) -> usize {
        self.calls.load(Ordering::SeqCst)
    }
}

impl Upstream for Web {
    fn send(&self, request: Request, _limits: SendLimits) -> BoxFuture<'_, Result<Response, SendError>> {
        self.calls.fetch_add(1, Ordering::SeqCst);
        let page = self.pages.lock().unwrap().get(&request.uri().to_string()).cloned();
        let page = page.unwrap_or_else(|| Page::of(404, "text/plain", ""));
        let mut response = http::Response::builder().status(page.status);
        for (name, value) in page.headers {
            response = response.header(name, value);
        }
        Box::pin(async move {
            // Whoever else asks meanwhile comes in between.
            tokio::task::yield_now().await;
            Ok(response.body(Body::new(page.text)).unwrap())
        })
    }
}

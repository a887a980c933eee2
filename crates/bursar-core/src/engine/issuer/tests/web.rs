//! What others keep elsewhere, and who asked for it how.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use futures::future::BoxFuture;
use serde_json::Value;

use crate::ports::upstream::{
    Body, Request, Response, SendCause, SendError, SendLimits, SendPhase, Upstream,
};

/// Addresses and what is there. Clones are the same.
#[derive(Clone, Debug, Default)]
pub(super) struct Web(Arc<Mutex<Within>>);

#[derive(Debug, Default)]
struct Within {
    pages: HashMap<String, Page>,
    calls: Vec<(String, SendLimits)>,
    bodies: Vec<Vec<u8>>,
}

/// What is at an address.
#[derive(Clone, Debug)]
pub(super) enum Page {
    Answer {
        status: u16,
        fields: Vec<(&'static str, String)>,
        body: Vec<u8>,
    },
    Failure(SendCause),
    /// Nobody ever answers.
    Silence,
}

impl Page {
    pub(super) fn json(document: &Value) -> Self {
        Self::answer(200, "application/json", document.to_string())
    }

    pub(super) fn answer(status: u16, kind: &str, body: impl Into<Vec<u8>>) -> Self {
        Self::Answer { status, fields: vec![("content-type", kind.to_owned())], body: body.into() }
    }

    pub(super) fn with(self, name: &'static str, value: &str) -> Self {
        match self {
            Self::Answer { status, mut fields, body } => {
                fields.push((name, value.to_owned()));
                Self::Answer { status, fields, body }
            }
            other => other,
        }
    }
}

impl Web {
    pub(super) fn put(&self, address: &str, page: Page) {
        self.0.lock().unwrap().pages.insert(address.to_owned(), page);
    }

    pub(super) fn calls(&self) -> usize {
        self.0.lock().unwrap().calls.len()
    }

    /// Which addresses were called.
    pub(super) fn addresses(&self) -> Vec<String> {
        self.0.lock().unwrap().calls.iter().map(|(address, _)| address.clone()).collect()
    }

    /// How the last call was made.
    pub(super) fn last_call(&self) -> (String, SendLimits) {
        self.0.lock().unwrap().calls.last().unwrap().clone()
    }

    /// What each call has sent.
    pub(super) fn bodies(&self) -> Vec<Vec<u8>> {
        self.0.lock().unwrap().bodies.clone()
    }
}

impl Upstream for Web {
    fn send(&self, request: Request, limits: SendLimits) -> BoxFuture<'_, Result<Response, SendError>> {
        let address = request.uri().to_string();
        let mut pages = self.0.lock().unwrap();
        let page = pages.pages.get(&address).cloned().unwrap_or(Page::Failure(SendCause::Dns));
        pages.calls.push((address, limits.clone()));
        pages.bodies.push(request.body().expose().to_vec());
        let failed = |cause| {
            let host = request.uri().host().unwrap_or_default().to_owned();
            Err(SendError { phase: SendPhase::BeforeRequest, cause, host, detail: "test".to_owned() })
        };
        let outcome = match page {
            Page::Answer { body, .. } if body.len() > limits.body => failed(SendCause::TooLarge),
            Page::Answer { status, fields, body } => {
                let mut response = http::Response::builder().status(status);
                for (name, value) in fields {
                    response = response.header(name, value);
                }
                Ok(response.body(Body::new(body)).unwrap())
            }
            Page::Failure(cause) => failed(cause),
            Page::Silence => return Box::pin(std::future::pending()),
        };
        Box::pin(async move { outcome })
    }
}

//! The answer an endpoint means to give, before any fault disfigures it.

use serde_json::Value;

/// Status, headers, body, and a word for the log of calls.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: Vec<u8>,
    pub(crate) outcome: String,
}

impl Answer {
    /// An answer without a body; statuses from 400 on are logged as their number.
    pub(crate) fn empty(status: u16) -> Self {
        let outcome = if status < 400 { "ok".into() } else { status.to_string() };
        Self { status, headers: vec![("cache-control", "no-store".into())], body: Vec::new(), outcome }
    }

    pub(crate) fn json(status: u16, value: &Value) -> Self {
        Self::empty(status).with_body("application/json", value.to_string())
    }

    pub(crate) fn html(status: u16, text: &str) -> Self {
        let page = format!(
            "<!doctype html><html><head><title>{text}</title></head><body><h1>{text}</h1></body></html>"
        );
        Self::empty(status).with_body("text/html; charset=utf-8", page)
    }

    pub(crate) fn redirect(status: u16, location: String) -> Self {
        Self::empty(status).with_header("location", location)
    }

    pub(crate) fn with_header(mut self, name: &'static str, value: String) -> Self {
        self.headers.push((name, value));
        self
    }

    pub(crate) fn with_body(mut self, content_type: &str, body: String) -> Self {
        self.body = body.into_bytes();
        self.with_header("content-type", content_type.into())
    }

    pub(crate) fn with_outcome(mut self, outcome: &str) -> Self {
        outcome.clone_into(&mut self.outcome);
        self
    }
}

//! A program that uses the MCP server with whatever token it is given.

use std::sync::Arc;

use bursar_core::oauth::challenge::ResourceHint;
use bursar_core::ports::upstream::{Body, SendLimits, Upstream};
use bursar_core::secret::Secret;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderValue, StatusCode};
use serde_json::{Value, json};

use super::broken;
use super::sample::NEWEST_VERSION;
use crate::exit::{Exit, Failure};

/// A client of the Model Context Protocol.
#[derive(Clone, Debug)]
pub(super) struct Program {
    upstream: Arc<dyn Upstream>,
    url: String,
}

/// What came of a request.
#[derive(Debug)]
pub(super) enum Reply {
    /// It was served.
    Result(Value),
    /// The token is missing, or is not enough.
    Refused(StatusCode, ResourceHint),
}

impl Program {
    /// Speaks to the server at `url`.
    pub(super) fn new(upstream: Arc<dyn Upstream>, url: String) -> Self {
        Self { upstream, url }
    }

    /// Greets the server, looks which tools it has, and calls one.
    pub(super) async fn uses(&self, tool: &str, token: &Secret) -> Result<String, Failure> {
        let greeting = json!({
            "protocolVersion": NEWEST_VERSION,
            "capabilities": {},
            "clientInfo": { "name": "bursar demo", "version": env!("CARGO_PKG_VERSION") },
        });
        self.served("initialize", &greeting, token).await?;
        let listed = self.served("tools/list", &json!({}), token).await?;
        let tools = listed["tools"].as_array().map(Vec::as_slice).unwrap_or_default();
        if !tools.iter().any(|listed| listed["name"] == tool) {
            return Err(broken(format_args!("the MCP server lists no tool `{tool}`")));
        }
        let called = self.served("tools/call", &json!({ "name": tool, "arguments": {} }), token).await?;
        let text = called["content"][0]["text"].as_str();
        text.map(str::to_owned).ok_or_else(|| broken(format_args!("the tool `{tool}` answered nothing")))
    }

    /// Calls a tool, with or without a token.
    pub(super) async fn tries(&self, tool: &str, token: Option<&Secret>) -> Result<Reply, Failure> {
        self.asks("tools/call", &json!({ "name": tool, "arguments": {} }), token).await
    }

    async fn served(&self, method: &str, parameters: &Value, token: &Secret) -> Result<Value, Failure> {
        match self.asks(method, parameters, Some(token)).await? {
            Reply::Result(result) => Ok(result),
            Reply::Refused(status, _) => {
                Err(broken(format_args!("the MCP server refused `{method}` with a good token ({status})")))
            }
        }
    }

    async fn asks(&self, method: &str, parameters: &Value, token: Option<&Secret>) -> Result<Reply, Failure> {
        let message = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": parameters });
        let mut request = http::Request::post(&self.url)
            .header(CONTENT_TYPE, "application/json")
            .header(ACCEPT, "application/json, text/event-stream")
            .body(Body::new(message.to_string()))
            .map_err(|error| Failure::of(Exit::Error, &error))?;
        if let Some(token) = token {
            let mut field = HeaderValue::try_from(format!("Bearer {}", token.expose()))
                .map_err(|error| Failure::of(Exit::Error, &error))?;
            field.set_sensitive(true);
            request.headers_mut().insert(AUTHORIZATION, field);
        }
        let response = self
            .upstream
            .send(request, SendLimits::default())
            .await
            .map_err(|error| Failure::of(Exit::Unavailable, &error))?;
        let status = response.status();
        if matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) {
            let hint = ResourceHint::of(&response);
            let hint = hint.ok_or_else(|| broken("the MCP server refuses without saying what it wants"))?;
            return Ok(Reply::Refused(status, hint));
        }
        let answer: Value = serde_json::from_slice(response.body().expose()).unwrap_or_default();
        match answer.get("result") {
            Some(result) => Ok(Reply::Result(result.clone())),
            None => Err(broken(format_args!("the MCP server answered `{method}` with {status}"))),
        }
    }
}

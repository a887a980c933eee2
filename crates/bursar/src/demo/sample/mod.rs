//! The MCP server behind the demo: streamable HTTP without sessions (MCP 2025-03-26 and later), one answer to one request.
//!
//! It stands for anybody's: of its issuer it knows the name alone, and finds out the rest over HTTP. `door` decides whom
//! a token lets in, `tools` what they get; here is how it travels.

mod door;
mod tools;

use std::sync::Arc;

use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::response::{IntoResponse as _, Response};
use axum::routing::any;
use axum::{Json, Router};
use bursar_core::oauth::server::access_token::AccessToken;
use bursar_core::ports::clock::Clock;
use bursar_core::ports::random::Random;
use http::header::{ALLOW, ORIGIN};
use http::{HeaderMap, Method, StatusCode};
use serde_json::{Value, json};

pub(super) use self::door::Door;
pub(super) use self::tools::{TOOLS, Tool};

/// Where it is at its host.
pub(crate) const PATH: &str = "/mcp";
/// The newest version of the protocol that it speaks.
pub(super) const NEWEST_VERSION: &str = "2025-11-25";

/// The server.
#[derive(Debug)]
pub(super) struct Sample {
    door: Door,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
}

impl Sample {
    pub(super) fn new(door: Door, clock: Arc<dyn Clock>, random: Arc<dyn Random>) -> Self {
        Self { door, clock, random }
    }
}

/// Its one route.
pub(super) fn router(sample: Sample) -> Router {
    Router::new().route(PATH, any(answer)).with_state(Arc::new(sample))
}

async fn answer(State(sample): State<Arc<Sample>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    // A page of a stranger whose name leads to this machine (DNS rebinding) says whose page it is.
    if parts.headers.get(ORIGIN).is_some_and(|origin| origin != sample.door.origin()) {
        return StatusCode::FORBIDDEN.into_response();
    }
    let token = match sample.door.admit(&parts.headers).await {
        Ok(token) => token,
        Err(turned_away) => return sample.door.refusal(&turned_away),
    };
    if parts.method != Method::POST {
        // It starts no talk of its own.
        return (StatusCode::METHOD_NOT_ALLOWED, [(ALLOW, "POST")]).into_response();
    }
    if !speaks_version_of(&parts.headers) {
        return StatusCode::BAD_REQUEST.into_response();
    }
    match message(body).await {
        Some(message) => sample.reply(&message, &token),
        None => failed(StatusCode::BAD_REQUEST, &Value::Null, -32700, "the body is no JSON object"),
    }
}

impl Sample {
    fn reply(&self, message: &Value, token: &AccessToken) -> Response {
        let Some(id) = message.get("id") else {
            // Notifications want no answer.
            return StatusCode::ACCEPTED.into_response();
        };
        let parameters = &message["params"];
        let result = match message["method"].as_str() {
            Some("initialize") => json!({
                "protocolVersion": version_for(parameters["protocolVersion"].as_str()),
                "capabilities": { "tools": {} },
                "serverInfo": { "name": "bursar-demo", "version": env!("CARGO_PKG_VERSION") },
            }),
            Some("ping") => json!({}),
            Some("tools/list") => json!({ "tools": TOOLS.iter().map(Tool::document).collect::<Vec<_>>() }),
            Some("tools/call") => {
                let called = parameters["name"].as_str().unwrap_or_default();
                let Some(tool) = TOOLS.iter().find(|tool| tool.name == called) else {
                    return failed(StatusCode::OK, id, -32602, "there is no such tool");
                };
                if !token.scope.contains(tool.scope) {
                    return self.door.wants_more(tool.scope);
                }
                let text = (tool.run)(&*self.clock, &*self.random);
                json!({ "content": [{ "type": "text", "text": text }], "isError": false })
            }
            _ => return failed(StatusCode::OK, id, -32601, "there is no such method"),
        };
        Json(json!({ "jsonrpc": "2.0", "id": id, "result": result })).into_response()
    }
}

async fn message(body: Body) -> Option<Value> {
    let bytes = to_bytes(body, LARGEST_MESSAGE).await.ok()?;
    serde_json::from_slice(&bytes).ok().filter(Value::is_object)
}

fn failed(status: StatusCode, id: &Value, code: i32, message: &str) -> Response {
    let error = json!({ "jsonrpc": "2.0", "id": id, "error": { "code": code, "message": message } });
    (status, Json(error)).into_response()
}

/// The client's version if it is known here, else the newest, and the client decides.
fn version_for(wanted: Option<&str>) -> &str {
    wanted.filter(|wanted| VERSIONS.contains(wanted)).unwrap_or(NEWEST_VERSION)
}

/// Clients of the first version do not name it after the greeting.
fn speaks_version_of(headers: &HeaderMap) -> bool {
    let named = headers.get("mcp-protocol-version").map(|version| version.to_str().unwrap_or_default());
    named.is_none_or(|version| VERSIONS.contains(&version))
}

const VERSIONS: [&str; 3] = [NEWEST_VERSION, "2025-06-18", "2025-03-26"];
/// Nobody has much to say to these tools.
const LARGEST_MESSAGE: usize = 64 * 1024;

//! Administrators who know what something of another sandbox is called: at no operation does it exist.

use serde_json::{Value, json};

use super::things::{Things, admin_token};
use super::{on_every_store, told};
use crate::issuing::client::Answer;
use crate::issuing::world::{World, resource};

/// An API that one sandbox has alone.
const API: &str = "https://only.test/mcp";

/// An operation that is told what to do something with.
struct Operation {
    method: http::Method,
    path: String,
    body: Option<Value>,
}

impl Operation {
    /// Those of a server that take a name, from its description. Sandboxes belong to the server around them, and accounts,
    /// logins and sessions to whoever holds them.
    fn all() -> Vec<Self> {
        let document: Value = serde_json::from_str(&bursar::http::openapi()).unwrap();
        let others = ["/v1/sandboxes", "/v1/accounts", "/v1/logins", "/v1/sessions"];
        let mut all = Vec::new();
        for (path, operations) in document["paths"].as_object().unwrap() {
            if !path.contains('{') || others.iter().any(|other| path.starts_with(other)) {
                continue;
            }
            for (method, operation) in operations.as_object().unwrap() {
                let body = operation.get("requestBody").map(|_| body(&operation["operationId"]));
                let method = method.to_ascii_uppercase().parse().unwrap();
                all.push(Self { method, path: path.clone(), body });
            }
        }
        all
    }

    async fn tried(&self, here: &World, token: &str, name: &str) -> Answer {
        let encoded: String = url::form_urlencoded::byte_serialize(name.as_bytes()).collect();
        let (before, after) = (self.path.split_once('{').unwrap().0, self.path.split_once('}').unwrap().1);
        let request = here.http.request(self.method.clone(), here.at(&format!("{before}{encoded}{after}")));
        let request = request.header("authorization", format!("Bearer {token}"));
        let request = match &self.body {
            Some(body) => request.header("content-type", "application/json").body(body.to_string()),
            None => request,
        };
        let mut answer = Answer::of(request).await;
        answer.text = answer.text.replace(name, "");
        answer
    }
}

/// What it is done with.
fn name<'a>(path: &str, things: &'a Things) -> &'a str {
    match path.split('/').nth(2) {
        Some("clients") => &things.client.id,
        Some("grants") => &things.grant,
        Some("keys") => &things.key,
        Some("refusals") => &things.refusal,
        Some("resources") => API,
        Some("users") => &things.user,
        _ => panic!("nobody has said yet what {path} is about"),
    }
}

/// What is wanted of something that is there.
fn body(operation: &Value) -> Value {
    match operation.as_str().unwrap() {
        "change_client" => json!({ "metadata": { "redirect_uris": ["https://mine.test/cb"] } }),
        "change_resource" => json!({ "name": "Mine" }),
        "change_user" => json!({ "said": { "name": "Mine" } }),
        "renew_client_secret" => json!({}),
        "set_password" => json!({ "password": "a horse of my own" }),
        other => panic!("nobody has said yet how {other} is tried"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_of_another_tenant_exists_at_any_operation() {
    on_every_store(async |main| {
        let (one, other) = (main.sandbox("one").await, main.sandbox("other").await);
        let things = Things::of(&one).await;
        let api = resource(API, &one.api.id, one.now());
        assert!(one.server.add_resource(&api).await.unwrap());
        for here in [&main, &other] {
            let token = admin_token(here).await;
            for operation in Operation::all() {
                let Operation { method, path, .. } = &operation;
                let name = name(path, &things);
                let answer = operation.tried(here, &token, name).await;
                assert_eq!(answer.status, 404, "{method} {path}: {answer:?}");
                let nonsense = operation.tried(here, &token, &format!("{name}x")).await;
                assert_eq!(told(&answer), told(&nonsense), "{method} {path}");
            }
        }
        // It is all there, where it belongs.
        let token = admin_token(&one).await;
        for operation in Operation::all().iter().filter(|operation| operation.method == http::Method::GET) {
            let answer = operation.tried(&one, &token, name(&operation.path, &things)).await;
            assert_eq!(answer.status, 200, "{}: {answer:?}", operation.path);
        }
        assert_eq!(one.refresh(&things.refresh).await.status, 200);
    })
    .await;
}

//! `/v1`: the same operations over the line, for whoever has a token of this server with a scope of administration.

use reqwest::{Client, Method, RequestBuilder, Response};
use serde_json::{Value, json};

use super::world::{document, done};
use crate::support::{Home, Running};

#[tokio::test(flavor = "multi_thread")]
async fn whoever_has_no_token_or_the_wrong_one_is_challenged() {
    let world = World::start().await;
    for path in ["/v1/clients", "/v1/users", "/v1/resources", "/v1/keys", "/v1/grants", "/v1/refusals/x"] {
        let answer = world.http.get(world.at(path)).send().await.unwrap();
        assert_eq!(answer.status(), 401, "{path}");
        assert_eq!(challenge(&answer), "Bearer scope=\"bursar:read\"", "{path}");
        let answer = world.http.get(world.at(path)).bearer_auth("nonsense").send().await.unwrap();
        assert!(challenge(&answer).contains("invalid_token"), "{path}");
    }
    let reader = world.token("bursar:read").await;
    assert_eq!(world.send(Method::GET, "/v1/clients", &reader, None).await.0, 200);
    let refused = world.request(Method::DELETE, "/v1/clients/x", &reader).send().await.unwrap();
    assert_eq!(refused.status(), 403);
    assert!(challenge(&refused).contains("insufficient_scope"));
    // A token for another resource opens nothing here.
    done(&world.home, &["resource", "add", "https://notes.test/mcp", "--scope", "read"]).await;
    let (id, secret) = world.client("").await;
    let foreign = world.token_of(&id, &secret, &[("resource", "https://notes.test/mcp")]).await;
    assert_eq!(world.send(Method::GET, "/v1/clients", &foreign, None).await.0, 401);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_administrator_who_was_removed_is_one_no_more_at_once() {
    let world = World::start().await;
    let (id, secret) = world.client("bursar:admin").await;
    let token = world.token_of(&id, &secret, &[("scope", "bursar:admin")]).await;
    assert_eq!(world.send(Method::GET, "/v1/users", &token, None).await.0, 200);
    let narrowed = json!({ "scope": "bursar:read" });
    let path = format!("/v1/clients/{id}");
    assert_eq!(world.send(Method::PATCH, &path, &token, Some(narrowed)).await.0, 200);
    assert_eq!(world.send(Method::POST, "/v1/users", &token, Some(json!({}))).await.0, 403);
    let admin = world.token("bursar:admin").await;
    assert_eq!(world.send(Method::DELETE, &path, &admin, None).await.0, 204);
    assert_eq!(world.send(Method::GET, "/v1/users", &token, None).await.0, 401);
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_of_the_command_line_is_there() {
    let world = World::start().await;
    let admin = world.token("bursar:admin").await;
    let send = async |method, path: &str, body| world.send(method, path, &admin, body).await;

    let metadata = json!({ "redirect_uris": ["https://a.test/cb"], "client_name": "A" });
    let (status, client) = send(Method::POST, "/v1/clients", Some(json!({ "metadata": metadata }))).await;
    assert_eq!(status, 201, "{client}");
    let id = client["id"].as_str().unwrap();
    assert!(client["client_secret"].as_str().unwrap().starts_with("bcs_"));
    let (status, shown) = send(Method::GET, &format!("/v1/clients/{id}"), None).await;
    assert_eq!((status, shown.get("client_secret")), (200, None));
    let (status, renewed) =
        send(Method::POST, &format!("/v1/clients/{id}/secret"), Some(json!({ "overlap": "1h" }))).await;
    assert_eq!((status, renewed["secrets"].as_array().unwrap().len()), (200, 2));

    let user = json!({ "username": "ada", "password": "correct horse", "said": { "email": "a@test" } });
    let (status, user) = send(Method::POST, "/v1/users", Some(user.clone())).await;
    assert_eq!((status, &user["email_verified"]), (201, &false.into()));
    assert_eq!(send(Method::POST, "/v1/users", Some(json!({ "username": "Ada" }))).await.0, 409);
    assert_eq!(send(Method::POST, "/v1/users/ada/disable", None).await.0, 204);
    let changed = json!({ "said": { "role": "editor" } });
    let (_, changed) = send(Method::PATCH, "/v1/users/ada", Some(changed)).await;
    assert_eq!((&changed["role"], &changed["disabled"]), (&"editor".into(), &true.into()));
    let short = json!({ "password": "short" });
    assert_eq!(send(Method::POST, "/v1/users/ada/password", Some(short)).await.0, 400);
    assert_eq!(send(Method::DELETE, "/v1/users/ada/passkeys", None).await.0, 204);
    let (status, code) = send(Method::POST, "/v1/users/ada/reset-password", None).await;
    assert_eq!((status, code["code"].as_str().unwrap().len(), &code["expires_in"]), (200, 23, &3600.into()));
    assert_eq!(code["url"].as_str().unwrap(), world.at("/reset"));
    assert_eq!(send(Method::POST, "/v1/users/ada/free", None).await.0, 404, "it is hers");
    assert_eq!(send(Method::DELETE, "/v1/users/ada", None).await.0, 204);
    assert_eq!(send(Method::GET, "/v1/users/ada", None).await.0, 404);
    assert_eq!(send(Method::POST, "/v1/users/ada/reset-password", None).await.0, 404);
    let again = || Some(json!({ "username": "ada" }));
    assert_eq!(send(Method::POST, "/v1/users", again()).await.0, 409);
    assert_eq!(send(Method::POST, "/v1/users/ada/free", None).await.0, 204);
    assert_eq!(send(Method::POST, "/v1/users", again()).await.0, 201);

    let resource = json!({ "url": "https://notes.test/mcp", "said": { "scopes": { "read": "Read" } } });
    assert_eq!(send(Method::POST, "/v1/resources", Some(resource.clone())).await.0, 201);
    assert_eq!(send(Method::POST, "/v1/resources", Some(resource)).await.0, 409);
    let place = "/v1/resources/https%3A%2F%2Fnotes.test%2Fmcp";
    let (status, resource) = send(Method::PATCH, place, Some(json!({ "format": "opaque" }))).await;
    assert_eq!((status, &resource["scopes"]["read"]), (200, &"Read".into()));
    assert_eq!(send(Method::DELETE, place, None).await.0, 204);

    let (status, keys) = send(Method::POST, "/v1/keys/renew", None).await;
    assert_eq!(status, 200);
    assert!(keys.as_array().unwrap().iter().any(|key| key["state"] == "waiting"), "{keys}");
    let (status, grants) = send(Method::GET, "/v1/grants?limit=5", None).await;
    assert_eq!((status, &grants["next"]), (200, &Value::Null));
    assert_eq!(send(Method::DELETE, "/v1/grants/x", None).await.0, 404);
    assert_eq!(send(Method::GET, "/v1/refusals/x", None).await.0, 404);

    let (_, page) = send(Method::GET, "/v1/clients?limit=1", None).await;
    let next = page["next"].as_str().unwrap();
    let (_, rest) = send(Method::GET, &format!("/v1/clients?after={next}"), None).await;
    assert_ne!(page["items"][0]["id"], rest["items"][0]["id"]);
    assert_eq!(rest["next"], Value::Null);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_code_is_posted_on_the_machine_itself() {
    let world = World::start().await;
    let claim = json!({ "code": "bfc_guess", "username": "boss", "password": "correct horse" });
    let post = || world.http.post(world.at("/v1/first-administrator")).body(claim.to_string());
    let refused = post().send().await.unwrap();
    assert_eq!(refused.status(), 403);
    assert!(refused.text().await.unwrap().contains("the code is not good"));
    let forwarded = post().header("x-forwarded-for", "192.0.2.1").send().await.unwrap();
    assert!(forwarded.text().await.unwrap().contains("machine"));
}

pub(super) struct World {
    pub(super) home: Home,
    pub(super) http: Client,
    issuer: String,
    pub(super) running: Running,
}

impl World {
    pub(super) async fn start() -> Self {
        let home = Home::new();
        let mut running = home.start(&["serve", "--listen", "127.0.0.1:0"]);
        let issuer = running.says(|line| line.strip_prefix("its issuer is ").map(str::to_owned)).await;
        let http = Client::builder().no_proxy().build().unwrap();
        let world = Self { home, http, issuer, running };
        while world.http.get(world.at("/readyz")).send().await.unwrap().status() != 200 {}
        world
    }

    pub(super) fn at(&self, path: &str) -> String {
        format!("{}{path}", self.issuer)
    }

    pub(super) async fn client(&self, scope: &str) -> (String, String) {
        let mut arguments = vec!["client", "add", "--name", "Tool", "--confidential"];
        if !scope.is_empty() {
            arguments.extend(["--scope", scope]);
        }
        let added = document(&self.home, &arguments).await;
        let text = |name: &str| added[name].as_str().unwrap().to_owned();
        (text("id"), text("client_secret"))
    }

    pub(super) async fn token(&self, scope: &str) -> String {
        let (id, secret) = self.client(scope).await;
        self.token_of(&id, &secret, &[("scope", scope)]).await
    }

    pub(super) async fn token_of(&self, id: &str, secret: &str, others: &[(&str, &str)]) -> String {
        let form = [&[("grant_type", "client_credentials")], others].concat();
        let form = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
        let request = self.http.post(self.at("/oauth/token")).basic_auth(id, Some(secret));
        let request = request.header("content-type", "application/x-www-form-urlencoded").body(form);
        let answer = request.send().await.unwrap().text().await.unwrap();
        let answer: Value = serde_json::from_str(&answer).unwrap();
        answer["access_token"].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned()
    }

    pub(super) fn request(&self, method: Method, path: &str, token: &str) -> RequestBuilder {
        self.http.request(method, self.at(path)).bearer_auth(token)
    }

    pub(super) async fn send(
        &self,
        method: Method,
        path: &str,
        token: &str,
        body: Option<Value>,
    ) -> (u16, Value) {
        let request = self.request(method, path, token);
        let request = match &body {
            Some(body) => request.body(body.to_string()),
            None => request,
        };
        let answer = request.send().await.unwrap();
        let status = answer.status().as_u16();
        let text = answer.text().await.unwrap();
        (status, serde_json::from_str(&text).unwrap_or(Value::Null))
    }
}

fn challenge(answer: &Response) -> String {
    answer.headers()["www-authenticate"].to_str().unwrap().to_owned()
}

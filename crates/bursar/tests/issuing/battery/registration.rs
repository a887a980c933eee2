//! Clients that register themselves: nothing is stored for them, and they get no more than strangers should.

use bursar_core::engine::issuer::records::user::User;
use bursar_core::secret::Secret;
use futures::StreamExt as _;
use futures::stream;
use http::Method;
use serde_json::{Value, json};

use super::on_every_store;
use crate::issuing::browser::Browser;
use crate::issuing::client::{Answer, Form};
use crate::issuing::world::{CALLBACK, Known, PASSWORD, World, person};

const DEVICE_CODE: &str = "urn:ietf:params:oauth:grant-type:device_code";

fn program(name: &str) -> Value {
    json!({
        "redirect_uris": ["http://127.0.0.1/callback"], "client_name": name,
        "token_endpoint_auth_method": "none",
    })
}

async fn rows(world: &World) -> usize {
    world.server.clients(None, 20_000).await.unwrap().len()
}

#[tokio::test(flavor = "multi_thread")]
async fn line_58_a_flood_of_registrations_leaves_nothing_and_keeps_nobody_out() {
    on_every_store(async |world| {
        let before = rows(&world).await;
        let established = world.register(&program("Established"), "203.0.113.9").await;
        assert_eq!(established.status, 201, "{established:?}");
        let client = Known { id: established.member("client_id"), secret: None };
        Browser::of(&world, "ada").agree(&world.request_of(&client)).await.code();
        let flood = stream::iter(0..10_000_u32).map(|number| {
            let (world, address) = (&world, format!("203.0.113.{}", number % 256));
            async move { world.register(&program(&format!("Flood {number}")), &address).await }
        });
        let statuses: Vec<u16> = flood.buffer_unordered(32).map(|answer| answer.status).collect().await;
        assert!(statuses.iter().all(|status| [201, 429].contains(status)));
        assert!(statuses.contains(&429), "limited");
        assert_eq!(rows(&world).await, before + 1, "only who was agreed to has a record");
        // The same network, other programs that are known; and other networks.
        let again = world.register(&program("Established"), "203.0.113.77").await;
        assert_eq!(again.status, 201, "{again:?}");
        assert_eq!(again.member("client_id"), client.id, "the same program, the same id");
        assert_eq!(world.register(&program("Flood 1"), "198.51.100.1").await.status, 201);
        let refused = world.register(&program("One more"), "203.0.113.1").await;
        assert_eq!(refused.status, 429, "{refused:?}");
        assert!(!refused.header("retry-after").is_empty());
        world.pass(3601);
        assert_eq!(world.register(&program("One more"), "203.0.113.1").await.status, 201);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn line_59_a_stranger_gets_no_grant_that_needs_no_user() {
    on_every_store(async |world| {
        for (member, value) in [
            ("grant_types", json!(["client_credentials"])),
            ("grant_types", json!(["urn:ietf:params:oauth:grant-type:jwt-bearer", "authorization_code"])),
            ("grant_types", json!(["implicit", "authorization_code"])),
            ("grant_types", json!(["password"])),
            ("response_types", json!(["token"])),
            ("response_types", json!(["code", "id_token token"])),
            ("scope", json!("bursar:admin bursar:read admin")),
        ] {
            let mut document = program("Greedy");
            document["token_endpoint_auth_method"] = "client_secret_post".into();
            document[member] = value;
            let answer = world.register(&document, "203.0.113.1").await;
            if answer.status == 400 {
                assert_eq!(answer.member("error"), "invalid_client_metadata", "{answer:?}");
                continue;
            }
            assert_eq!(answer.status, 201, "{answer:?}");
            let registered = answer.json();
            let text = format!("{}{}", registered["grant_types"], registered["response_types"]);
            for grant in ["client_credentials", "jwt-bearer", "implicit", "password", "token\""] {
                let text = text.replace("refresh_token", "");
                assert!(!text.contains(grant), "{grant}: {registered}");
            }
            let form = Form::of(&[
                ("grant_type", "client_credentials"),
                ("client_id", &answer.member("client_id")),
                ("client_secret", &answer.member("client_secret")),
                ("scope", "bursar:admin"),
            ]);
            world.token(&form).await.assert_refused(400, "unauthorized_client");
        }
        // Nor does a user give what they do not have.
        let answer = world.register(&program("Greedy"), "203.0.113.1").await;
        let client = Known { id: answer.member("client_id"), secret: None };
        let request = world.request_of(&client).with("scope", "openid bursar:admin").without("resource");
        let code = Browser::of(&world, "ada").agree(&request).await.code();
        let tokens = world.tokens(&world.redeeming(&code).with("client_id", &client.id)).await;
        assert_eq!(tokens.scope, "openid");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn line_59_not_even_an_administrator_lets_a_stranger_administer() {
    on_every_store(async |world| {
        let administration = ["bursar:read", "bursar:admin", "bursar:sandboxes"];
        let boss = User { scopes: administration.map(str::to_owned).to_vec(), ..person("boss") };
        world.server.add_user(boss, Some(Secret::new(PASSWORD))).await.unwrap();
        let mut document = program("bursar");
        document["grant_types"] = json!(["authorization_code", DEVICE_CODE, "refresh_token"]);
        document["scope"] = "openid bursar:admin".into();
        let answer = world.register(&document, "203.0.113.1").await;
        assert_eq!(answer.member("scope"), "openid", "{answer:?}");
        let stranger = Known { id: answer.member("client_id"), secret: None };
        document["client_name"] = "Ours".into();
        let ours = world.add_client(document).await;
        for scope in administration {
            let request = |client| world.request_of(client).with("scope", scope).without("resource");
            let browser = Browser::of(&world, "boss");
            let code = browser.agree(&request(&ours)).await.code();
            let tokens = world.tokens(&world.redeeming(&code).with("client_id", &ours.id)).await;
            assert_eq!(tokens.scope, scope, "whom an administrator has added");
            browser.ask(&request(&stranger)).await.assert_sent_back(CALLBACK, "invalid_scope");
            let form = Form::of(&[("client_id", &stranger.id), ("scope", scope)]);
            let device = world.post("/oauth/device_authorization", &form, &[]).await;
            device.assert_refused(400, "invalid_scope");
        }
        let request = world.request_of(&stranger).with("scope", "openid bursar:admin").without("resource");
        let code = Browser::of(&world, "boss").agree(&request).await.code();
        let tokens = world.tokens(&world.redeeming(&code).with("client_id", &stranger.id)).await;
        assert_eq!(tokens.scope, "openid");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn line_60_only_its_own_token_opens_a_registration() {
    on_every_store(async |world| {
        let mut document = program("Kept");
        document["token_endpoint_auth_method"] = "client_secret_basic".into();
        let mine = world.register(&document, "203.0.113.1").await;
        let yours = world.register(&document, "203.0.113.1").await;
        assert_ne!(mine.member("client_id"), yours.member("client_id"));
        let place = |answer: &Answer| {
            let uri = answer.member("registration_client_uri");
            uri.strip_prefix(&world.issuer).expect("below the issuer").to_owned()
        };
        let ask = async |method: Method, path: &str, token: Option<&str>| {
            let mut request = world.http.request(method, world.at(path)).body(document.to_string());
            request = request.header("content-type", "application/json");
            if let Some(token) = token {
                request = request.header("authorization", format!("Bearer {token}"));
            }
            Answer::of(request).await
        };
        let path = place(&mine);
        let never = format!("{path}x");
        let (right, other) =
            (mine.member("registration_access_token"), yours.member("registration_access_token"));
        for method in [Method::GET, Method::PUT, Method::DELETE] {
            let mut texts = Vec::new();
            for (path, token) in [
                (&path, Some(other.as_str())),
                (&path, Some("wrong")),
                (&path, Some("")),
                (&never, Some(right.as_str())),
                (&never, Some("wrong")),
            ] {
                let answer = ask(method.clone(), path, token).await;
                assert_eq!(answer.status, 401, "{method} {path}: {answer:?}");
                texts.push(answer.text);
            }
            assert!(texts.iter().all(|text| *text == texts[0]), "an oracle: {texts:?}");
            assert_eq!(ask(method, &path, None).await.status, 401);
        }
        assert_eq!(ask(Method::GET, &path, Some(&right)).await.status, 200);
        assert_eq!(ask(Method::DELETE, &path, Some(&right)).await.status, 204);
        assert_eq!(ask(Method::GET, &path, Some(&right)).await.status, 401);
        assert_eq!(ask(Method::GET, &place(&yours), Some(&other)).await.status, 200);
    })
    .await;
}

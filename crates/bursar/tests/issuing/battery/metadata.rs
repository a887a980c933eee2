//! What the server says of itself, and its keys: all of it true, and nothing else.

use bursar_core::engine::issuer::keys::KEYS_MAX_AGE;
use bursar_core::oauth::server::client_metadata::ClientMetadata;
use http::Method;
use serde_json::{Value, json};

use super::{on_every_store, planned};
use crate::issuing::browser::Browser;
use crate::issuing::client::{Answer, Form, Tokens, basic, claims, jose_header};
use crate::issuing::key::Key;
use crate::issuing::world::{MCP, Plan, World};

fn texts(value: &Value) -> Vec<&str> {
    value.as_array().unwrap().iter().filter_map(Value::as_str).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn line_70_everything_advertised_is_there() {
    on_every_store(async |world| {
        let metadata = world.get("/.well-known/oauth-authorization-server").await.json();
        assert_eq!(metadata["issuer"], json!(world.issuer));
        assert_eq!(world.get("/.well-known/openid-configuration").await.json(), metadata);
        for (name, value) in metadata.as_object().unwrap() {
            let Some(url) = value.as_str().filter(|_| name.ends_with("_endpoint") || name == "jwks_uri")
            else {
                continue;
            };
            let path = url.strip_prefix(&world.issuer).expect("below the issuer");
            let mut statuses = Vec::new();
            for method in [Method::GET, Method::POST] {
                statuses.push(Answer::of(world.http.request(method, world.at(path))).await.status);
            }
            assert!(statuses.iter().all(|status| *status != 404), "{name}: {statuses:?}");
            assert!(statuses.iter().any(|status| *status != 405), "{name}: {statuses:?}");
            assert!(statuses.iter().all(|status| *status < 500), "{name}: {statuses:?}");
        }
        // Every way a client may prove itself.
        let key = Key::new();
        let mut methods = texts(&metadata["token_endpoint_auth_methods_supported"]);
        methods.sort_unstable();
        assert_eq!(methods, ["client_secret_basic", "client_secret_post", "none", "private_key_jwt"]);
        for method in ["client_secret_basic", "client_secret_post", "private_key_jwt"] {
            let mut members =
                json!({ "grant_types": ["client_credentials"], "token_endpoint_auth_method": method });
            if method == "private_key_jwt" {
                members["jwks"] = json!({ "keys": [key.jwk()] });
            }
            let client = world.add_client(members).await;
            let form = Form::of(&[("grant_type", "client_credentials"), ("resource", MCP)]);
            let now = world.now().as_second();
            let said = json!({
                "iss": client.id, "sub": client.id, "aud": world.issuer, "exp": now + 60, "jti": key.name(),
            });
            let answer = match method {
                "client_secret_basic" => {
                    world.post("/oauth/token", &form, &[("authorization", &basic(&client))]).await
                }
                "client_secret_post" => {
                    let secret = client.secret.as_ref().unwrap().expose();
                    world.token(&form.and("client_id", &client.id).and("client_secret", secret)).await
                }
                _ => {
                    let kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
                    let assertion = key.sign(&json!({ "alg": "ES256" }), &said);
                    world
                        .token(&form.and("client_assertion_type", kind).and("client_assertion", &assertion))
                        .await
                }
            };
            assert_eq!(answer.status, 200, "{method}: {answer:?}");
        }
        // Every algorithm an ID token may have, and the keys to verify it by.
        for algorithm in texts(&metadata["id_token_signing_alg_values_supported"]) {
            let client = world.add_client(json!({ "id_token_signed_response_alg": algorithm })).await;
            let request = world.request_of(&client).with("scope", "openid").without("resource");
            let code = world.code_for(&request).await;
            let answer = world.token(&world.redeeming(&code).with("client_id", &client.id)).await;
            assert_eq!(answer.status, 200, "{algorithm}: {answer:?}");
            let header = jose_header(&answer.member("id_token"));
            assert_eq!(header["alg"], algorithm);
            let keys = world.get("/oauth/jwks").await.json();
            assert!(keys["keys"].as_array().unwrap().iter().any(|key| key["kid"] == header["kid"]));
            assert!(keys["keys"].as_array().unwrap().iter().all(|key| key.get("d").is_none()));
        }
        // Every scope, every grant.
        let scope = texts(&metadata["scopes_supported"]).join(" ");
        let request = world.request().with("scope", &scope).without("resource");
        let code = world.code_for(&request).await;
        let tokens = world.tokens(&world.redeeming(&code)).await;
        assert_eq!(tokens.scope.split(' ').count(), scope.split(' ').count(), "{}", tokens.scope);
        for grant in texts(&metadata["grant_types_supported"]) {
            let form = Form::of(&[("grant_type", grant), ("client_id", &world.client.id)]);
            let error = world.token(&form).await.member("error");
            assert_ne!(error, "unsupported_grant_type", "{grant}");
        }
        for prompt in texts(&metadata["prompt_values_supported"]) {
            let answer = Browser::of(&world, "ada").ask(&world.request().with("prompt", prompt)).await;
            assert_ne!(answer.parameter("error").as_deref(), Some("invalid_request"), "{prompt}");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn line_70_nothing_works_that_is_not_advertised() {
    let plan = || {
        let rule = |rules: &mut bursar_core::engine::issuer::rules::Rules| {
            rules.open_registration = false;
            rules.metadata_documents = false;
        };
        Plan { rule: Some(rule), ..Plan::default() }
    };
    planned(&plan, async |world: World| {
        let metadata = world.get("/.well-known/oauth-authorization-server").await.json();
        assert!(metadata.get("registration_endpoint").is_none());
        assert_eq!(metadata["client_id_metadata_document_supported"], false);
        let document = json!({ "redirect_uris": ["http://127.0.0.1/callback"] });
        let answer = world.register(&document, "203.0.113.1").await;
        assert!([400, 403, 404].contains(&answer.status), "{answer:?}");
        assert!(answer.json().get("client_id").is_none());
        let request = world.request().with("client_id", "https://app.test/client.json");
        Browser::of(&world, "ada").ask(&request).await.assert_page();
        for grant in [
            "password",
            "implicit",
            "urn:ietf:params:oauth:grant-type:jwt-bearer",
            "urn:ietf:params:oauth:grant-type:token-exchange",
            "urn:openid:params:grant-type:ciba",
        ] {
            let form = Form::of(&[("grant_type", grant), ("client_id", &world.client.id)]);
            world.token(&form).await.assert_refused(400, "unsupported_grant_type");
        }
        for method in ["client_secret_jwt", "tls_client_auth", "self_signed_tls_client_auth"] {
            let object = json!({
                "redirect_uris": ["http://127.0.0.1/callback"], "token_endpoint_auth_method": method,
            });
            assert!(ClientMetadata::from_object(object.as_object().unwrap()).is_err(), "{method}");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn line_70_an_issuer_with_a_path_is_found_in_all_three_forms() {
    let plan = || Plan { issuer: Some("https://as.test/s/dev"), ..Plan::default() };
    planned(&plan, async |world: World| {
        let mut documents = Vec::new();
        for path in [
            "/.well-known/oauth-authorization-server/s/dev",
            "/.well-known/openid-configuration/s/dev",
            "/s/dev/.well-known/openid-configuration",
        ] {
            let answer = world.get(path).await;
            assert_eq!(answer.status, 200, "{path}: {answer:?}");
            documents.push(answer.json());
        }
        assert!(documents.iter().all(|document| *document == documents[0]));
        assert_eq!(documents[0]["issuer"], json!("https://as.test/s/dev"));
        assert_eq!(documents[0]["token_endpoint"], json!("https://as.test/s/dev/oauth/token"));
        assert_eq!(world.get("/s/dev/oauth/jwks").await.status, 200);
        for path in ["/.well-known/oauth-authorization-server/s/other", "/s/other/oauth/jwks"] {
            assert_eq!(world.get(path).await.status, 404, "{path}");
        }
    })
    .await;
}

async fn key_ids(world: &World) -> Vec<String> {
    let keys = world.get("/oauth/jwks").await.json();
    let keys = keys["keys"].as_array().unwrap().iter();
    keys.map(|key| key["kid"].as_str().unwrap().to_owned()).collect()
}

fn signer(tokens: &Tokens) -> String {
    jose_header(&tokens.access)["kid"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn line_71_a_new_key_is_known_before_it_signs_and_an_old_one_as_long_as_it_is_needed() {
    on_every_store(async |world| {
        let before = world.log_in().await;
        let old = signer(&before);
        let published = key_ids(&world).await;
        assert!(published.contains(&old));
        let age = world.get("/oauth/jwks").await.header("cache-control").to_owned();
        assert!(age.contains(&format!("max-age={}", KEYS_MAX_AGE.as_secs())), "{age}");
        world.server.renew_keys().await.unwrap();
        let both = key_ids(&world).await;
        assert!(both.len() > published.len() && published.iter().all(|key| both.contains(key)), "{both:?}");
        assert_eq!(signer(&world.log_in().await), old, "nobody knows the new one yet");
        world.pass(KEYS_MAX_AGE.as_secs().unsigned_abs());
        assert_eq!(signer(&world.log_in().await), old, "perhaps somebody still does not");
        // Whenever the new one begins, everybody knows it.
        let (mut last, mut waited) = (world.log_in().await, 0);
        while signer(&last) == old {
            assert!(waited < 10 * 24, "it never signs");
            world.pass(3600);
            waited += 1;
            if signer(&last) == old && waited % 6 == 0 {
                world.server.tidy_up().await.unwrap();
                world.server.rotate_keys().await.unwrap();
            }
            last = world.log_in().await;
        }
        assert!(both.contains(&signer(&last)), "published since the beginning");
        assert!(key_ids(&world).await.contains(&old), "its last tokens live");
        let end = claims(&before.access)["exp"].as_i64().unwrap();
        assert!(end <= world.now().as_second());
        let longest = world.server.rules().longest_token().as_secs().unsigned_abs();
        for _ in 0..longest / 3600 + 2 {
            world.pass(3600);
            world.server.tidy_up().await.unwrap();
        }
        assert!(!key_ids(&world).await.contains(&old), "nobody needs it any more");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn line_71_a_key_that_is_removed_counts_no_more() {
    on_every_store(async |world| {
        let tokens = world.log_in().await;
        assert!(world.is_active(&tokens.access).await);
        let lost = signer(&tokens);
        assert!(world.server.remove_key(&lost).await.unwrap());
        assert!(!world.is_active(&tokens.access).await);
        assert!(!key_ids(&world).await.contains(&lost));
        assert!(world.was_reported("signing_key.removed").await);
        let next = Tokens::of(&world.refresh(&tokens.refresh).await);
        assert_ne!(signer(&next), lost);
        assert!(world.is_active(&next.access).await);
    })
    .await;
}

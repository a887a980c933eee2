//! Tokens after they were issued: who believes them, who may ask, who may end them, and what is left of them in the store.

use std::io::Write;
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bursar_core::engine::issuer::records::resource::TokenFormat;
use serde_json::{Value, json};

use super::on_every_store;
use crate::issuing::browser::Browser;
use crate::issuing::client::{Answer, Form, Tokens, VERIFIER, basic, claims, jose_header};
use crate::issuing::key::{Key, message};
use crate::issuing::world::{MCP, OTHER, World};

async fn userinfo(world: &World, token: &str) -> Answer {
    let request = world.http.get(world.at("/oauth/userinfo"));
    Answer::of(request.header("authorization", format!("Bearer {token}"))).await
}

/// Tokens of a login at this server itself, with an ID token.
async fn signed_in(world: &World) -> (Tokens, String) {
    let request = world.request().with("scope", "openid profile offline_access").without("resource");
    let answer = world.token(&world.redeeming(&world.code_for(&request).await)).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    (Tokens::of(&answer), answer.member("id_token"))
}

#[tokio::test(flavor = "multi_thread")]
async fn line_46_no_token_passes_for_another_kind() {
    on_every_store(async |world| {
        let (own, id_token) = signed_in(&world).await;
        let bound = world.log_in().await;
        assert_eq!(jose_header(&own.access)["typ"], "at+jwt");
        assert_eq!(userinfo(&world, &own.access).await.status, 200);
        // What it is not, where it is not for, and who did not make it.
        let stranger = Key::new();
        let header = jose_header(&own.access);
        let forged = stranger.sign(&header, &claims(&own.access));
        let mut elsewhere = claims(&own.access);
        elsewhere["iss"] = "https://evil.test".into();
        let foreign = stranger.sign(&header, &elsewhere);
        for token in [&id_token, &own.refresh, &bound.access, &bound.refresh, &forged, &foreign] {
            assert_eq!(userinfo(&world, token).await.status, 401, "{token}");
        }
        for token in [&id_token, &bound.refresh, &own.refresh, &own.access, &forged] {
            assert!(!world.is_active(token).await, "{token}");
        }
        for token in [&own.access, &id_token, "bac_none"] {
            world.refresh(token).await.assert_refused(400, "invalid_grant");
            world.token(&world.redeeming(token)).await.assert_refused(400, "invalid_grant");
        }
        // An access token as somebody's ID token.
        let hint =
            Form::of(&[("id_token_hint", &own.access), ("post_logout_redirect_uri", "https://app.test/")]);
        let answer = world.get(&format!("/oauth/end_session?{}", hint.encoded())).await;
        assert_eq!(answer.header("location"), "", "{answer:?}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn line_46_no_token_counts_in_an_address() {
    on_every_store(async |world| {
        let (own, _) = signed_in(&world).await;
        let administers = ["bursar:admin".to_owned()].to_vec();
        world.server.update_user(&world.user.id, &|user| user.scopes.clone_from(&administers)).await.unwrap();
        let request = world.request().with("scope", "bursar:admin").without("resource");
        let admin = world.tokens(&world.redeeming(&world.code_for(&request).await)).await.access;
        for (path, token) in [("/oauth/userinfo", &own.access), ("/v1/users", &admin)] {
            let shown = world.http.get(world.at(path)).bearer_auth(token);
            assert_eq!(Answer::of(shown).await.status, 200, "{path}");
            let answer = world.get(&format!("{path}?access_token={token}")).await;
            assert!([400, 401].contains(&answer.status), "{answer:?}");
            assert!(!answer.text.contains(&world.user.id), "{answer:?}");
        }
        for query in [format!("refresh_token={}", own.refresh), format!("session_token={}", own.access)] {
            let answer = world.post(&format!("/v1/session/token?{query}"), &Form::default(), &[]).await;
            answer.assert_refused(401, "login_required");
        }
        let asking = format!("/oauth/introspect?token={}", own.refresh);
        let answer = world.post(&asking, &Form::default(), &[("authorization", &basic(&world.api))]).await;
        answer.assert_refused(400, "invalid_request");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn line_47_a_token_somebody_has_touched_is_none() {
    on_every_store(async |world| {
        let good = world.log_in().await.access;
        let (header, said) = (jose_header(&good), claims(&good));
        let signature = good.rsplit('.').next().unwrap();
        let key = Key::new();
        let altered = |name: &str, value: Value| {
            let mut header = header.clone();
            header[name] = value;
            header
        };
        let mut touched = vec![
            format!("{}.", message(&altered("alg", json!("none")), &said)),
            format!("{}.{signature}", message(&altered("alg", json!("none")), &said)),
            format!("{}.{signature}", message(&altered("alg", json!("HS256")), &said)),
            format!("{}.{signature}", message(&altered("typ", json!("JWT")), &said)),
            format!("{}.{signature}", message(&altered("crit", json!(["exp"])), &said)),
            key.sign(&altered("kid", json!("unknown")), &said),
            key.sign(&altered("jwk", key.jwk()), &said),
            key.sign(&altered("jku", json!("https://evil.test/")), &said),
            format!("{good}."),
            format!("{good}A"),
            format!(" {good}"),
            format!("{good}="),
            good.replace('.', ".."),
            good[..good.len() - 4].to_owned(),
        ];
        for (name, value) in [
            ("exp", json!("9999999999")),
            ("exp", json!(1e308)),
            ("exp", json!(99_999_999_999_i64)),
            ("nbf", json!(9_999_999_999_i64)),
            ("aud", json!(OTHER)),
            ("scope", json!("admin")),
        ] {
            let mut claims = said.clone();
            claims[name] = value;
            touched.push(format!("{}.{signature}", message(&header, &claims)));
            touched.push(key.sign(&header, &claims));
        }
        let twice = format!("{},\"exp\":9999999999}}", said.to_string().trim_end_matches('}'));
        let encoded = |text: &str| URL_SAFE_NO_PAD.encode(text);
        touched.push(format!("{}.{}.{signature}", encoded(&header.to_string()), encoded(&twice)));
        for token in touched {
            assert!(!world.is_active(&token).await, "{token}");
        }
        assert!(world.is_active(&good).await);
        // Those that are rightly signed, by a client whose key we have: nothing about them may be odd either.
        let client = world
            .add_client(json!({
                "grant_types": ["client_credentials"], "token_endpoint_auth_method": "private_key_jwt",
                "jwks": { "keys": [key.jwk()] },
            }))
            .await;
        let now = world.now().as_second();
        let text = |more: &str| {
            format!(
                r#"{{"iss":"{id}","sub":"{id}","aud":"{}","jti":"{}","exp":{}{more}}}"#,
                world.issuer,
                key.name(),
                now + 60,
                id = client.id,
            )
        };
        for (more, status) in [("", 200), (&*format!(",\"exp\":{}", now + 61), 401), (",\"sub\":\"x\"", 401)]
        {
            let assertion = key.sign_text(r#"{"alg":"ES256"}"#, &text(more));
            let form = Form::of(&[
                ("grant_type", "client_credentials"),
                ("resource", MCP),
                ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
                ("client_assertion", &assertion),
            ]);
            assert_eq!(world.token(&form).await.status, status, "{more}");
        }
        let assertion = key.sign_text(r#"{"alg":"ES256","alg":"ES256"}"#, &text(""));
        let form = Form::of(&[
            ("grant_type", "client_credentials"),
            ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
            ("client_assertion", &assertion),
        ]);
        world.token(&form).await.assert_refused(401, "invalid_client");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn line_48_who_may_not_know_of_a_token_learns_that_it_is_not_active() {
    on_every_store(async |world| {
        let tokens = world.log_in().await;
        let form = Form::of(&[("token", &tokens.access)]);
        world.post("/oauth/introspect", &form, &[]).await.assert_refused(401, "invalid_client");
        let public = form.clone().and("client_id", &world.client.id);
        world.post("/oauth/introspect", &public, &[]).await.assert_refused(401, "invalid_client");
        let mut wrong = world.api.clone();
        wrong.secret = Some(bursar_core::secret::Secret::new("bcs_wrong"));
        world.introspect(&wrong, &tokens.access).await.assert_refused(401, "invalid_client");
        let neighbour =
            world.add_client(json!({ "token_endpoint_auth_method": "client_secret_basic" })).await;
        let only_inactive = json!({ "active": false });
        assert_eq!(world.introspect(&neighbour, &tokens.access).await.json(), only_inactive);
        let known = world.introspect(&world.api, &tokens.access).await.json();
        assert_eq!((&known["active"], &known["client_id"]), (&json!(true), &json!(world.client.id)));
        let other = world.request().with("resource", OTHER);
        let other = world.tokens(&world.redeeming(&world.code_for(&other).await)).await;
        for token in [other.access.as_str(), "unknown", "bat_unknown", "\u{1f600}", "a.b.c", &tokens.refresh]
        {
            assert_eq!(world.introspect(&world.api, token).await.json(), only_inactive, "{token}");
        }
        world.pass(15 * 60);
        assert_eq!(world.introspect(&world.api, &tokens.access).await.json(), only_inactive, "ended");
        let header = basic(&world.api);
        let answer = world.post("/oauth/introspect", &Form::default(), &[("authorization", &header)]).await;
        answer.assert_refused(400, "invalid_request");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn line_49_a_client_may_end_what_it_has_and_nothing_else() {
    on_every_store(async |world| {
        for format in [TokenFormat::default(), TokenFormat::Opaque] {
            let changed = world.server.update_resource(MCP, &|resource| resource.format = format).await;
            assert!(changed.unwrap().is_some());
            let revoke = async |client: &str, token: &str| {
                let form = Form::of(&[("client_id", client), ("token", token)]);
                world.post("/oauth/revoke", &form, &[]).await
            };
            let first = world.log_in().await;
            let second = Tokens::of(&world.refresh(&first.refresh).await);
            let other = world.add_client(json!({})).await;
            // The same for another client's token, for one that never was, and for nonsense.
            let answers = [
                revoke(&other.id, &second.refresh).await,
                revoke(&other.id, &second.access).await,
                revoke(&world.client.id, "brt_unknown").await,
                revoke(&world.client.id, "unknown").await,
            ];
            for answer in &answers {
                assert_eq!((answer.status, answer.text.as_str()), (200, ""), "{answer:?}");
            }
            assert!(world.is_active(&second.access).await, "another client has ended it");
            assert_eq!(revoke(&world.client.id, &second.refresh).await.status, 200);
            for tokens in [&first, &second] {
                assert!(!world.is_active(&tokens.access).await);
                world.refresh(&tokens.refresh).await.assert_refused(400, "invalid_grant");
            }
            assert_eq!(revoke(&world.client.id, &second.refresh).await.status, 200, "once more");
            let tokens = world.log_in().await;
            assert_eq!(revoke(&world.client.id, &tokens.access).await.status, 200);
            assert!(!world.is_active(&tokens.access).await);
            assert_eq!(world.refresh(&tokens.refresh).await.status, 200, "only that token");
            let form = Form::of(&[("token", &tokens.refresh)]);
            world.post("/oauth/revoke", &form, &[]).await.assert_refused(401, "invalid_client");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn line_50_the_token_endpoint_takes_forms_by_post_and_nobody_keeps_its_answers() {
    on_every_store(async |world| {
        let code = world.code().await;
        let answer = world.token(&world.redeeming(&code)).await;
        assert_eq!(answer.header("cache-control"), "no-cache, no-store, must-revalidate");
        assert_eq!(answer.header("pragma"), "no-cache");
        assert_eq!(answer.header("expires"), "0");
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
        assert_eq!(answer.header("content-type"), "application/json");
        assert!(answer.json().as_object().unwrap().values().all(|value| !value.is_null()));
        for path in ["/oauth/token", "/oauth/revoke", "/oauth/introspect", "/oauth/par", "/oauth/register"] {
            for method in [http::Method::GET, http::Method::PUT, http::Method::DELETE, http::Method::PATCH] {
                let answer = Answer::of(world.http.request(method.clone(), world.at(path))).await;
                assert_eq!(answer.status, 405, "{method} {path}: {answer:?}");
            }
        }
        let form = world.redeeming(&world.code().await).encoded();
        for kind in ["application/json", "text/plain", "multipart/form-data; boundary=x", ""] {
            let request = world.http.post(world.at("/oauth/token")).body(form.clone());
            let answer = Answer::of(request.header("content-type", kind)).await;
            assert!([400, 415].contains(&answer.status), "{kind}: {answer:?}");
            assert_eq!(answer.member("error"), "invalid_request");
        }
        let document = json!({ "grant_type": "authorization_code" }).to_string();
        let request = world.http.post(world.at("/oauth/token")).body(document);
        assert_eq!(Answer::of(request.header("content-type", "application/json")).await.status, 400);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn line_51_every_refusal_has_the_code_of_its_kind() {
    on_every_store(async |world| {
        let id = world.client.id.as_str();
        let ask = async |pairs: &[(&str, &str)]| world.token(&Form::of(pairs).and("client_id", id)).await;
        ask(&[]).await.assert_refused(400, "invalid_request");
        ask(&[("grant_type", "")]).await.assert_refused(400, "invalid_request");
        for grant in ["unheard_of", "password", "implicit", "urn:ietf:params:oauth:grant-type:token-exchange"]
        {
            ask(&[("grant_type", grant)]).await.assert_refused(400, "unsupported_grant_type");
        }
        ask(&[("grant_type", "client_credentials")]).await.assert_refused(400, "unauthorized_client");
        ask(&[("grant_type", "refresh_token")]).await.assert_refused(400, "invalid_request");
        ask(&[("grant_type", "refresh_token"), ("refresh_token", "x")])
            .await
            .assert_refused(400, "invalid_grant");
        let machine = &[("grant_type", "authorization_code"), ("code", "x"), ("code_verifier", VERIFIER)];
        let header = basic(&world.api);
        let answer = world.post("/oauth/token", &Form::of(machine), &[("authorization", &header)]).await;
        answer.assert_refused(400, "unauthorized_client");
    })
    .await;
}

/// Everything that is logged, in one text.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn line_52_no_secret_is_logged_or_kept_in_the_audit() {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_ansi(false)
        .with_writer(move || writer.clone())
        .finish();
    tracing::subscriber::set_global_default(subscriber).unwrap();
    on_every_store(async |world| {
        let secrets = everything_secret(&world).await;
        let events = world.events().await;
        let events: Vec<String> = events.iter().map(|event| format!("{:?}", event.event)).collect();
        let logged = String::from_utf8_lossy(&log.0.lock().unwrap()).into_owned();
        assert!(logged.contains("refused"), "the log is one");
        for (name, secret) in &secrets {
            assert!(!logged.contains(secret), "{name} is in the log");
            assert!(!events.iter().any(|event| event.contains(secret)), "{name} is in the audit");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn line_53_a_copy_of_the_store_opens_nothing() {
    on_every_store(async |world| {
        let secrets = everything_secret(&world).await;
        let dump = world.dump().await;
        assert!(dump.contains(&world.client.id), "the dump is one");
        for (name, secret) in &secrets {
            assert!(!dump.contains(secret), "{name} is in the store");
        }
    })
    .await;
}

/// One of everything, used and unused, refused and granted.
async fn everything_secret(world: &World) -> Vec<(&'static str, String)> {
    let mut secrets = Vec::new();
    for format in [TokenFormat::default(), TokenFormat::Opaque] {
        let changed = world.server.update_resource(MCP, &|resource| resource.format = format).await;
        assert!(changed.unwrap().is_some());
        let browser = Browser::of(world, "ada");
        let code = browser.agree(&world.request()).await.code();
        let tokens = world.tokens(&world.redeeming(&code)).await;
        let next = Tokens::of(&world.refresh(&tokens.refresh).await);
        secrets.push(("a code", code.clone()));
        secrets.push(("an unused code", browser.agree(&world.request()).await.code()));
        for tokens in [tokens, next] {
            assert!(world.is_active(&tokens.access).await);
            secrets.extend([("an access token", tokens.access), ("a refresh token", tokens.refresh)]);
        }
        world.token(&world.redeeming(&code)).await.assert_refused(400, "invalid_grant");
        secrets.extend(browser.secrets());
    }
    let page = Browser::of(world, "ada").ask(&world.request()).await;
    let browser = Browser::of(world, "ada");
    browser.post_sign_in(&page, "a wrong password").await;
    secrets.push(("a wrong password", "a wrong password".to_owned()));
    secrets.push(("a password", crate::issuing::world::PASSWORD.to_owned()));
    secrets.push(("a verifier", VERIFIER.to_owned()));
    let secret = world.api.secret.as_ref().unwrap().expose();
    secrets.push(("a client's secret", secret.to_owned()));
    let form = Form::of(&[("grant_type", "client_credentials"), ("client_secret", "bcs_wrong_one")]);
    world.token(&form.and("client_id", &world.api.id)).await.assert_refused(401, "invalid_client");
    secrets.push(("a wrong secret", "bcs_wrong_one".to_owned()));
    let device = world.add_client(json!({
        "grant_types": ["urn:ietf:params:oauth:grant-type:device_code"],
    }));
    let form = Form::of(&[("client_id", &device.await.id), ("scope", "read"), ("resource", MCP)]);
    let answer = world.post("/oauth/device_authorization", &form, &[]).await;
    secrets.push(("a device code", answer.member("device_code")));
    secrets.push(("a user code", answer.member("user_code").replace('-', "")));
    let document = json!({
        "redirect_uris": ["https://app.test/callback"], "token_endpoint_auth_method": "client_secret_post",
    });
    let answer = world.register(&document, "203.0.113.1").await;
    secrets.push(("a registered secret", answer.member("client_secret")));
    secrets.push(("a registration token", answer.member("registration_access_token")));
    secrets
}

//! How clients prove who they are, and how they are refused.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use misbehaving_provider::{
    Behaviour, ClientAuthentication, PUBLIC_CLIENT, RegisteredClient, SERVICE_CLIENT, SERVICE_SECRET,
};
use serde_json::{Value, json};

use crate::client::{Scene, refresh_form, text};

const MACHINE: (&str, &str) = ("grant_type", "client_credentials");

async fn with_basic(scene: &Scene, secret: &str) -> u16 {
    let request =
        scene.http.post(scene.url("/token")).basic_auth(SERVICE_CLIENT, Some(secret)).form(&[MACHINE]);
    request.send().await.unwrap().status().as_u16()
}

async fn with_post(scene: &Scene, secret: &str) -> u16 {
    scene
        .token(&[MACHINE, ("client_id", SERVICE_CLIENT), ("client_secret", secret)])
        .await
        .unwrap()
        .status()
        .as_u16()
}

#[tokio::test]
async fn only_the_required_way_of_authentication_works() {
    let scene = Scene::new(Behaviour::default()).await;
    let table = [
        (ClientAuthentication::Any, 200, 200),
        (ClientAuthentication::Basic, 200, 401),
        (ClientAuthentication::Post, 401, 200),
        (ClientAuthentication::PrivateKeyJwt, 401, 401),
    ];
    for (required, basic, post) in table {
        scene.provider.change(|behaviour| behaviour.client_authentication = required);
        assert_eq!(with_basic(&scene, SERVICE_SECRET).await, basic, "{required:?}");
        assert_eq!(with_post(&scene, SERVICE_SECRET).await, post, "{required:?}");
        assert_eq!(with_basic(&scene, "wrong").await, 401, "{required:?}");
        assert_eq!(with_post(&scene, "wrong").await, 401, "{required:?}");
        let without = scene.token(&[MACHINE, ("client_id", SERVICE_CLIENT)]).await.unwrap();
        assert_eq!(without.status(), 401, "{required:?}");
        assert!(without.headers().contains_key("www-authenticate"));
    }
    scene.provider.change(|behaviour| behaviour.client_authentication = ClientAuthentication::None);
    assert_eq!(scene.token(&[MACHINE, ("client_id", SERVICE_CLIENT)]).await.unwrap().status(), 200);
}

#[tokio::test]
async fn strictness_refuses_sloppy_clients() {
    let scene = Scene::new(Behaviour::default()).await;
    let sloppy = async |strict: bool| {
        scene.provider.change(|behaviour| behaviour.strict = strict);
        let tokens = scene.login().await;
        let mut with_secret = refresh_form(text(&tokens, "refresh_token")).to_vec();
        with_secret.push(("client_secret", "public-clients-have-none"));
        let secret = scene.token(&with_secret).await.unwrap().status().as_u16();
        let repeated = [MACHINE, MACHINE, ("client_id", SERVICE_CLIENT), ("client_secret", SERVICE_SECRET)];
        let repeated = scene.token(&repeated).await.unwrap().status().as_u16();
        let twice = scene.http.post(scene.url("/token")).basic_auth(SERVICE_CLIENT, Some(SERVICE_SECRET));
        let twice =
            twice.form(&[MACHINE, ("client_secret", SERVICE_SECRET)]).send().await.unwrap().status().as_u16();
        [secret, repeated, twice]
    };
    assert_eq!(sloppy(true).await, [401, 400, 400]);
    assert_eq!(sloppy(false).await, [200, 200, 200]);
}

#[tokio::test]
async fn basic_credentials_are_form_encoded_inside() {
    let mut behaviour = Behaviour::default();
    behaviour.clients.push(RegisteredClient {
        secret: Some("a b:c%+&=".into()),
        ..RegisteredClient::public("odd client")
    });
    let scene = Scene::new(behaviour).await;
    let request = scene.http.post(scene.url("/token")).basic_auth("odd+client", Some("a+b%3Ac%25%2B%26%3D"));
    assert_eq!(request.form(&[MACHINE]).send().await.unwrap().status(), 200);
}

#[tokio::test]
async fn a_refresh_token_of_another_client_is_refused() {
    let scene = Scene::new(Behaviour::default()).await;
    let tokens = scene.login().await;
    let form = [("grant_type", "refresh_token"), ("refresh_token", text(&tokens, "refresh_token"))];
    let request =
        scene.http.post(scene.url("/token")).basic_auth(SERVICE_CLIENT, Some(SERVICE_SECRET)).form(&form);
    assert_eq!(request.send().await.unwrap().status(), 400);
    assert!(scene.provider.is_refresh_live(text(&tokens, "refresh_token")));
}

#[tokio::test]
async fn assertions_are_signed_addressed_current_and_single_use() {
    let key = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
    let point = key.public_key().as_ref();
    let jwk = json!({ "kty": "EC", "crv": "P-256",
        "x": URL_SAFE_NO_PAD.encode(&point[1..33]), "y": URL_SAFE_NO_PAD.encode(&point[33..]) });
    let mut behaviour = Behaviour::default();
    behaviour.clients.push(RegisteredClient { key: Some(jwk), ..RegisteredClient::public("signer") });
    behaviour.client_authentication = ClientAuthentication::PrivateKeyJwt;
    let scene = Scene::new(behaviour).await;
    let issuer = scene.provider.issuer();
    let token_endpoint = scene.url("/token");
    let end = scene.provider.now().as_second() + 60;

    let good = |jti: &str| json!({ "iss": "signer", "sub": "signer", "aud": issuer, "exp": end, "jti": jti });
    let changed = |jti: &str, name: &str, value: Value| {
        let mut claims = good(jti);
        claims[name] = value;
        claims
    };
    let table = [
        (good("1"), 200),
        (good("1"), 401),
        (changed("2", "aud", json!(token_endpoint)), 200),
        (changed("3", "aud", json!([issuer])), 200),
        (changed("4", "aud", json!("https://somebody-else.example")), 401),
        (changed("5", "exp", json!(end - 120)), 401),
        (changed("6", "iss", json!("other")), 401),
        (changed("7", "jti", Value::Null), 401),
    ];
    for (claims, expected) in table {
        let assertion = sign(&key, &claims);
        assert_eq!(with_assertion(&scene, &assertion).await, expected, "{claims}");
    }
    let stranger = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
    assert_eq!(with_assertion(&scene, &sign(&stranger, &good("8"))).await, 401);
}

fn sign(key: &EcdsaKeyPair, claims: &Value) -> String {
    let header = json!({ "alg": "ES256", "typ": "JWT" });
    let encoded = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let message = format!("{}.{}", encoded(&header), encoded(claims));
    let signature = key.sign(&SystemRandom::new(), message.as_bytes()).unwrap();
    format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature))
}

async fn with_assertion(scene: &Scene, assertion: &str) -> u16 {
    let kind = ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer");
    scene.token(&[MACHINE, kind, ("client_assertion", assertion)]).await.unwrap().status().as_u16()
}

#[tokio::test]
async fn registered_clients_can_use_what_they_were_given() {
    let scene = Scene::new(Behaviour::default()).await;
    let request =
        scene.http.post(scene.url("/register")).json(&json!({ "redirect_uris": ["http://127.0.0.1/here"] }));
    let client: Value = request.send().await.unwrap().json().await.unwrap();
    let request = scene
        .http
        .post(scene.url("/token"))
        .basic_auth(text(&client, "client_id"), Some(text(&client, "client_secret")));
    assert_eq!(request.form(&[MACHINE]).send().await.unwrap().status(), 200);
    let code = scene
        .authorize_raw(&[
            ("client_id", text(&client, "client_id")),
            ("redirect_uri", "http://127.0.0.1:9/here"),
        ])
        .await;
    assert_eq!(code.status(), 302);
    scene.provider.change(|behaviour| behaviour.registration = false);
    assert_eq!(scene.http.post(scene.url("/register")).json(&json!({})).send().await.unwrap().status(), 404);
    assert_ne!(text(&client, "client_id"), PUBLIC_CLIENT);
}

//! The switches of the token endpoint that only show in a whole flow.

use std::time::Duration;

use misbehaving_provider::{
    Behaviour, ErrorDialect, ErrorShape, ExpiryStyle, IdentityTokenSignature, KillsAccessToken,
    PUBLIC_CLIENT, RequestFormat, ReusePolicy, Rotation,
};
use serde_json::{Value, json};

use crate::client::{Scene, claims, refresh_form, text};

#[tokio::test]
async fn without_rotation_the_refresh_token_stays() {
    let scene = Scene::new(Behaviour::default()).await;
    scene.provider.change(|behaviour| behaviour.token.rotation = Rotation::Never);
    let tokens = scene.login().await;
    for _ in 0..2 {
        let (status, refreshed) = scene.refresh(text(&tokens, "refresh_token")).await;
        assert_eq!((status, &refreshed["refresh_token"]), (200, &tokens["refresh_token"]));
    }
}

#[tokio::test]
async fn an_omitted_refresh_token_means_that_the_old_one_goes_on() {
    let scene = Scene::new(Behaviour::default()).await;
    scene.provider.change(|behaviour| behaviour.token.omit_refresh_token = true);
    let tokens = scene.login().await;
    for _ in 0..2 {
        let (status, refreshed) = scene.refresh(text(&tokens, "refresh_token")).await;
        assert_eq!((status, refreshed.get("refresh_token")), (200, None));
    }
}

#[tokio::test]
async fn the_predecessor_works_until_the_successors_access_token_is_used() {
    let scene = Scene::new(Behaviour::default()).await;
    scene.provider.change(|behaviour| behaviour.token.reuse = ReusePolicy::UntilSuccessorUsed);
    let tokens = scene.login().await;
    let spent = text(&tokens, "refresh_token");
    assert_eq!(scene.refresh(spent).await.0, 200);
    let (status, successor) = scene.refresh(spent).await;
    assert_eq!(status, 200);
    assert_eq!(scene.resource(text(&successor, "access_token")).await, 200);
    assert_eq!(scene.refresh(spent).await.0, 400);
    assert_eq!(scene.refresh(text(&successor, "refresh_token")).await.0, 200);
}

#[tokio::test]
async fn a_refresh_can_kill_the_access_token_in_use() {
    let scene = Scene::new(Behaviour::default()).await;
    scene
        .provider
        .change(|behaviour| behaviour.token.kills_access_token = KillsAccessToken::AfterSeconds(10));
    let first = scene.login().await;
    let (_, second) = scene.refresh(text(&first, "refresh_token")).await;
    assert_eq!(scene.resource(text(&first, "access_token")).await, 200);
    scene.provider.advance(Duration::from_secs(11));
    assert_eq!(scene.resource(text(&first, "access_token")).await, 401);
    assert_eq!(scene.resource(text(&second, "access_token")).await, 200);
}

#[tokio::test]
async fn an_early_refresh_is_refused_and_costs_nothing() {
    let scene = Scene::new(Behaviour::default()).await;
    scene.provider.change(|behaviour| behaviour.token.earliest_refresh = Some(Duration::from_mins(10)));
    let tokens = scene.login().await;
    assert_eq!(text(&scene.refresh(text(&tokens, "refresh_token")).await.1, "error"), "invalid_request");
    scene.provider.advance(Duration::from_secs(3001));
    assert_eq!(scene.refresh(text(&tokens, "refresh_token")).await.0, 200);
}

#[tokio::test]
async fn refresh_tokens_end_and_say_so() {
    let scene = Scene::new(Behaviour::default()).await;
    scene.provider.change(|behaviour| {
        behaviour.token.refresh_lifetime = Some(Duration::from_secs(100));
        behaviour.token.refresh_lifetime_member = "x_refresh_token_expires_in".into();
    });
    let tokens = scene.login().await;
    assert_eq!(tokens["x_refresh_token_expires_in"], 100);
    scene.provider.advance(Duration::from_secs(101));
    assert_eq!(scene.refresh(text(&tokens, "refresh_token")).await.0, 400);
    assert_eq!(scene.provider.reuse_detected(), 0);
}

#[tokio::test]
async fn the_end_can_hide_in_a_jwt() {
    let scene = Scene::new(Behaviour::default()).await;
    scene.provider.change(|behaviour| behaviour.token.expiry = ExpiryStyle::JwtExp);
    let tokens = scene.login().await;
    assert!(tokens.get("expires_in").is_none() && tokens.get("expires_at").is_none());
    let claims = claims(text(&tokens, "access_token"));
    assert_eq!(claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(), 3600);
    assert_eq!(scene.resource(text(&tokens, "access_token")).await, 200);
}

#[tokio::test]
async fn errors_can_hide_in_a_success() {
    let scene = Scene::new(Behaviour::default()).await;
    scene.provider.change(|behaviour| {
        behaviour.token.errors =
            ErrorDialect { in_200: true, shape: ErrorShape::OkFalse, ..ErrorDialect::default() };
    });
    assert_eq!(scene.refresh("unknown").await, (200, json!({ "ok": false, "error": "invalid_grant" })));
    assert_eq!(scene.outcomes(), ["invalid_grant"]);
}

#[tokio::test]
async fn a_refresh_may_narrow_the_scope_but_not_widen_it() {
    let scene = Scene::new(Behaviour::default()).await;
    let tokens = scene.login().await;
    let refresh = async |token: &str, scope: &str| {
        let mut form = refresh_form(token).to_vec();
        form.push(("scope", scope));
        scene.token_json(&form).await
    };
    let (status, error) = refresh(text(&tokens, "refresh_token"), "read admin").await;
    assert_eq!((status, text(&error, "error")), (400, "invalid_scope"));
    let (status, narrowed) = refresh(text(&tokens, "refresh_token"), "read").await;
    assert_eq!((status, text(&narrowed, "scope")), (200, "read"));
}

#[tokio::test]
async fn bodies_are_understood_in_the_declared_format_only() {
    let scene = Scene::new(Behaviour::default()).await;
    let tokens = scene.login().await;
    let body = json!({ "grant_type": "refresh_token", "client_id": PUBLIC_CLIENT, "refresh_token": tokens["refresh_token"] });
    let as_json =
        async || scene.http.post(scene.url("/token")).json(&body).send().await.unwrap().status().as_u16();
    assert_eq!(as_json().await, 400);
    scene.provider.change(|behaviour| behaviour.token.request_format = RequestFormat::Json);
    assert_eq!(scene.refresh(text(&tokens, "refresh_token")).await.0, 400);
    assert_eq!(as_json().await, 200);
}

#[tokio::test]
async fn identity_tokens_are_signed_as_asked_with_a_published_key() {
    let scene = Scene::new(Behaviour::default()).await;
    let table = [
        (IdentityTokenSignature::Es256, "ES256"),
        (IdentityTokenSignature::Rs256, "RS256"),
        (IdentityTokenSignature::EdDsa, "EdDSA"),
    ];
    for (signature, algorithm) in table {
        scene.provider.change(|behaviour| behaviour.token.id_token_signature = signature);
        let tokens = scene.login().await;
        let header = crate::client::claims(&format!("x.{}", text(&tokens, "id_token")));
        assert_eq!(header["alg"], algorithm);
        let jwks: Value = scene.fetch("/jwks").await.json().await.unwrap();
        assert!(
            jwks["keys"].as_array().unwrap().iter().any(|key| key["kid"] == header["kid"]),
            "{algorithm}"
        );
    }
}

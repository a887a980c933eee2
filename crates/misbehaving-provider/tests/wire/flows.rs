//! Whole flows of a well-behaved, strict provider: what succeeds, what is refused.

use std::time::Duration;

use misbehaving_provider::{
    Behaviour, Consent, DeviceApproval, Endpoint, Identity, PUBLIC_CLIENT, RefreshTokenIssue, ReusePolicy,
    RevocationStyle, SERVICE_CLIENT, SERVICE_SECRET, VerificationDialect,
};
use serde_json::{Value, json};

use crate::client::{Scene, VERIFIER, claims, text};

const DEVICE_GRANT: &str = "urn:ietf:params:oauth:grant-type:device_code";
const JWT_GRANT: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";

#[tokio::test]
async fn login_refresh_and_use() {
    let scene = Scene::new(Behaviour::default()).await;
    let redirect = scene.authorize(&[]).await;
    assert_eq!((redirect["state"].as_str(), &redirect["iss"]), ("the-state", &scene.provider.issuer()));
    let (status, first) = scene.redeem(&redirect["code"]).await;
    assert_eq!((status, &first["expires_in"], &first["scope"]), (200, &json!(3600), &json!("openid read")));
    let identity = claims(text(&first, "id_token"));
    assert_eq!(
        (&identity["sub"], &identity["nonce"], &identity["aud"]),
        (&json!("ada"), &json!("the-nonce"), &json!(PUBLIC_CLIENT))
    );

    let (status, second) = scene.refresh(text(&first, "refresh_token")).await;
    assert_eq!(status, 200);
    assert_ne!(first["refresh_token"], second["refresh_token"]);
    for tokens in [&first, &second] {
        assert_eq!(scene.resource(text(tokens, "access_token")).await, 200);
    }
    let userinfo = scene
        .http
        .get(scene.url("/userinfo"))
        .bearer_auth(text(&second, "access_token"))
        .send()
        .await
        .unwrap();
    assert_eq!(userinfo.json::<Value>().await.unwrap()["email"], "ada@example.com");
    assert_eq!((scene.provider.refreshes(), scene.provider.refresh_successes()), (1, 1));
    assert!(scene.outcomes().iter().all(|outcome| outcome == "ok"));
}

#[tokio::test]
async fn replay_kills_the_family_but_not_its_neighbour() {
    let scene = Scene::new(Behaviour::default()).await;
    let (family, neighbour) = (scene.login().await, scene.login().await);
    let (_, successor) = scene.refresh(text(&family, "refresh_token")).await;
    let (status, error) = scene.refresh(text(&family, "refresh_token")).await;
    assert_eq!((status, text(&error, "error")), (400, "invalid_grant"));
    assert_eq!(scene.provider.reuse_detected(), 1);
    for (tokens, live) in [(&successor, false), (&neighbour, true)] {
        assert_eq!(scene.provider.is_live(text(tokens, "access_token")), live);
        assert_eq!(scene.provider.is_refresh_live(text(tokens, "refresh_token")), live);
        assert_eq!(scene.provider.revoked(text(tokens, "refresh_token")), !live);
        assert_eq!(scene.resource(text(tokens, "access_token")).await, if live { 200 } else { 401 });
    }
}

#[tokio::test]
async fn the_movable_clock_decides_expiry_and_grace() {
    let scene = Scene::new(Behaviour::default()).await;
    scene.provider.change(|behaviour| behaviour.token.reuse = ReusePolicy::Grace { seconds: 60 });
    let tokens = scene.login().await;
    scene.provider.advance(Duration::from_secs(3601));
    assert_eq!(scene.resource(text(&tokens, "access_token")).await, 401);
    let spent = text(&tokens, "refresh_token");
    assert_eq!(scene.refresh(spent).await.0, 200);
    scene.provider.advance(Duration::from_secs(50));
    assert_eq!(scene.refresh(spent).await.0, 200);
    scene.provider.advance(Duration::from_secs(20));
    assert_eq!(scene.refresh(spent).await.0, 400);
}

#[tokio::test]
async fn a_code_works_once_and_its_replay_kills_what_it_gave() {
    let scene = Scene::new(Behaviour::default()).await;
    let code = scene.authorize(&[]).await.remove("code").unwrap();
    let (_, tokens) = scene.redeem(&code).await;
    assert_eq!(scene.redeem(&code).await.0, 400);
    assert!(!scene.provider.is_live(text(&tokens, "access_token")));
}

#[tokio::test]
async fn authorization_requests_are_checked() {
    let scene = Scene::new(Behaviour::default()).await;
    let by_redirect = [
        (("response_type", "token"), "unsupported_response_type"),
        (("response_type", ""), "invalid_request"),
        (("code_challenge", ""), "invalid_request"),
        (("code_challenge", VERIFIER), "invalid_request"),
        (("code_challenge_method", "plain"), "invalid_request"),
        (("code_challenge_method", ""), "invalid_request"),
    ];
    for (change, error) in by_redirect {
        let redirect = scene.authorize(&[change]).await;
        assert_eq!((redirect["error"].as_str(), redirect.get("code")), (error, None), "{change:?}");
        assert_eq!(redirect["state"], "the-state");
    }
    for change in [
        ("client_id", "stranger"),
        ("client_id", ""),
        ("redirect_uri", "http://attacker.example/"),
        ("redirect_uri", ""),
    ] {
        let answer = scene.authorize_raw(&[change]).await;
        assert_eq!((answer.status().as_u16(), answer.headers().get("location")), (400, None), "{change:?}");
    }
}

#[tokio::test]
async fn consent_goes_wrong_in_every_way() {
    let scene = Scene::new(Behaviour::default()).await;
    let issuer = scene.provider.issuer();
    let (code, error) = (true, false);
    let table = [
        (Consent::Deny, error, Some("the-state"), Some(issuer.as_str())),
        (Consent::WrongState, code, Some("state-of-somebody-else"), Some(issuer.as_str())),
        (Consent::OmitState, code, None, Some(issuer.as_str())),
        (Consent::WrongIss, code, Some("the-state"), Some("https://attacker.example")),
        (Consent::OmitIss, code, Some("the-state"), None),
    ];
    for (consent, has_code, state, iss) in table {
        scene.provider.change(|behaviour| behaviour.authorize.consent = consent);
        let redirect = scene.authorize(&[]).await;
        assert_eq!(redirect.contains_key("code"), has_code, "{consent:?}");
        assert_eq!(redirect.contains_key("error"), !has_code, "{consent:?}");
        assert_eq!(redirect.get("state").map(String::as_str), state, "{consent:?}");
        assert_eq!(redirect.get("iss").map(String::as_str), iss, "{consent:?}");
    }
    scene.provider.change(|behaviour| behaviour.authorize.consent = Consent::Never);
    let answer = scene.authorize_raw(&[]).await;
    assert_eq!((answer.status().as_u16(), answer.headers().get("location")), (200, None));
}

async fn start_device(scene: &Scene) -> Value {
    let form = [("client_id", PUBLIC_CLIENT), ("scope", "read")];
    scene
        .http
        .post(scene.url("/device_authorization"))
        .form(&form)
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap()
}

async fn poll_device(scene: &Scene, device: &Value) -> (u16, Value) {
    let form = [
        ("grant_type", DEVICE_GRANT),
        ("client_id", PUBLIC_CLIENT),
        ("device_code", text(device, "device_code")),
    ];
    scene.token_json(&form).await
}

#[tokio::test]
async fn device_flow_pends_slows_down_and_ends() {
    let scene = Scene::new(Behaviour::default()).await;
    let device = start_device(&scene).await;
    assert_eq!(device["interval"], 5);
    assert_eq!(text(&poll_device(&scene, &device).await.1, "error"), "authorization_pending");
    assert_eq!(text(&poll_device(&scene, &device).await.1, "error"), "slow_down");
    scene.provider.advance(Duration::from_secs(11));
    let (status, tokens) = poll_device(&scene, &device).await;
    assert_eq!((status, text(&tokens, "scope")), (200, "read"));
    assert_eq!(scene.refresh(text(&tokens, "refresh_token")).await.0, 200);
}

#[tokio::test]
async fn device_flow_is_denied_expires_or_is_approved_on_the_page() {
    let scene = Scene::new(Behaviour::default()).await;
    let table = [
        (DeviceApproval::Deny, "access_denied"),
        (DeviceApproval::Expire, "expired_token"),
        (DeviceApproval::Never, "authorization_pending"),
    ];
    let mut device = Value::Null;
    for (approval, error) in table {
        scene.provider.change(|behaviour| behaviour.device.approval = approval);
        device = start_device(&scene).await;
        assert_eq!(text(&poll_device(&scene, &device).await.1, "error"), error);
    }
    let page = scene.http.get(text(&device, "verification_uri_complete")).send().await.unwrap();
    assert_eq!(page.status(), 200);
    scene.provider.advance(Duration::from_secs(5));
    assert_eq!(poll_device(&scene, &device).await.0, 200);

    scene.provider.change(|behaviour| {
        behaviour.device.dialect = VerificationDialect::VerificationUrl;
        behaviour.device.complete_uri = false;
        behaviour.device.omit_interval = true;
    });
    let device = start_device(&scene).await;
    assert_eq!(text(&device, "verification_url"), scene.url("/device"));
    assert!(device.get("verification_uri").is_none() && device.get("interval").is_none());
}

#[tokio::test]
async fn machines_get_access_tokens_only() {
    let scene = Scene::new(Behaviour::default()).await;
    let assertion = "e30.eyJzdWIiOiJhIiwiZXhwIjo5OTk5OTk5OTk5fQ.c2ln"; // {"sub":"a","exp":9999999999}
    let forms = [
        vec![("grant_type", "client_credentials")],
        vec![("grant_type", JWT_GRANT), ("assertion", assertion)],
    ];
    for form in forms {
        let request =
            scene.http.post(scene.url("/token")).basic_auth(SERVICE_CLIENT, Some(SERVICE_SECRET)).form(&form);
        let tokens: Value = request.send().await.unwrap().json().await.unwrap();
        assert!(tokens.get("refresh_token").is_none());
        assert_eq!(scene.resource(text(&tokens, "access_token")).await, 200, "{form:?}");
    }
    let (status, error) =
        scene.token_json(&[("grant_type", "client_credentials"), ("client_id", PUBLIC_CLIENT)]).await;
    assert_eq!((status, text(&error, "error")), (400, "unauthorized_client"));
}

#[tokio::test]
async fn revocation_speaks_two_dialects_or_fails() {
    let scene = Scene::new(Behaviour::default()).await;
    let tokens = scene.login().await;
    let (access, refresh) = (text(&tokens, "access_token"), text(&tokens, "refresh_token"));
    let revoke = |token: &str| {
        let form = [("client_id", PUBLIC_CLIENT), ("token", token)];
        scene.http.post(scene.url("/revoke")).form(&form).send()
    };
    for (style, status) in [
        (RevocationStyle::Failing, 503),
        (RevocationStyle::Unsupported, 404),
        (RevocationStyle::DeletePath, 404),
    ] {
        scene.provider.change(|behaviour| behaviour.revocation.style = style);
        assert_eq!(revoke(access).await.unwrap().status().as_u16(), status);
        assert!(!scene.provider.revoked(access));
    }
    scene.provider.change(|behaviour| behaviour.revocation.style = RevocationStyle::Rfc7009);
    assert_eq!(revoke("unknown").await.unwrap().status(), 200);
    assert_eq!(revoke(access).await.unwrap().status(), 200);
    assert!(scene.provider.revoked(access) && scene.provider.is_refresh_live(refresh));
    assert_eq!(revoke(refresh).await.unwrap().status(), 200);
    assert!(!scene.provider.is_refresh_live(refresh));

    scene.provider.change(|behaviour| behaviour.revocation.style = RevocationStyle::DeletePath);
    let request = scene.http.post(scene.url("/token")).basic_auth(SERVICE_CLIENT, Some(SERVICE_SECRET));
    let tokens: Value =
        request.form(&[("grant_type", "client_credentials")]).send().await.unwrap().json().await.unwrap();
    let access = text(&tokens, "access_token");
    let request = scene
        .http
        .delete(scene.url("/applications/service/token"))
        .basic_auth(SERVICE_CLIENT, Some(SERVICE_SECRET));
    assert_eq!(request.json(&json!({ "access_token": access })).send().await.unwrap().status(), 204);
    assert!(scene.provider.revoked(access));
}

#[tokio::test]
async fn introspection_tells_live_from_dead() {
    let scene = Scene::new(Behaviour::default()).await;
    let tokens = scene.login().await;
    let introspect = async |token: &str| -> Value {
        let request =
            scene.http.post(scene.url("/introspect")).basic_auth(SERVICE_CLIENT, Some(SERVICE_SECRET));
        request.form(&[("token", token)]).send().await.unwrap().json().await.unwrap()
    };
    let answer = introspect(text(&tokens, "access_token")).await;
    assert_eq!(
        (&answer["active"], &answer["sub"], &answer["client_id"]),
        (&json!(true), &json!("ada"), &json!(PUBLIC_CLIENT))
    );
    scene.provider.advance(Duration::from_secs(3601));
    assert_eq!(introspect(text(&tokens, "access_token")).await, json!({ "active": false }));
    assert_eq!(introspect("unknown").await, json!({ "active": false }));
}

#[tokio::test]
async fn metadata_describes_what_is_served_and_lies_on_request() {
    let scene = Scene::new(Behaviour::default()).await;
    let paths = ["/.well-known/oauth-authorization-server", "/.well-known/openid-configuration"];
    let document: Value = scene.fetch(paths[0]).await.json().await.unwrap();
    assert_eq!(document, scene.fetch(paths[1]).await.json::<Value>().await.unwrap());
    assert_eq!(text(&document, "issuer"), scene.provider.issuer());
    assert_eq!(scene.http.get(text(&document, "jwks_uri")).send().await.unwrap().status(), 200);

    scene.provider.change(|behaviour| {
        behaviour.metadata.issuer_mismatch = true;
        behaviour.metadata.without_pkce_methods = true;
        behaviour.metadata.without_iss_parameter = true;
        behaviour.metadata.missing.insert(Endpoint::Revoke);
        behaviour.metadata.location = misbehaving_provider::MetadataLocation::OpenidOnly;
    });
    assert_eq!(scene.fetch(paths[0]).await.status(), 404);
    let document: Value = scene.fetch(paths[1]).await.json().await.unwrap();
    assert_ne!(text(&document, "issuer"), scene.provider.issuer());
    for member in [
        "code_challenge_methods_supported",
        "authorization_response_iss_parameter_supported",
        "revocation_endpoint",
    ] {
        assert!(document.get(member).is_none(), "{member}");
    }
    assert!(!scene.authorize(&[]).await.contains_key("iss"));
    scene.provider.change(|behaviour| behaviour.metadata.not_json = true);
    assert!(scene.fetch(paths[1]).await.json::<Value>().await.is_err());
}

#[tokio::test]
async fn grants_keep_the_identity_they_were_given() {
    let scene = Scene::new(Behaviour::default()).await;
    let ada = scene.login().await;
    let bob = Identity { sub: "bob".into(), email: "bob@example.com".into(), name: "Bob".into() };
    scene.provider.change(|behaviour| behaviour.identity = bob.clone());
    let second = scene.login().await;
    assert_eq!(claims(text(&second, "id_token"))["sub"], "bob");
    let (_, refreshed) = scene.refresh(text(&ada, "refresh_token")).await;
    assert_eq!(claims(text(&refreshed, "id_token"))["sub"], "ada");
    scene.provider.change(|behaviour| behaviour.token.refreshed_identity = Some(bob));
    let (_, swapped) = scene.refresh(text(&refreshed, "refresh_token")).await;
    assert_eq!(claims(text(&swapped, "id_token"))["sub"], "bob");
}

#[tokio::test]
async fn refresh_tokens_can_depend_on_offline_access() {
    let scene = Scene::new(Behaviour::default()).await;
    scene.provider.change(|behaviour| behaviour.token.refresh_token_issue = RefreshTokenIssue::OfflineAccess);
    assert!(scene.login().await.get("refresh_token").is_none());
    let redirect = scene.authorize(&[("scope", "read offline_access")]).await;
    assert!(scene.redeem(&redirect["code"]).await.1.get("refresh_token").is_some());
}

#[tokio::test]
async fn all_secrets_are_on_the_list_and_none_is_in_the_log() {
    let scene = Scene::new(Behaviour::default()).await;
    let redirect = scene.authorize(&[]).await;
    let (_, tokens) = scene.redeem(&redirect["code"]).await;
    scene.refresh(text(&tokens, "refresh_token")).await;
    let secrets = scene.provider.secrets();
    let expected = [
        &redirect["code"],
        VERIFIER,
        SERVICE_SECRET,
        text(&tokens, "access_token"),
        text(&tokens, "refresh_token"),
        text(&tokens, "id_token"),
    ];
    for secret in expected {
        assert!(secrets.iter().any(|known| known == secret), "{secret}");
    }
    let log = format!("{:?}", scene.provider.calls());
    assert!(secrets.iter().all(|secret| !log.contains(secret.as_str())));
}

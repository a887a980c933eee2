//! The controls over HTTP do what the library's do.

use misbehaving_provider::{Behaviour, ReusePolicy};
use serde_json::{Value, json};

use crate::client::{Scene, refresh_form, text};

impl Scene {
    async fn control(&self, path: &str, body: Value) -> (u16, Value) {
        let answer = self.http.post(self.url(&format!("/control/{path}"))).json(&body).send().await.unwrap();
        (answer.status().as_u16(), answer.json().await.unwrap())
    }

    async fn state(&self) -> Value {
        self.fetch("/control/state").await.json().await.unwrap()
    }
}

#[tokio::test]
async fn a_merge_patch_changes_only_what_it_names() {
    let scene = Scene::new(Behaviour::default()).await;
    let patch = json!({ "token": { "access_lifetime": 4, "reuse": { "grace": { "seconds": 30 } } },
        "faults": { "jwks": { "status": { "code": 502 } } } });
    assert_eq!(scene.control("behaviour", patch).await.0, 200);
    let behaviour = scene.provider.behaviour();
    assert_eq!(behaviour.token.access_lifetime.as_secs(), 4);
    assert_eq!(behaviour.token.reuse, ReusePolicy::Grace { seconds: 30 });
    assert_eq!(behaviour.clients, Behaviour::default().clients);
    assert_eq!(scene.fetch("/jwks").await.status(), 502);
    assert_eq!(scene.control("behaviour", json!({ "faults": { "jwks": null } })).await.0, 200);
    assert_eq!(scene.fetch("/jwks").await.status(), 200);

    let (status, answer) = scene.control("behaviour", json!({ "token": { "no_such_switch": 1 } })).await;
    assert_eq!(status, 400);
    assert!(text(&answer, "message").contains("no_such_switch"));
}

#[tokio::test]
async fn faults_time_and_tokens_are_controlled() {
    let scene = Scene::new(Behaviour::default()).await;
    let tokens = scene.login().await;
    let access = text(&tokens, "access_token");
    let live = scene.control("live", json!({ "token": access })).await.1;
    assert_eq!(live, json!({ "live": true, "access_live": true, "refresh_live": false, "revoked": false }));
    scene.control("advance", json!({ "seconds": 3601 })).await;
    assert_eq!(scene.control("live", json!({ "token": access })).await.1["live"], false);

    let inject = json!({ "endpoint": "token", "fault": "rotated_but_lost", "times": { "exactly": 1 } });
    assert_eq!(scene.control("inject", inject).await.0, 200);
    assert!(scene.token(&refresh_form(text(&tokens, "refresh_token"))).await.is_err());
    assert_eq!(scene.refresh(text(&tokens, "refresh_token")).await.0, 400);
    let state = scene.state().await;
    let counters = [
        &state["refreshes"],
        &state["refresh_successes"],
        &state["reuse_detected"],
        &state["faults_waiting"],
    ];
    assert_eq!(counters, [2, 1, 1, 0]);
    assert_eq!(state["calls"].as_array().unwrap().last().unwrap()["outcome"], "invalid_grant");
    let secrets: Vec<String> = scene.fetch("/control/secrets").await.json().await.unwrap();
    assert!(secrets.iter().any(|secret| secret == access));

    let other = scene.login().await;
    assert_eq!(
        scene.control("revoke", json!({ "token": other["refresh_token"] })).await.1,
        json!({ "known": true })
    );
    assert!(scene.provider.revoked(text(&other, "access_token")));
}

#[tokio::test]
async fn held_calls_are_seen_and_released() {
    let scene = Scene::new(Behaviour::default()).await;
    let (_, hold) = scene.control("hold", json!({ "endpoint": "jwks", "when": "after_processing" })).await;
    let call = scene.fetch("/jwks");
    let release = async {
        while scene.state().await["held"] != json!([{ "hold": hold["hold"], "arrived": true }]) {
            tokio::task::yield_now().await;
        }
        scene.control("release", hold.clone()).await.1
    };
    let (answer, released) = tokio::join!(call, release);
    assert_eq!((answer.status().as_u16(), released), (200, json!({ "released": 1 })));
    assert_eq!(scene.state().await["held"], json!([]));
}

#[tokio::test]
async fn nonsense_is_refused_with_a_message() {
    let scene = Scene::new(Behaviour::default()).await;
    for path in ["behaviour", "inject", "hold", "advance", "live"] {
        let (status, answer) = scene.control(path, json!("nonsense")).await;
        assert_eq!(status, 400, "{path}");
        assert!(!text(&answer, "message").is_empty());
    }
    assert_eq!(scene.fetch("/control/nothing").await.status(), 404);
}
